"""Resampling refits exactly the estimator reported: every refit against a dense fit of the rows; sizes; refusals."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar

from attendlib.stats.ols import ols
from attendlib.stats.redraw import Recounted, read_trial
from attendlib.stats.resample import bootstrap_clusters, permute

MODELS = ("least_squares", "fixed_effects", "random_intercept")


def schools(seed, sizes, treated, icc=0.2, effect=0.0):
    """A cluster-randomised trial of normal outcomes with unit variance: one row a pupil, schools in rows' order."""
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(len(sizes)), sizes)
    arm = np.isin(school, treated).astype(float)
    prior = rng.normal(size=len(school))
    between = rng.normal(0, np.sqrt(icc), len(sizes))[school]
    y = 3 + effect * arm + 0.5 * prior + between + rng.normal(0, np.sqrt(1 - icc), len(school))
    return pd.DataFrame({"const": 1.0, "arm": arm, "prior": prior, "y": y, "school": school})


SIX = schools(1, [4, 9, 6, 5, 8, 7], [0, 2, 5])
X = ["const", "arm", "prior"]


def dense(y, x, group, model):
    """Coefficient, standard error and both variances of the last column of x, by whole matrices."""
    n, k = x.shape
    same = (group[:, None] == group[None, :]).astype(float)
    if model == "fixed_effects":
        demean = np.eye(n) - same / same.sum(axis=1)
        x = demean @ x[:, np.abs(demean @ x).max(axis=0) > 1e-9]
        y, k = demean @ y, x.shape[1] + len(np.unique(group))

    def solve(ratio):
        v = np.eye(n) + ratio * same
        inverse = np.linalg.inv(v)
        gram = x.T @ inverse @ x
        b = np.linalg.solve(gram, x.T @ inverse @ y)
        rss = (y - x @ b) @ inverse @ (y - x @ b)
        height = (n - x.shape[1]) * np.log(rss) + np.linalg.slogdet(v)[1] + np.linalg.slogdet(gram)[1]
        within = rss / (n - k)
        return height, b[-1], np.sqrt(within * np.linalg.inv(gram)[-1, -1]), ratio * within, within

    if model != "random_intercept":
        return solve(0.0)[1:]
    best = minimize_scalar(
        lambda log: solve(np.exp(log))[0], bounds=(-12, 5), method="bounded", options={"xatol": 1e-9}
    )
    return solve(np.exp(best.x) if best.fun < solve(0.0)[0] else 0.0)[1:]


@pytest.mark.parametrize("model", ["least_squares", "random_intercept"])
@pytest.mark.parametrize("statistic", ["coefficient", "t", "conditional"])
def test_every_reallocation_is_the_fit_of_its_rows(model, statistic):
    found = permute(
        SIX["y"], SIX[X], "arm", 1, unit=SIX["school"], group=SIX["school"], model=model, statistic=statistic
    )
    assert (found.draws, found.enumerated, found.n, found.n_units) == (20, True, 39, 6)
    for value, chosen in zip(found.values, combinations(range(6), 3), strict=True):
        x = np.column_stack([SIX["const"], SIX["prior"], np.isin(SIX["school"], chosen)])
        coef, se, between, within = dense(SIX["y"].to_numpy(), x, SIX["school"].to_numpy(), model)
        wanted = {"coefficient": coef, "t": coef / se, "conditional": coef / np.sqrt(between + within)}[statistic]
        assert value == pytest.approx(wanted, rel=1e-6, abs=1e-8)
    assert found.p == np.mean(np.abs(found.values) >= abs(found.observed) - 1e-9) >= found.smallest_p
    assert found.smallest_p == pytest.approx(2 / 20)
    assert any("p could not have been below 0.1" in note for note in found.warnings)


@pytest.mark.parametrize("model", MODELS)
def test_pupils_reallocated_inside_schools(model):
    # Two of four pupils treated in each of five schools: 6^5 allocations to draw from.
    data = schools(2, [4] * 5, []).assign(arm=np.tile([1.0, 0, 1, 0], 5))
    found = permute(data["y"], data[X], "arm", 3, strata=data["school"], group=data["school"], model=model, draws=300)
    assert not found.enumerated
    x = data[["const", "prior", "arm"]].to_numpy()
    assert found.observed == pytest.approx(
        dense(data["y"].to_numpy(), x, data["school"].to_numpy(), model)[0], rel=1e-6
    )
    everyone = permute(
        data["y"], data[X], "arm", 3, strata=data["school"], group=data["school"], model=model, draws=7776
    )
    assert (everyone.draws, everyone.enumerated, everyone.monte_carlo_se) == (7776, True, 0)
    assert set(np.round(found.values, 9)) <= set(np.round(everyone.values, 9))
    assert abs(found.p - everyone.p) < 4 * np.sqrt(everyone.p * (1 - everyone.p) / 300) + 1 / 301


@pytest.mark.parametrize("model", MODELS)
def test_units_of_several_pupils_inside_larger_groups(model):
    """Households inside schools: the treated pupils of a school change in number from draw to draw."""
    rng = np.random.default_rng(4)
    data = schools(5, [9, 12, 10], []).assign(house=lambda d: d["school"] * 10 + rng.integers(0, 4, len(d)))
    data["arm"] = (data["house"] % 2).astype(float)
    found = permute(data["y"], data[X], "arm", 6, unit=data["house"], group=data["school"], model=model, draws=5000)
    houses = data["house"].unique()
    treated = int(data.groupby("house")["arm"].first().sum())
    allocations = list(combinations(houses, treated))
    assert (found.draws, found.enumerated) == (len(allocations), True)
    for place in range(0, len(allocations), len(allocations) // 12):
        x = np.column_stack([data["const"], data["prior"], data["house"].isin(allocations[place])])
        wanted = dense(data["y"].to_numpy(), x, data["school"].to_numpy(), model)[0]
        assert found.values[place] == pytest.approx(wanted, rel=1e-6, abs=1e-6)  # a minimiser's own precision


@pytest.mark.parametrize("model", MODELS)
def test_a_school_drawn_twice_is_two_schools(model):
    """Counts of clusters against rows really copied, each copy with a label of its own."""
    data = SIX if model != "fixed_effects" else SIX.assign(arm=np.arange(len(SIX)) % 2.0)
    trial = read_trial(data["y"], data[X], "arm", data["school"], model)
    counts = np.array([[1, 1, 1, 1, 1, 1], [2, 0, 1, 3, 0, 0], [0, 1, 1, 1, 1, 2], [1, 3, 0, 0, 0, 2]], dtype=float)
    recounted = Recounted(trial)
    fits, sd = recounted(counts), recounted.empty_sd(counts)
    for r, row in enumerate(counts.astype(int)):
        copies = [data[data["school"] == s].assign(school=100 * s + c) for s in range(6) for c in range(row[s])]
        drawn = pd.concat(copies)
        arrays = drawn["y"].to_numpy(), drawn[["const", "prior", "arm"]].to_numpy(), drawn["school"].to_numpy()
        assert [fits.coef[r], fits.se[r]] == pytest.approx(dense(*arrays, model)[:2], rel=1e-5)
        _, _, between, within = dense(arrays[0], np.ones((len(drawn), 1)), arrays[2], "random_intercept")
        assert sd[r] == pytest.approx(np.sqrt(between + within), rel=1e-5)
        if model == "random_intercept":
            assert [fits.between[r], fits.within[r]] == pytest.approx(dense(*arrays, model)[2:], rel=1e-4, abs=1e-6)


def test_the_first_fit_is_the_estimator_of_the_page():
    least = bootstrap_clusters(SIX["y"], SIX[X], "arm", SIX["school"], 1, model="least_squares", draws=20)
    assert least.estimate == pytest.approx(ols(SIX["y"], SIX[X], SIX["school"]).coef["arm"])
    data = SIX.assign(arm=np.arange(len(SIX)) % 2.0)
    fixed = bootstrap_clusters(data["y"], data[X], "arm", data["school"], 1, model="fixed_effects", draws=20)
    dummies = pd.get_dummies(data["school"], prefix="s").astype(float)
    assert fixed.estimate == pytest.approx(ols(data["y"], data[["arm", "prior"]].join(dummies)).coef["arm"])
    assert (fixed.n, fixed.n_groups, fixed.draws, fixed.lost) == (39, 6, 20, 0)


def test_a_drawn_p_counts_the_actual_allocation_and_is_never_0():
    data = schools(3, [5] * 40, range(0, 40, 2), effect=9)
    found = permute(data["y"], data[X], "arm", 5, unit=data["school"], draws=199)
    assert found.p == found.smallest_p == pytest.approx(1 / 200)
    again = permute(data["y"], data[X], "arm", 5, unit=data["school"], draws=199)
    other = permute(data["y"], data[X], "arm", 6, unit=data["school"], draws=199)
    assert (again.values == found.values).all()
    assert (other.values != found.values).any()


def test_blocks_of_one_arm_are_said_and_left():
    data = schools(7, [5] * 12, [0, 1, 4, 6, 8])
    block = np.where(data["school"] < 2, "all treated", np.where(data["school"] < 7, "b", "c"))
    found = permute(data["y"], data[X], "arm", 1, unit=data["school"], strata=block)
    assert (found.draws, found.enumerated) == (10 * 5, True)
    assert found.warnings == ("1 of 3 strata have one arm only: they are never reallocated.",)
    assert found.smallest_p == pytest.approx(1 / 50)


def test_an_allocation_that_repeats_a_covariate_counts_as_far():
    data = SIX.assign(urban=SIX["school"].isin([0, 1, 2]).astype(float))
    found = permute(data["y"], data[[*X, "urban"]], "arm", 1, unit=data["school"])
    assert np.isnan(found.values).sum() == 2  # the three urban schools, and the three others
    assert found.p >= 2 / 20
    assert any("2 reallocations repeat a column" in note for note in found.warnings)
    with pytest.raises(ValueError, match="nothing to estimate"):
        permute(data["y"], data[[*X, "urban"]].assign(arm=data["urban"]), "arm", 1, unit=data["school"])


def test_expanded_percentiles_are_wider_and_say_when_they_run_out():
    data = schools(8, [6] * 20, range(0, 20, 2))
    wide = bootstrap_clusters(data["y"], data[X], "arm", data["school"], 1, draws=1999)
    plain = np.quantile(wide.values, [0.025, 0.975])
    assert wide.low < plain[0] < plain[1] < wide.high
    assert wide.se == pytest.approx(wide.values.std(ddof=1))
    narrow = bootstrap_clusters(data["y"], data[X], "arm", data["school"], 1, draws=1999, confidence_pct=80)
    assert wide.low < narrow.low < narrow.high < wide.high
    few = bootstrap_clusters(SIX["y"], SIX[X], "arm", SIX["school"], 1, draws=99)
    assert (few.low, few.high) == (few.values.min(), few.values.max())
    assert any("whole range" in note for note in few.warnings)
    studentised = bootstrap_clusters(data["y"], data[X], "arm", data["school"], 1, kind="t")
    assert studentised.low < studentised.estimate < studentised.high


def test_clusters_are_drawn_inside_their_strata():
    """Two strata of very different level: their difference must not reach the draws."""
    data = schools(9, [6] * 16, range(0, 16, 2))
    data["y"] += 50 * (data["school"] >= 8)
    stratum = np.where(data["school"] >= 8, "high", "low")
    both = [
        bootstrap_clusters(data["y"], data[X], "arm", data["school"], 1, strata=strata, model="least_squares").se
        for strata in (stratum, None)
    ]
    assert both[0] < both[1] / 5


TEXT = SIX.assign(school="school " + SIX["school"].astype(str))


def test_labels_may_be_text_and_rows_in_any_order():
    shuffled = TEXT.sample(frac=1, random_state=3)
    for data in (TEXT, shuffled):
        found = permute(data["y"], data[X], "arm", 1, data["school"], group=data["school"], model="random_intercept")
        assert found.p == permute(SIX["y"], SIX[X], "arm", 1, SIX["school"], None, SIX["school"], "random_intercept").p
        assert bootstrap_clusters(data["y"], data[X], "arm", data["school"], 1, draws=9).n_groups == 6


def ask_permute(data=SIX, column="arm", **given):
    return permute(data["y"], data[given.pop("X", X)], column, 1, **given)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: ask_permute(SIX.assign(arm=SIX["arm"] * 2)), "must hold 0 and 1"),
        (lambda: ask_permute(SIX.assign(arm=1.0)), "must hold 0 and 1"),
        (lambda: ask_permute(column="treated"), "no column 'treated' in X"),
        (lambda: ask_permute(SIX.assign(arm=np.arange(39) % 2), unit=SIX["school"]), "same for all rows of 6 units"),
        (lambda: ask_permute(unit=SIX["school"], strata=np.arange(39) % 2), "strata cut through 6 units"),
        (
            lambda: ask_permute(unit=SIX["school"], group=np.arange(39) % 2, model="random_intercept"),
            "groups cut through 6 units",
        ),
        (lambda: ask_permute(unit=SIX["school"], strata=SIX["arm"]), "nothing to reallocate"),
        (lambda: ask_permute(unit=SIX["school"][:10]), "unit has 10 entries but X has 39"),
        (lambda: ask_permute(model="random_intercept"), "needs the groups"),
        (lambda: ask_permute(unit=SIX["school"].sample(frac=1, random_state=1)), "unit and X have different indexes"),
        (lambda: ask_permute(strata=(SIX["school"] // 2).iloc[::-1]), "strata and X have different indexes"),
        (lambda: ask_permute(SIX.assign(y=5.0)), "fit the outcome exactly"),
        (lambda: ask_permute(model="random_intercept", group=np.arange(39)), "39 groups has one row"),
        (
            lambda: ask_permute(SIX.assign(y=SIX["school"] ** 2), group=SIX["school"], model="random_intercept"),
            "same for all rows of each group",
        ),
        (
            lambda: bootstrap_clusters(
                SIX["y"], SIX[X], "arm", SIX["school"], 1, strata=(SIX["school"] // 3).iloc[::-1]
            ),
            "strata and X have different indexes",
        ),
        (lambda: ask_permute(statistic="effect_size"), "permute the coefficient"),
        (lambda: ask_permute(SIX.assign(y=SIX["y"].mask(SIX["school"] == 1))), "y has 9 missing"),
        (
            lambda: bootstrap_clusters(SIX["y"], SIX[X], "arm", SIX["school"], 1, kind="t", statistic="effect_size"),
            "bootstrap-t",
        ),
        (
            lambda: bootstrap_clusters(SIX["y"], SIX[X].assign(arm=SIX["school"] == 0), "arm", SIX["school"], 1),
            "1 arms or strata have one cluster only",
        ),
        (
            lambda: bootstrap_clusters(SIX["y"], SIX[X], "arm", SIX["school"], 1, confidence_pct=0),
            "confidence_pct is 0",
        ),
        (
            lambda: bootstrap_clusters(
                SIX["y"], SIX[X].assign(urban=SIX["school"].isin([1, 2]) * 1.0), "arm", SIX["school"], 1
            ),
            "of 1999 draws repeat a column",
        ),
    ],
)
def test_what_cannot_be_resampled_is_refused(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()
