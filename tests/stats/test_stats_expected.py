"""How far a mean lies from what others lead one to expect: textbook cases and refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from attendlib.stats.expected import beyond, beyond_difference, expected_mean
from attendlib.stats.ols import ols


def frame(n: int, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"constant": np.ones(n), **columns})


def test_a_curve_that_is_only_a_mean_gives_welchs_interval() -> None:
    """Two groups and no covariate: Welch (1947), as scipy has it."""
    rng = np.random.default_rng(1)
    ours, theirs = rng.normal(8, 5, 31), rng.normal(6, 2, 58)
    found = beyond(ours, frame(31), ols(theirs, frame(58)))
    welch = stats.ttest_ind(ours, theirs, equal_var=False)
    assert found.value == pytest.approx(ours.mean() - theirs.mean())
    assert found.df == pytest.approx(welch.df)
    assert found.p == pytest.approx(welch.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(welch.confidence_interval(0.95)))


def test_expected_is_the_line_at_the_mean() -> None:
    x = np.arange(10.0)
    fit = ols(2 + 3 * x + np.resize([1.0, -1.0], 10), frame(10, x=x))
    at = frame(3, x=[1.0, 2.0, 6.0])
    assert expected_mean(at, fit).value == pytest.approx(fit.coef["constant"] + 3 * fit.coef["x"])
    weighted = expected_mean(at, fit, weights=[1.0, 1.0, 0.0])
    assert weighted.value == pytest.approx(fit.coef["constant"] + 1.5 * fit.coef["x"])


def test_the_difference_of_two_groups_is_one_beyond_less_the_other() -> None:
    rng = np.random.default_rng(2)
    x, z = rng.random(80), rng.random(40)
    fit = ols(x + rng.normal(size=80), frame(80, x=x))
    y, member = z + rng.normal(size=40), np.arange(40) < 15
    at = frame(40, x=z)
    parts = [beyond(y[side], at[side].reset_index(drop=True), fit).value for side in (member, ~member)]
    assert beyond_difference(y, at, member, fit).value == pytest.approx(parts[0] - parts[1])


def test_refusals() -> None:
    fit = ols(np.arange(5.0) ** 2, frame(5, x=np.arange(5.0)))
    with pytest.raises(ValueError, match="are not the reference's"):
        beyond([1.0, 2.0, 3.0], frame(3, other=[1.0, 2.0, 4.0]), fit)
    with pytest.raises(ValueError, match="at least 2 on each side"):
        beyond_difference([1.0, 2.0, 3.0], frame(3, x=[1.0, 2.0, 4.0]), np.array([True, False, False]), fit)
