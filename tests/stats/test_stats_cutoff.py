"""The jump at a cut-off by hand: weighted lines, ratios, holes; and counts that jump or only heap."""

import numpy as np
import pandas as pd
import pytest

from attendlib.stats.cutoff import Way, density, jump, kernel_weights, same_reach

WAY = Way(reach=8.0, bias_reach=12.0)


def made(n: int = 600, step: float = -2.0, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.integers(-10, 21, n).astype(float)
    return 8 + 0.4 * x + step * (x >= 0) + rng.standard_normal(n), x


def by_hand(y: np.ndarray, x: np.ndarray, reach: float) -> float:
    """Weighted least squares on each side, the long way."""
    ends = []
    for side in (x < 0, x >= 0):
        root = np.sqrt(kernel_weights(x[side], reach))
        design = np.column_stack([np.ones(side.sum()), x[side]])
        ends.append(np.linalg.lstsq(design * root[:, None], y[side] * root, rcond=None)[0][0])
    return float(ends[1] - ends[0])


def test_the_plain_jump_is_that_of_two_weighted_lines() -> None:
    y, x = made()
    found = jump(y, x, way=WAY)
    assert found.plain.value == pytest.approx(by_hand(y, x, 8.0))
    assert found.lines[1][0] - found.lines[0][0] == pytest.approx(found.plain.value)
    assert (found.below, found.above) == (int(((x < 0) & (x > -8)).sum()), int(((x >= 0) & (x < 8)).sum()))


def test_straight_lines_without_noise_are_found_exactly() -> None:
    x = np.repeat(np.arange(-10.0, 20.0), 4)
    y = 5 + 0.3 * x - 2 * (x >= 0) + 1e-6 * np.tile([1.0, -1.0, 1.0, -1.0], 30)
    found = jump(y, x, way=WAY)
    assert found.robust.value == pytest.approx(-2, abs=1e-5)
    assert found.plain.value == pytest.approx(-2, abs=1e-5)


def test_robust_takes_out_a_bend_that_plain_keeps() -> None:
    x = np.repeat(np.arange(-10.0, 20.0), 20)
    y = 0.05 * x * np.abs(x) + 0.01 * np.random.default_rng(1).standard_normal(len(x))
    found = jump(y, x, way=WAY)
    assert abs(found.plain.value) > 0.5
    assert abs(found.robust.value) < 0.05


def test_take_up_divides_the_jump() -> None:
    y, x = made()
    taken = ((x >= 0) == (np.arange(len(x)) % 5 > 0)).astype(float)
    both, rule, share = jump(y, x, takeup=taken, way=WAY), jump(y, x, way=WAY), jump(taken, x, way=WAY)
    assert both.plain.value == pytest.approx(rule.plain.value / share.plain.value)


def test_degrees_of_freedom_are_rows_in_reach_less_two_parabolas_and_what_is_held_alike() -> None:
    y, x = made()
    also = pd.DataFrame({"z": np.arange(len(x)) % 2.0})
    assert jump(y, x, way=WAY).robust.df == jump(y, x, way=WAY).robust.n - 6
    assert jump(y, x, also=also, way=WAY).robust.df == jump(y, x, way=WAY).robust.n - 7


def test_a_hole_leaves_out_the_nearest_and_the_same_reach_stays() -> None:
    y, x = made()
    first = jump(y, x, way=WAY)
    y_moved = np.where(np.abs(x) < 1, 99.0, y)
    hole = same_reach(first, hole=1.0)
    assert jump(y_moved, x, way=hole).robust.value == pytest.approx(jump(y, x, way=hole).robust.value)
    assert jump(y_moved, x, way=hole).reach == first.reach


def test_too_little_is_refused() -> None:
    y, x = made()
    with pytest.raises(ValueError, match="missing values"):
        jump(np.where(x == 0, np.nan, y), x)
    with pytest.raises(ValueError, match="distinct values"):
        jump(y, np.where(x >= 0, 1.0, x))
    with pytest.raises(ValueError, match="distinct values"):
        jump(y[:19], x[:19])


def counts(above: float = 1.0, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Rows by session, three in four of them even, `above` times as many from the cut-off at 8 sessions on."""
    rng = np.random.default_rng(seed)
    sessions = np.arange(30)
    expected = 200 * np.exp(-sessions / 8) * np.where(sessions % 2 == 0, 1.5, 0.5) * np.where(sessions >= 8, above, 1)
    drawn = np.repeat(sessions, rng.poisson(expected))
    return drawn - 8, drawn % 2 == 0


@pytest.mark.parametrize(("above", "low", "high"), [(1.0, 0.6, 1.6), (2.0, 1.3, 3.2), (0.4, 0.2, 0.7)])
def test_a_jump_in_counts_is_told_from_a_heap(above: float, low: float, high: float) -> None:
    found = density(*counts(above))
    assert low < found.ratio.value < high
    assert (found.ratio.low < 1 < found.ratio.high) == (above == 1.0)


def test_heaps_alone_seldom_read_as_bunching() -> None:
    """At 1 in 100, sixty heaped studies give at most four: more would be rarer than one run in a thousand."""
    assert sum(density(*counts(1.0, seed)).ratio.p < 0.01 for seed in range(60)) <= 4


def test_few_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        density(np.array([0, 1, 0, 2, 1]), np.array([True, False, True, True, False]))
