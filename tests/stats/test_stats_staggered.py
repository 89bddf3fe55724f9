"""Staggered starts by hand: weights against sums, regressions and the package; variance, shuffles, bad input."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from diff_diff import CallawaySantAnna, ImputationDiD

from attendlib.stats.ols import ols
from attendlib.stats.staggered import (
    NEVER,
    Paths,
    estimate,
    group_time_weights,
    imputation_weights,
    paths,
    two_way_weights,
)
from attendlib.stats.staggered_shuffle import shuffle_starts

FIRST = np.array([2, 2, 3, 3, 3, 4, 4, NEVER, NEVER, NEVER])


def made(first: np.ndarray = FIRST, periods: int = 6, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((len(first), periods)).cumsum(axis=1)


def long(y: np.ndarray, first: np.ndarray) -> pd.DataFrame:
    groups, periods = np.indices(y.shape)
    starts = np.where(first == NEVER, 0, first + 1)
    return pd.DataFrame(
        {"g": groups.ravel(), "t": 1 + periods.ravel(), "y": y.ravel(), "first": np.repeat(starts, y.shape[1])}
    )


def test_two_groups_and_two_periods_are_a_difference_of_differences() -> None:
    y = np.array([[3.0, 9.0], [1.0, 2.0]])
    panel = paths(y, np.array([1, NEVER]))
    for weigh in (group_time_weights, imputation_weights, two_way_weights):
        assert (weigh(panel) * panel.means).sum() == pytest.approx(5.0)


@pytest.mark.parametrize("control", ["never_treated", "not_yet_treated"])
@pytest.mark.parametrize("event", [-3, -2, 0, 1, 2, 3])
def test_each_distance_is_the_packages(control: str, event: int) -> None:
    y = made()
    theirs = CallawaySantAnna(control_group=control, base_period="universal")
    theirs = theirs.fit(long(y, FIRST), "y", "g", "t", "first").aggregate("event_study")
    panel = paths(y, FIRST)
    own = estimate(panel, group_time_weights(panel, control == "never_treated", event=event)).value
    assert own == pytest.approx(theirs.att[list(theirs.event_time).index(event)], abs=1e-12)


def test_imputation_is_the_packages_and_a_regression_on_what_is_untreated() -> None:
    y = made()
    panel = paths(y, FIRST)
    own = estimate(panel, imputation_weights(panel)).value
    assert own == pytest.approx(ImputationDiD().fit(long(y, FIRST), "y", "g", "t", "first").att, abs=1e-9)
    rows = long(y, FIRST)
    rows["treated"] = (rows["first"] > 0) & (rows["t"] >= rows["first"])
    dummies = pd.get_dummies(rows[["g", "t"]].astype(str), drop_first=True).astype(float).assign(const=1.0)
    free = ~rows["treated"]
    coef = np.linalg.lstsq(dummies[free], rows["y"][free], rcond=None)[0]
    assert own == pytest.approx((rows["y"] - dummies @ coef)[rows["treated"]].mean())


def test_two_way_is_least_squares_with_a_column_for_each_group_and_period() -> None:
    y = made()
    rows = long(y, FIRST)
    rows["treated"] = ((rows["first"] > 0) & (rows["t"] >= rows["first"])).astype(float)
    design = pd.get_dummies(rows[["g", "t"]].astype(str), drop_first=True).astype(float)
    fit = ols(rows["y"], design.assign(const=1.0, treated=rows["treated"]), vcov="HC1")
    panel = paths(y, FIRST)
    assert estimate(panel, two_way_weights(panel)).value == pytest.approx(fit.coef["treated"])


def test_what_grows_after_a_start_is_taken_off_by_two_way_alone() -> None:
    """No noise: every treated cell is its distance from the start plus one; the truth is their mean."""
    since = np.arange(6) - FIRST[:, None]
    begun = (FIRST[:, None] != NEVER) & (since >= 0)
    y = np.where(begun, since + 1.0, 0.0) + np.arange(6) ** 2 + FIRST[:, None]
    panel, truth = paths(y, FIRST), (since + 1.0)[begun].mean()
    for weigh in (group_time_weights, imputation_weights):
        assert (weigh(panel) * panel.means).sum() == pytest.approx(truth)
    assert (two_way_weights(panel) * panel.means).sum() < truth - 0.3


@pytest.mark.parametrize("weigh", [group_time_weights, imputation_weights, two_way_weights])
def test_levels_and_what_all_share_never_matter(weigh) -> None:
    panel = paths(made(), FIRST)
    made_weights = weigh(panel)
    assert np.abs(made_weights.sum(axis=1)).max() < 1e-12
    assert np.abs(made_weights.sum(axis=0)).max() < 1e-12


def test_strata_stand_beside_their_own_and_count_by_treated_cells() -> None:
    y, stratum = made(), ["a", "b"] * 5
    whole = paths(y, FIRST, stratum)
    parts = []
    for name in "ab":
        rows = np.array(stratum) == name
        part = paths(y[rows], FIRST[rows])
        cells = sum(6 - first for first in FIRST[rows] if first != NEVER)
        parts.append((cells, estimate(part, group_time_weights(part)).value))
    expected = sum(n * v for n, v in parts) / sum(n for n, _ in parts)
    assert estimate(whole, group_time_weights(whole)).value == pytest.approx(expected)


def test_a_season_of_one_stratum_does_not_touch_the_other() -> None:
    y, stratum = made(), np.array(["a", "b"] * 5)
    shifted = y + np.where(stratum == "b", 1, 0)[:, None] * np.array([0, 5, 1, 7, 2, 9.0])
    for weigh in (group_time_weights, imputation_weights, two_way_weights):
        one, two = (paths(values, FIRST, stratum) for values in (y, shifted))
        assert estimate(one, weigh(one)).value == pytest.approx(estimate(two, weigh(two)).value)


def test_weights_are_as_many_copies_of_a_group() -> None:
    y, many = made(), np.array([1, 2, 1, 1, 3, 1, 1, 2, 1, 1])
    weighted = paths(y, FIRST, weight=many.astype(float))
    copied = paths(np.repeat(y, many, axis=0), np.repeat(FIRST, many))
    for weigh in (group_time_weights, imputation_weights, two_way_weights):
        pair = [estimate(panel, weigh(panel)).value for panel in (weighted, copied)]
        assert pair[0] == pytest.approx(pair[1])


def test_one_start_and_large_cohorts_are_welchs_t_test() -> None:
    """Two cohorts, one period before, one after: the change of seven beside that of nine."""
    y = made(np.zeros(16), 2)
    change = y[:, 1] - y[:, 0]
    panel = paths(y, np.array([1] * 7 + [NEVER] * 9))
    found = estimate(panel, group_time_weights(panel))
    a, b = change[:7].var(ddof=1) / 7, change[7:].var(ddof=1) / 9
    assert found.se == pytest.approx(np.sqrt(a + b))
    assert found.df == pytest.approx((a + b) ** 2 / (a**2 / 6 + b**2 / 8))


def test_small_cohorts_borrow_and_are_students_t_test() -> None:
    """Three beside four: all seven groups' courses around their cohorts' make one variance, with 5 df."""
    y = made(np.zeros(7), 2)
    change = y[:, 1] - y[:, 0]
    panel = paths(y, np.array([1] * 3 + [NEVER] * 4))
    found = estimate(panel, group_time_weights(panel))
    squares = 2 * change[:3].var(ddof=1) + 3 * change[3:].var(ddof=1)
    assert found.df == pytest.approx(5)
    assert found.se == pytest.approx(np.sqrt(squares / 5 * (1 / 3 + 1 / 4)))


def test_a_group_alone_in_its_cohort_borrows() -> None:
    panel = paths(made(np.zeros(7), 4), np.array([1, 2, 3, NEVER, NEVER, NEVER, NEVER]))
    found = estimate(panel, group_time_weights(panel))
    assert found.df == pytest.approx(3)
    assert np.isnan(found.p)  # under four degrees of freedom
    assert found.se > 0


def test_all_alone_has_no_spread() -> None:
    panel = paths(made(np.zeros(3), 4), np.array([1, 2, NEVER]))
    found = estimate(panel, group_time_weights(panel))
    assert np.isnan([found.se, found.df, found.p, found.low]).all()
    assert np.isfinite(found.value)


def test_nobody_to_compare_with_has_no_weights() -> None:
    panel = paths(made(np.zeros(3), 4), np.array([2, 2, 2]))
    assert not group_time_weights(panel).any()
    assert not imputation_weights(panel).any()
    assert not group_time_weights(paths(made(), np.array([2, 3] * 5)), never_only=True).any()


def test_the_last_to_begin_ends_the_comparison() -> None:
    panel = paths(made(np.zeros(4), 6), np.array([2, 2, 4, 4]))
    assert np.flatnonzero(np.abs(group_time_weights(panel)).max(axis=0)).max() == 3
    assert np.flatnonzero(np.abs(imputation_weights(panel)).max(axis=0)).max() == 3


def test_anticipation_measures_from_one_period_earlier() -> None:
    y = made(np.zeros(4), 4)
    panel = paths(y, np.array([2, 2, NEVER, NEVER]))
    change = y[:, 2:].mean(axis=1) - y[:, 0]
    own = estimate(panel, group_time_weights(panel, anticipation=1)).value
    assert own == pytest.approx(change[:2].mean() - change[2:].mean())


def every_way(panel: Paths, starts: np.ndarray) -> np.ndarray:
    values = []
    for dealt in set(permutations(starts)):
        other = paths(panel.y, np.array(dealt))
        values.append(estimate(other, group_time_weights(other)).value)
    return np.array(values)


def test_shuffles_are_every_other_way_to_deal_the_starts_out() -> None:
    starts = np.array([2, 2, 3, NEVER, NEVER])
    panel = paths(made(starts, 5), starts)
    found, values = shuffle_starts(panel, group_time_weights, seed=1), every_way(panel, starts)
    assert (found.draws, found.enumerated) == (30, True)
    assert found.observed == pytest.approx(estimate(panel, group_time_weights(panel)).value)
    assert found.p == pytest.approx((np.abs(values) >= abs(found.observed) - 1e-12).mean())
    assert found.smallest_p == pytest.approx(1 / 30)


def test_strata_are_shuffled_by_themselves() -> None:
    starts = np.array([2, NEVER, NEVER] * 2)
    found = shuffle_starts(paths(made(starts, 4), starts, ["a"] * 3 + ["b"] * 3), group_time_weights, seed=1)
    assert (found.draws, found.smallest_p) == (9, pytest.approx(1 / 9))


def test_equal_halves_have_their_mirror_image() -> None:
    starts = np.array([2, 2, 2, NEVER, NEVER, NEVER])
    found = shuffle_starts(paths(made(starts, 4), starts), group_time_weights, seed=1)
    assert (found.draws, found.smallest_p) == (20, pytest.approx(2 / 20))


def test_draws_agree_with_enumeration_and_are_add_one() -> None:
    starts = np.repeat([2, 3, NEVER], [4, 4, 4])  # 34,650 arrangements
    panel = paths(made(starts, 5), starts)
    one, again = (shuffle_starts(panel, group_time_weights, seed=7, draws=n) for n in (1999, 19_999))
    assert not one.enumerated
    assert (one.smallest_p, again.smallest_p) == (1 / 2000, 1 / 20_000)
    assert abs(one.p - again.p) < 4 * np.sqrt(again.p * (1 - again.p) / 1999)
    assert one == shuffle_starts(panel, group_time_weights, seed=7)


@pytest.mark.parametrize(
    ("y", "first", "weight", "said"),
    [
        ([[1.0, np.nan], [1.0, 2.0]], [1, NEVER], None, "every period"),
        ([[1.0, 2.0], [1.0, 2.0]], [1, NEVER], [1.0, 0.0], "above 0"),
        ([[1.0, 2.0], [1.0, 2.0]], [0, NEVER], None, "after the first"),
        ([[1.0, 2.0], [1.0, 2.0]], [2, NEVER], None, "within the panel"),
        ([[1.0, 2.0], [1.0, 2.0]], [1], None, "every group has a start"),
        ([1.0, 2.0], [1, NEVER], None, "groups by periods"),
    ],
)
def test_bad_input_is_refused(y, first, weight, said) -> None:
    weight = None if weight is None else np.array(weight)
    with pytest.raises(ValueError, match=said):
        paths(np.array(y), np.array(first), weight=weight)
