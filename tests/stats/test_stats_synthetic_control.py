"""Synthetic control: mixtures with known answers, what the kinds allow, ranks, and what is refused."""

import numpy as np
import pytest

from attendlib.stats.synthetic_control import KINDS, Kind, simplex_weights, synthetic_control, without_each

FIRST = 6
RNG = np.random.default_rng(8)
DONORS = 7 + 2 * RNG.standard_normal((6, 1)) + RNG.standard_normal((6, 9))
MIXED = 0.5 * DONORS[0] + 0.3 * DONORS[1] + 0.2 * DONORS[2]
STEP = np.where(np.arange(9) >= FIRST, -1.5, 0.0)


def beside(own: np.ndarray) -> np.ndarray:
    return np.vstack([own, DONORS])


# what the school is, the kind, the mean gap after, the distance before
KNOWN: list[tuple[np.ndarray, Kind, float, float]] = [
    (MIXED, "classic", 0.0, 0.0),
    (MIXED + STEP, "classic", -1.5, 0.0),
    (MIXED + STEP + 10, "free_level", -1.5, 0.0),
    (DONORS.mean(axis=0) + STEP + 10, "did", -1.5, 0.0),
]


@pytest.mark.parametrize(("own", "kind", "gap", "before"), KNOWN)
def test_a_school_that_is_a_mixture(own: np.ndarray, kind: Kind, gap: float, before: float) -> None:
    found = synthetic_control(beside(own), FIRST, kind=kind)
    assert found.estimate.value == pytest.approx(gap, abs=1e-8)
    assert found.fit_before == pytest.approx(before, abs=1e-8)
    assert found.gap[FIRST:] == pytest.approx(np.full(3, gap), abs=1e-8)


def test_weights_are_the_ones_it_was_mixed_by() -> None:
    found = synthetic_control(beside(MIXED), FIRST, kind="classic")
    assert found.weights == pytest.approx([0.5, 0.3, 0.2, 0, 0, 0], abs=1e-8)


def test_a_difference_in_level_is_no_change_save_for_the_classic_kind() -> None:
    for kind in ("mixture", "free_level", "sdid", "did"):
        here, above = (synthetic_control(beside(MIXED + level), FIRST, kind=kind) for level in (0, 25))  # type: ignore[arg-type]
        assert above.estimate.value == pytest.approx(here.estimate.value, abs=1e-8)
    assert synthetic_control(beside(MIXED + 25), FIRST, kind="classic").estimate.value > 20


def test_difference_in_differences_by_hand() -> None:
    own = RNG.standard_normal(9)
    change = [each[FIRST:].mean() - each[:FIRST].mean() for each in (own, *DONORS)]
    found = synthetic_control(beside(own), FIRST, kind="did").estimate
    assert found.value == pytest.approx(change[0] - np.mean(change[1:]))
    placebos = [each - (sum(change[1:]) - each) / 5 for each in change[1:]]
    assert found.se == pytest.approx(np.sqrt(np.mean(np.square(placebos)) * (1 + 1 / 6)))
    assert found.df == 5


def test_a_shift_after_the_start_moves_the_estimate_by_as_much_and_nothing_else() -> None:
    own = RNG.standard_normal(9)
    for kind in KINDS:
        plain, moved = (synthetic_control(beside(own + step), FIRST, kind=kind) for step in (0, 2 * STEP))
        assert moved.estimate.value - plain.estimate.value == pytest.approx(-3.0)
        assert moved.estimate.se == pytest.approx(plain.estimate.se)


def test_the_ridge_spreads_weights_toward_even_ones() -> None:
    columns, target = DONORS[:, :FIRST].T, DONORS[0, :FIRST]
    assert simplex_weights(columns, target) == pytest.approx([1, 0, 0, 0, 0, 0], abs=1e-8)
    assert simplex_weights(columns, target, ridge=1e4) == pytest.approx(np.full(6, 1 / 6), abs=1e-4)


def test_a_season_all_share_changes_nothing_of_the_mixture() -> None:
    """The published ridge grows with it, and weights then come out nearly even."""
    y, season = beside(MIXED + STEP), 20 * np.sin(np.arange(9))
    here, there = (synthetic_control(each, FIRST) for each in (y, y + season))
    assert there.weights == pytest.approx(here.weights, abs=1e-8)
    assert (there.estimate.value, there.estimate.se) == pytest.approx((here.estimate.value, here.estimate.se))
    assert np.ptp(synthetic_control(y + season, FIRST, kind="sdid").weights) < np.ptp(there.weights) / 2


def test_the_solver_beats_every_mixture_on_a_grid() -> None:
    columns, target, ridge = DONORS[:3, :FIRST].T, DONORS[4, :FIRST], 0.7
    grid = np.array([[a, b, 20 - a - b] for a in range(21) for b in range(21 - a)]) / 20

    def loss(weights: np.ndarray) -> float:
        return float(np.mean((columns @ weights - target) ** 2) + ridge**2 * np.sum(weights**2))

    best = simplex_weights(columns, target, ridge)
    assert best.min() >= 0
    assert best.sum() == pytest.approx(1)
    assert loss(best) <= min(loss(each) for each in grid) + 1e-12


def test_periods_after_count_by_their_sessions() -> None:
    own = MIXED + np.where(np.arange(9) == 8, 4.0, 0.0)
    found = synthetic_control(beside(own), FIRST, np.array([50, 50, 100]), "classic")
    assert found.estimate.value == pytest.approx(2.0)


def test_ranks() -> None:
    far = synthetic_control(beside(MIXED + 100 * STEP + 0.1 * RNG.standard_normal(9)), FIRST)
    assert far.p_rank == far.smallest_p == pytest.approx(1 / 7)
    near = synthetic_control(beside(DONORS.mean(axis=0) + 0.3 * RNG.standard_normal(9) * (STEP == 0)), FIRST)
    assert near.p_rank > far.p_rank


def test_one_left_out_is_the_fit_without_it() -> None:
    y = beside(MIXED)
    left = without_each(y, FIRST, kind="classic")
    assert len(left) == 3  # only three carry weight
    assert left[1].estimate.value == pytest.approx(
        synthetic_control(np.delete(y, 2, axis=0), FIRST, kind="classic").estimate.value
    )
    assert without_each(y[:4], FIRST) == []


@pytest.mark.parametrize(
    ("y", "first"),
    [
        (beside(MIXED)[:3], FIRST),
        (beside(MIXED), 1),
        (beside(MIXED), 9),
        (np.where(beside(MIXED) == MIXED[0], np.nan, beside(MIXED)), FIRST),
    ],
)
def test_refused(y: np.ndarray, first: int) -> None:
    with pytest.raises(ValueError, match="too few, or a value is missing"):
        synthetic_control(y, first)
