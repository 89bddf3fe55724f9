"""Sensitivity values by their definitions: search for the weakest hidden cause that does the harm."""

import numpy as np
import pandas as pd
import pytest

from attendlib.stats.fit import contrast, t_quantile
from attendlib.stats.ols import ols
from attendlib.stats.sensitivity import benchmarks, e_value, e_value_difference, robustness_value


def adjusted(t: float, df: float, exposure, outcome):
    """Estimate (in standard errors) and its t after a hidden cause with these partial R2: Cinelli, Hazlett eq. 7-8."""
    left = abs(t) - np.sqrt(outcome * exposure / (1 - exposure) * df)
    with np.errstate(divide="ignore", invalid="ignore"):
        return left, left / np.sqrt((1 - outcome) / (1 - exposure) * df / (df - 1))


@pytest.mark.parametrize(("t", "df"), [(4.18, 783), (-2.5, 40), (12, 30), (3.3, 7), (2.2, 2000)])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_robustness_value_is_the_weakest_equal_strength_that_does_it(t, df, share):
    found = robustness_value(t, df, share)
    strengths = np.linspace(0, 1, 400_001)[:-1]
    left, _ = adjusted(t, df, strengths, strengths)
    assert found.value == pytest.approx(strengths[np.argmax(left <= (1 - share) * abs(t))], abs=1e-5)


@pytest.mark.parametrize(("t", "df"), [(4.18, 783), (-2.5, 40), (12, 30), (1 / 0.3, 7), (8, 6), (1.5, 50)])
def test_value_at_the_limit_lets_no_weaker_cause_reach_it(t, df):
    found = robustness_value(t, df)
    critical = float(t_quantile(0.975, df - 1))
    grid = np.linspace(0, 1, 1501)[:-1]
    exposure, outcome = np.meshgrid(grid, grid)
    _, after = adjusted(t, df, exposure, outcome)
    reached = after <= critical
    weakest = np.maximum(exposure, outcome)[reached].min()
    assert found.value_at_limit == pytest.approx(weakest, abs=2e-3)


def frame(seed: int, n: int = 400) -> tuple[pd.Series, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    a, b, prior = rng.normal(size=(3, n))
    X = pd.DataFrame({"const": 1.0, "absence": 0.5 * prior + a, "bend": a**2 + b, "prior": prior})
    X["prior_2"], X["fsm"] = prior**2, (b + prior > 0.5).astype(float)
    y = pd.Series(-X["absence"] + 0.3 * X["bend"] + 2 * prior - X["fsm"] + rng.normal(size=n))
    return y, X


def test_a_contrast_of_two_columns_is_benchmarked_like_one():
    y, X = frame(1)
    line = {"absence": 2.0, "bend": -0.5}
    plain = contrast(ols(y, X, vcov="classical"), line)
    turned = X.assign(one=(X["absence"] * 2 - 0.5 * X["bend"]) / 4.25, other=0.5 * X["absence"] + 2 * X["bend"])
    turned = turned.drop(columns=["absence", "bend"])
    against = {"prior": ["prior", "prior_2"], "fsm": ["fsm"]}
    one, two = benchmarks(y, X, line, against), benchmarks(y, turned, {"one": 1.0}, against)
    assert [b.value for b in one] == pytest.approx([b.value for b in two])
    assert [b.name for b in one] == ["prior"] * 3 + ["fsm"] * 3
    nothing = benchmarks(y, X, line, {"fsm": ["fsm"]}, times=[1e-12])[0]
    assert (nothing.value, nothing.se) == pytest.approx((plain.value, plain.se), rel=2e-3)


def test_a_hidden_cause_exactly_as_strong_as_a_measured_one_is_within_its_bound():
    rng = np.random.default_rng(2)
    n = 20_000
    seen, hidden, noise, error = rng.normal(size=(4, n))
    exposure = 0.5 * seen + 0.5 * hidden + noise
    y = exposure + seen + hidden + error
    X = pd.DataFrame({"const": 1.0, "exposure": exposure, "seen": seen})
    bound = benchmarks(pd.Series(y), X, {"exposure": 1}, {"seen": ["seen"]}, times=[1])[0]
    truth = ols(y, X.assign(hidden=hidden), vcov="classical").coef["exposure"]
    assert bound.value == pytest.approx(truth, abs=0.03)
    assert ols(y, X).coef["exposure"] > 1.3


def test_an_impossible_benchmark_says_so():
    y, X = frame(3)
    X["twin"] = X["absence"] + 0.05 * np.random.default_rng(99).normal(size=len(X))
    found = benchmarks(y, X, {"absence": 1}, {"twin": ["twin"]})[0]
    assert not found.possible
    assert np.isnan(found.value)


def test_refusals_say_why():
    y, X = frame(4)
    with pytest.raises(ValueError, match="not columns of X: nought"):
        benchmarks(y, X, {"nought": 1}, {"fsm": ["fsm"]})
    with pytest.raises(ValueError, match="none of its benchmarks"):
        benchmarks(y, X, {"fsm": 1}, {"fsm": ["fsm"]})
    with pytest.raises(ValueError, match="share"):
        robustness_value(3, 50, share=0)
    with pytest.raises(ValueError, match="more than 1 degree"):
        robustness_value(3, 1)
    with pytest.raises(ValueError, match="low <= ratio"):
        e_value(1.2, 1.5, 2.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        e_value_difference(0.2, 0.0, 0.01, 0.01)


@pytest.mark.parametrize("ratio", [1.05, 2.0, 10.7])
def test_the_e_value_gives_a_bias_factor_of_the_ratio(ratio):
    e = e_value(ratio, ratio / 1.01, ratio * 2).point
    assert e * e / (2 * e - 1) == pytest.approx(ratio)  # Ding and VanderWeele's bounding factor
    assert e_value(1 / ratio, 0.5 / ratio, 1.01 / ratio).point == pytest.approx(e)


def test_the_limit_of_a_difference_is_fiellers_and_stops_at_one():
    p1, p0, s1, s0, c = 0.5, 0.3, 0.03, 0.02, 0.0002
    e = e_value_difference(p1, p0, s1, s0, c).limit
    bias = e * e / (2 * e - 1)
    assert p1 - bias * p0 == pytest.approx(1.959964 * (s1**2 + bias**2 * s0**2 - 2 * bias * c) ** 0.5, rel=1e-6)
    assert e_value_difference(p0, p1, s0, s1, c).limit == pytest.approx(e)
    assert e_value_difference(0.31, 0.30, 0.03, 0.03).limit == 1.0
