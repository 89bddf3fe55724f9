"""Effect sizes of the EEF's example trial against R (lme4, lmerTest, eefAnalytics 1.1.5), WWC and metafor.

eefAnalytics' own points and variances are reproduced where they are right. Its normal quantile is 1.96 flat, hence
`Z` below. Of three arms it counts the other arm's pupils as control; here that needs its wrong counts put in by hand.
"""

import json

import numpy as np
import pandas as pd
import pytest
from shared import shared

from attendlib.stats.effect_size import (
    Arm,
    arm,
    correction,
    cox_index,
    effect_size_cluster,
    hedges_2007,
    hedges_g,
    improvement_index,
    pooled_sd,
)
from attendlib.stats.itt import itt
from attendlib.stats.mixed import icc
from attendlib.stats.mixed_checks import kenward_roger, profile_interval, random_intercept_cr2

X = ["const", "Intervention", "Prettest"]
# Where lme4 stops: its variances are good to about 1 in 10^8, what divides by them likewise.
STOPS = 2e-8
Z = 1.96


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    return pd.read_csv(shared("referees/eef_crtData.csv")).assign(const=1.0)


@pytest.fixture(scope="module")
def published() -> dict:
    return json.loads(shared("referees/trial_reference.json").read_text())


@pytest.fixture(scope="module")
def found(trial):
    return effect_size_cluster(trial["Posttest"], trial[X], trial["School"], "Intervention", j="approximate")


def test_the_difference_is_lme4s_with_satterthwaite(trial, published):
    ours = itt(trial["Posttest"], trial[X], trial["School"], "Intervention")
    row = published["models_crtData"]["crt_2arm_REML"]["fixed_satterthwaite"]["Intervention"]
    assert ours.difference.value == pytest.approx(row["Estimate"], rel=1e-9)
    assert ours.difference.se == pytest.approx(row["Std. Error"], rel=STOPS)
    assert ours.difference.df == pytest.approx(row["df"], rel=1e-6)
    assert ours.difference.p == pytest.approx(row["Pr(>|t|)"], rel=1e-6)
    assert (ours.by_group, ours.fit.n, ours.fit.n_groups, ours.difference.warnings) == (True, 265, 22, ())


@pytest.mark.parametrize(("column", "theirs"), [("const", "(Intercept)"), ("Intervention",) * 2, ("Prettest",) * 2])
def test_second_opinions_on_the_random_intercept(trial, published, column, theirs):
    """lmerTest's Kenward-Roger, clubSandwich's CR2 of the lmer fit, and lme4's profile interval."""
    data, models = (trial["Posttest"], trial[X], trial["School"], column), published["models_crtData"]
    row, ours = models["crt_2arm_REML"]["fixed_kenward_roger"][theirs], kenward_roger(*data)
    assert [ours.value, ours.se] == pytest.approx([row["Estimate"], row["Std. Error"]], rel=STOPS)
    assert [ours.df, ours.p] == pytest.approx([row["df"], row["Pr(>|t|)"]], rel=1e-6)
    row, ours = models["crt_lmer_CR2"]["res"][theirs], random_intercept_cr2(*data)
    assert [ours.value, ours.se] == pytest.approx([row["beta"], row["SE"]], rel=STOPS)
    assert [ours.df, ours.p] == pytest.approx([row["df_Satt"], row["p_Satt"]], rel=1e-6)
    row, ends = models["crt_2arm_REML"]["profile_ci"][theirs], profile_interval(*data)
    # lme4 interpolates its profile: at its own ends its likelihoods are 4 in 10^6 off, at ours less than 1 in 10^12.
    assert ends == pytest.approx((row["lb"], row["ub"]), abs=2e-6)


def test_intraclass_correlations_of_empty_models(trial, published):
    for column, model in (("Posttest", "crt_empty"), ("Prettest", "crt_pre_empty")):
        variances = published["models_crtData"][model]["varcomp"]
        between, within = variances["School|(Intercept)|"], variances["Residual||"]
        assert icc(trial[column], trial["School"]).value == pytest.approx(between / (between + within), rel=1e-6)
    assert f"{icc(trial['Prettest'], trial['School']).value:.4f}" == "0.0246"


def test_the_eefs_effect_size_and_the_others(found, published):
    theirs = published["models_crtData"]["es_crt"]
    assert found.eef.value == pytest.approx(theirs["d_totalSD_emptyMLM"], rel=STOPS)
    assert found.sizes["unconditional_within"].value == pytest.approx(theirs["d_withinSD_emptyMLM"], rel=STOPS)
    pooled = found.sizes["pooled"]
    assert (pooled.n_treated, pooled.n_control) == (theirs["pooled"]["n1"], theirs["pooled"]["n0"])
    assert pooled.sd == pytest.approx(theirs["pooled"]["sp"], rel=1e-12)
    assert pooled.value == pytest.approx(theirs["g_pooledSD"], rel=1e-9)
    assert pooled.value / pooled.j == pytest.approx(theirs["d_pooledSD"], rel=1e-9)
    assert pooled.j == pytest.approx(theirs["pooled"]["J"], rel=1e-13)
    assert correction(263) == pytest.approx(theirs["pooled"]["Jexact"], rel=1e-11)
    assert found.empty.between / (found.empty.between + found.empty.within) == pytest.approx(
        theirs["icc_empty"], rel=1e-7
    )
    assert found.eef.low == pytest.approx(found.itt.difference.low / found.eef.sd)


@pytest.mark.parametrize("model", ["crt_2arm", "crt_2arm_nocov"])
@pytest.mark.parametrize("kind", ["conditional", "unconditional"])
def test_eefanalytics_within_and_total_with_its_intervals(trial, published, model, kind):
    columns = X if model == "crt_2arm" else X[:2]
    sizes = effect_size_cluster(trial["Posttest"], trial[columns], trial["School"], "Intervention").sizes
    theirs = published["eefAnalytics_crtData"][model]["full_precision"]
    row = theirs["ES" if kind == "conditional" else "Unconditional_ES"]["Intervention1"]
    for part in ("within", "total"):
        ours = sizes[f"hedges_{kind}_{part}"]
        wanted = row[part.capitalize()]
        assert ours.value == pytest.approx(wanted["g"], rel=STOPS)
        assert ours.value - Z * ours.se == pytest.approx(wanted["lb"], rel=2e-7)
        assert ours.value + Z * ours.se == pytest.approx(wanted["ub"], rel=2e-7)


def test_its_variances_are_ours(found, published):
    for key, fit in (("covParm", found.itt.fit), ("Unconditional_covParm", found.empty)):
        theirs = published["eefAnalytics_crtData"]["crt_2arm"]["full_precision"][key]
        ours = [fit.between, fit.within, fit.between + fit.within]
        assert ours == pytest.approx([theirs["Schools"], theirs["Pupils"], theirs["Total"]], rel=1e-7)


def test_three_arms_are_right_where_it_is_wrong(trial, published):
    """Each arm against control alone; eefAnalytics' own figures need the other arm's schools taken for control."""
    dummies = {"one": trial["Intervention2"] == 1, "two": trial["Intervention2"] == 2}
    data = trial.assign(**{name: dummy.astype(float) for name, dummy in dummies.items()})
    columns, sizes = ["const", "one", "two", "Prettest"], trial.groupby("School").size()
    in_arm = trial.groupby("School")["Intervention2"].first()
    theirs = published["eefAnalytics_crtData"]["crt_3arm"]["full_precision"]["ES"]
    for number, (name, other) in enumerate((("one", "two"), ("two", "one")), start=1):
        ours = effect_size_cluster(data["Posttest"], data[columns], data["School"], name, [other])
        row = theirs[f"Intervention2{number}"]
        difference, fit = ours.itt.difference.value, ours.itt.fit
        wrong = hedges_2007(difference, fit.between, fit.within, sizes[in_arm == number], sizes[in_arm != number])
        for size, part in zip(wrong, ("Within", "Total"), strict=True):
            assert size.value == pytest.approx(row[part]["g"], rel=1e-6)
            assert size.value - Z * size.se == pytest.approx(row[part]["lb"], rel=1e-6)
            assert size.value + Z * size.se == pytest.approx(row[part]["ub"], rel=1e-6)
        right = ours.sizes["hedges_conditional_within"]
        assert right.n_control == sizes[in_arm == 0].sum() == data["Posttest"][data["Intervention2"] == 0].size
        assert right.value == pytest.approx(row["Within"]["g"], rel=1e-6)
        assert right.se > wrong[0].se  # fewer schools are really in control


def test_raw_and_baseline_differences(trial, published):
    for column, key, g in (("Posttest", "es_crt", "raw_g"), ("Prettest", "baseline_crt", "g")):
        sides = [trial.loc[trial["Intervention"] == side, column] for side in (1, 0)]
        theirs = published["models_crtData"][key]
        assert hedges_g(*sides, j="approximate").value == pytest.approx(theirs[g], rel=1e-12)
        numbers = theirs.get("pooled", theirs)
        for side, label in zip(sides, ("1", "0"), strict=True):
            wanted = Arm(numbers[f"m{label}"], numbers[f"s{label}"], numbers[f"n{label}"])
            assert [*vars_of(arm(side))] == pytest.approx([*vars_of(wanted)], rel=1e-12)


def vars_of(one: Arm):
    return one.mean, one.sd, one.n


def test_what_works_clearinghouse(published):
    row = published["wwc"]["wwc_g"]
    sides = Arm(row["m1"], row["s1"], row["n1"]), Arm(row["m0"], row["s0"], row["n0"])
    ours = hedges_g(*sides, j="approximate")
    assert pooled_sd(*sides) == pytest.approx(row["sp"], rel=1e-13)
    assert [ours.j, ours.value, ours.se] == pytest.approx([row["omega"], row["g"], row["se"]], rel=1e-12)
    assert improvement_index(ours.value) == pytest.approx(row["improvement_index"], rel=1e-11)
    for key in ("wwc_cox", "wwc_cox2"):
        one = published["wwc"][key]
        assert cox_index(one["p1"], one["p0"], one["n1"], one["n0"]) == pytest.approx(one["d"], rel=1e-12)


def test_metafors_standardised_mean_difference(published):
    row = published["metafor"]["metafor_smd"]
    ours = hedges_g(Arm(10.5, 2.3, 42), Arm(9.8, 2.6, 39))
    assert ours.value == pytest.approx(row["yi"], rel=1e-11)
    assert ours.se**2 == pytest.approx(row["vi"], rel=1e-11)
    assert np.isfinite([ours.low, ours.high]).all()
