"""The allocation's own checks: lots drawn pass, a sorted list is caught."""

from itertools import permutations

import numpy as np
import pytest

from attendlib.stats.reallocate import balance_redrawn, runs_in_order


def test_sorted_list_is_caught_and_lots_are_not() -> None:
    order = np.arange(60)
    assert runs_in_order((order >= 30).astype(int), order, seed=1).p < 0.001
    drawn = np.random.default_rng(4).permutation(np.repeat([0, 1], 30))
    assert runs_in_order(drawn, order, seed=1).p > 0.05


def test_sorted_inside_every_stratum_is_caught() -> None:
    # Each stratum is cut in the middle of its list: what a drawing sorted by area code inside strata looks like.
    strata = np.repeat(np.arange(12), 6)
    arm = np.tile([0, 0, 0, 1, 1, 1], 12)
    found = runs_in_order(arm, np.arange(72), seed=2, strata=strata)
    assert found.observed == 24
    assert (found.n, found.n_strata) == (72, 12)
    assert found.p < 0.001


def test_runs_expected_as_wald_and_wolfowitz_say() -> None:
    # Wald and Wolfowitz (1940): the expected number of runs is 1 + 2 m n / (m + n).
    arm = np.array([0] * 12 + [1] * 8)
    found = runs_in_order(arm, np.arange(20), seed=3, draws=20_000)
    assert found.expected == pytest.approx(1 + 2 * 12 * 8 / 20, abs=0.06)


def test_balance_against_every_reallocation() -> None:
    values, arm = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 3.0]), np.array([1, 1, 0, 0, 0, 1])
    every = np.array([values[list(p[:3])].mean() - values[list(p[3:])].mean() for p in permutations(range(6))])
    actual = values[arm == 1].mean() - values[arm == 0].mean()
    exact = (np.abs(every) >= abs(actual) - 1e-9).mean()
    found = balance_redrawn(arm, values, seed=5, draws=20_000)
    assert found.observed == pytest.approx(actual)
    assert found.p == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 20_000) ** 0.5 + 1 / 20_001)


def test_size_is_kept() -> None:
    """Of 400 lots drawn, about a twentieth are called out of order (binomial bounds at 4 standard errors)."""
    generator = np.random.default_rng(8)
    arms = [generator.permutation(np.repeat([0, 1], 20)) for _ in range(400)]
    called = sum(runs_in_order(arm, np.arange(40), seed=9, draws=199).p <= 0.05 for arm in arms)
    assert called <= 400 * 0.05 + 4 * (400 * 0.05 * 0.95) ** 0.5


@pytest.mark.parametrize(
    ("arm", "order", "says"),
    [([1, 1, 1], [1, 2, 3], "same arm"), ([0, 1], [1.0, np.nan], "missing"), ([0, 1, 0], [1, 2], "entries")],
)
def test_what_cannot_be_checked_is_refused(arm: list[int], order: list[float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        runs_in_order(np.array(arm), np.array(order, dtype=float), seed=1)
