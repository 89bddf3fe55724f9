"""Logistic regression: what it must be by hand, what it must refuse, and how often its intervals hold the truth."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import binom

from attendlib.errors import AttendError
from attendlib.stats.logistic import SeparationError, average_difference, average_probability, average_slope, logit


def sample(seed: int, groups: int = 30, size: int = 20) -> tuple[pd.Series, pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), size)
    n = groups * size
    X = pd.DataFrame({"const": 1.0, "absence": rng.gamma(2, 3, n), "fsm": (rng.random(n) < 0.3) * 1.0})
    chance = expit(1.0 - 0.15 * X["absence"] - 0.5 * X["fsm"] + 0.5 * rng.normal(size=groups)[group])
    return (rng.random(n) < chance).astype(float).rename("y"), X, group


def test_one_yes_or_no_column_is_the_two_by_two_table():
    y = np.array([1] * 30 + [0] * 70 + [1] * 10 + [0] * 90, dtype=float)
    X = pd.DataFrame({"const": 1.0, "treated": [1.0] * 100 + [0.0] * 100})
    fit = logit(y, X, vcov="classical")
    assert fit.coef["treated"] == pytest.approx(np.log(30 * 90 / (70 * 10)))
    assert fit.se["treated"] == pytest.approx((1 / 30 + 1 / 70 + 1 / 10 + 1 / 90) ** 0.5)
    found = average_difference(fit, X.assign(treated=1.0), X.assign(treated=0.0))
    assert (found.first.value, found.second.value, found.difference.value) == pytest.approx((0.3, 0.1, 0.2))
    assert found.difference.se == pytest.approx((0.3 * 0.7 / 100 + 0.1 * 0.9 / 100) ** 0.5)
    assert found.covariance == pytest.approx(0, abs=1e-12)
    assert (fit.n, fit.events) == (200, 40)


def test_row_errors_of_two_groups_are_those_of_two_sample_means():
    y = np.array([1] * 30 + [0] * 70 + [1] * 10 + [0] * 40, dtype=float)
    X = pd.DataFrame({"const": 1.0, "treated": [1.0] * 100 + [0.0] * 50})
    found = average_difference(logit(y, X), X.assign(treated=1.0), X.assign(treated=0.0)).difference
    # HC2: each side's variance over n - 1, as in Welch's test
    assert found.se == pytest.approx((0.3 * 0.7 / 99 + 0.2 * 0.8 / 49) ** 0.5)


def test_slopes_equal_numerical_derivatives():
    y, X, group = sample(1)
    fit = logit(y, X, group)
    h = 1e-5
    up, down = (average_probability(fit, X.assign(absence=X["absence"] + s * h)).value for s in (1, -1))
    assert average_slope(fit, X, "absence").value == pytest.approx((up - down) / (2 * h), rel=1e-7)
    found = average_slope(fit, X, "absence")
    close = average_difference(fit, X.assign(absence=X["absence"] + h), X.assign(absence=X["absence"] - h)).difference
    assert found.se == pytest.approx(close.se / (2 * h), rel=1e-5)
    assert found.df == pytest.approx(close.df, rel=1e-5)


def test_weights_of_two_count_rows_twice_and_order_does_not_matter():
    y, X, group = sample(2)
    twice = pd.concat([X, X]), pd.concat([y, y]), np.concatenate([group, group])
    doubled = logit(twice[1], twice[0], twice[2], vcov="CR0")
    weighted = logit(y, X, group, weights=np.full(len(y), 2.0), vcov="CR0")
    assert doubled.se.tolist() == pytest.approx(weighted.se.tolist(), rel=1e-9)
    order = np.random.default_rng(2).permutation(len(y))
    turned = logit(y.iloc[order], X.iloc[order], group[order])
    assert turned.df.tolist() == pytest.approx(logit(y, X, group).df.tolist(), rel=1e-8)


def test_weighted_averages_are_those_of_repeated_rows():
    y, X, group = sample(3)
    fit = logit(y, X, group)
    times = np.random.default_rng(3).integers(0, 4, len(X))
    repeated = X.loc[X.index.repeat(times)]
    one, other = average_probability(fit, X, times), average_probability(fit, repeated)
    assert (one.value, one.se, one.df) == pytest.approx((other.value, other.se, other.df))


def test_limits_of_a_probability_stay_within_0_and_1():
    y = np.array([1.0] + [0.0] * 30)
    found = average_probability(logit(y, np.ones((31, 1))), np.ones((31, 1)))
    assert 0 < found.low < 1 / 31 < found.high < 1
    assert np.isnan(found.p)


@pytest.mark.parametrize(("outcome", "column"), [("complete", "absence"), ("a group", "rare")])
def test_separation_is_refused_by_name(outcome, column):
    y, X, group = sample(4)
    if outcome == "complete":
        y = (X["absence"] > 5).astype(float)
    else:
        X = X.assign(rare=(np.arange(len(X)) < 7) * 1.0)
        y = y.where(X["rare"] == 0, 1.0)
    with pytest.raises(SeparationError, match=column):
        logit(y, X, group)
    assert issubclass(SeparationError, AttendError)


def test_a_far_but_overlapping_column_is_not_separation():
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.normal(-6, 1, 200), rng.normal(6, 1, 200), [5.0, -5.0]])
    y = np.array([0.0] * 200 + [1.0] * 200 + [0.0, 1.0])
    fit = logit(y, pd.DataFrame({"const": 1.0, "x": x}))
    assert fit.coef["x"] > 0


def test_refusals_say_why():
    y, X, group = sample(6)
    for faulty, why in [
        ((y * 2, X), "values other than 0 and 1"),
        ((y * 0, X), "y is 0 in all 600 rows"),
        ((y * 0 + 1, X), "y is 1 in all 600 rows"),
        ((y, X.assign(absence=np.nan)), "600 missing"),
        ((y, X.assign(twin=X["absence"])), "repeat a sum of earlier ones: twin"),
    ]:
        with pytest.raises(ValueError, match=why):
            logit(*faulty)
    with pytest.raises(ValueError, match="not one of"):
        logit(y, X, group, vcov="HC2")
    with pytest.raises(ValueError, match="classical"):
        logit(y, X, weights=np.ones(len(y)), vcov="classical")
    fit = logit(y, X)
    with pytest.raises(ValueError, match="the columns are const, fsm"):
        average_probability(fit, X[["const", "fsm"]])
    with pytest.raises(ValueError, match="'late' is not a column"):
        average_slope(fit, X, "late")


def coverage(seeds: range, groups: int) -> int:
    """How many clustered intervals for an average difference hold the one planted, with effects within groups."""
    held = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        group = np.repeat(np.arange(groups), rng.integers(10, 40, groups))
        treated = (group % 2).astype(float)
        effect = rng.beta(4, 4, groups)[group] * 0.4  # chances from 0 to 0.4, plus 0.2: the mean difference is 0.2
        y = (rng.random(len(group)) < effect + 0.2 * treated).astype(float)
        X = pd.DataFrame({"const": 1.0, "treated": treated})
        found = average_difference(logit(y, X, group), X.assign(treated=1.0), X.assign(treated=0.0)).difference
        held += found.low <= 0.2 <= found.high
    return held


def test_intervals_hold_the_truth_quick():
    low, high = binom(150, 0.95).ppf([0.0005, 0.9995])
    assert low <= coverage(range(150), 20) <= high


@pytest.mark.prove
@pytest.mark.parametrize("groups", [12, 40])
def test_intervals_hold_the_truth(groups):
    assert 0.93 <= coverage(range(2000), groups) / 2000 <= 0.97
