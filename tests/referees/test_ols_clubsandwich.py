"""Least squares on the EEF's example trial against R's clubSandwich and sandwich, digit for digit."""

import json

import pandas as pd
import pytest
from shared import shared

from attendlib.stats.fit import contrast
from attendlib.stats.ols import ols, ols_from_sums
from attendlib.stats.sums import add, group_sums

NAMES = {"const": "(Intercept)", "Intervention": "Intervention", "Prettest": "Prettest"}


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    return pd.read_csv(shared("referees/eef_crtData.csv")).assign(const=1.0)


@pytest.fixture(scope="module")
def published() -> dict:
    text = shared("referees/trial_reference.json").read_text()
    return json.loads(text)["models_crtData"]["crt_ols_clusterrobust"]


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR1S", "CR2", "CR3"])
@pytest.mark.parametrize("name", list(NAMES))
def test_clustered_errors_degrees_of_freedom_and_p(trial, published, kind, name):
    fit = ols(trial["Posttest"], trial[list(NAMES)], trial["School"], vcov=kind)
    theirs = published[kind][NAMES[name]]
    assert fit.coef[name] == pytest.approx(theirs["beta"], rel=1e-10)
    assert fit.se[name] == pytest.approx(theirs["SE"], rel=1e-10)
    assert fit.df[name] == pytest.approx(theirs.get("df_Satt", theirs.get("df_t")), rel=1e-10)
    assert fit.p[name] == pytest.approx(theirs.get("p_Satt", theirs.get("p_t")), rel=1e-8)


def test_the_default_is_the_headline_of_the_trial(trial):
    fit = ols(trial["Posttest"], trial[list(NAMES)], trial["School"])
    assert (fit.vcov_type, fit.n, fit.n_groups) == ("CR2", 265, 22)
    assert f"{fit.se['Intervention']:.5f}" == "1.46256"
    assert f"{fit.df['Intervention']:.3f}" == "11.714"
    assert f"{fit.p['Intervention']:.4f}" == "0.0615"


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_row_errors_without_clusters(trial, published, kind):
    fit = ols(trial["Posttest"], trial[list(NAMES)], vcov=kind)
    assert fit.se.tolist() == pytest.approx([published[kind][r] for r in NAMES.values()], rel=1e-10)


def test_classical_errors(trial, published):
    fit = ols(trial["Posttest"], trial[list(NAMES)], vcov="classical")
    for ours, theirs in NAMES.items():
        assert fit.se[ours] == pytest.approx(published["ols"][theirs]["Std. Error"], rel=1e-10)
        assert fit.p[ours] == pytest.approx(published["ols"][theirs]["Pr(>|t|)"], rel=1e-8)


@pytest.mark.parametrize(
    ("before_shift", "weights", "theirs"),
    [
        # With Prettest moved by a shift, clubSandwich's intercept is our constant plus shift times our slope.
        (0.0, {"Intervention": 1.0}, "Intervention"),
        (0.0, {"Prettest": 1.0}, "Prettest"),
        (2.0, {"const": 1.0, "Prettest": 2.0}, "(Intercept)"),
        (-3.5, {"const": 1.0, "Prettest": -3.5}, "(Intercept)"),
    ],
)
def test_contrasts_have_clubsandwich_degrees_of_freedom(trial, published, before_shift, weights, theirs):
    X = trial[list(NAMES)].assign(Prettest=trial["Prettest"] + before_shift)
    found = contrast(ols(trial["Posttest"], X, trial["School"]), weights)
    row = published["CR2"][theirs]
    assert found.value == pytest.approx(row["beta"], rel=1e-9)
    assert found.se == pytest.approx(row["SE"], rel=1e-9)
    assert found.df == pytest.approx(row["df_Satt"], rel=1e-9)
    assert found.p == pytest.approx(row["p_Satt"], rel=1e-7)


@pytest.mark.parametrize("kind", ["CR0", "CR2", "CR3"])
def test_two_halves_added_are_the_whole(trial, published, kind):
    halves = [trial.iloc[:101], trial.iloc[101:]]  # the cut runs through a school
    parts = [group_sums(half["Posttest"], half[list(NAMES)], half["School"]) for half in halves]
    assert len(parts[0].n) + len(parts[1].n) == 23
    fit = ols_from_sums(add(*parts), vcov=kind)
    for ours, theirs in NAMES.items():
        row = published[kind][theirs]
        assert fit.se[ours] == pytest.approx(row["SE"], rel=1e-10)
        assert fit.df[ours] == pytest.approx(row.get("df_Satt", row.get("df_t")), rel=1e-10)
