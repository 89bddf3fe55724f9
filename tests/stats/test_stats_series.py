"""A series' mean difference from its course carried on: known answers, and what is refused."""

import numpy as np
import pytest

from attendlib.stats.series import AFTER, GRID, at_correlation, carried_on, course, harmonics, newey_west

TIMES = np.arange(12.0)
SINCE = TIMES >= 8
NOISE = np.random.default_rng(5).standard_normal(12)


def test_a_step_and_a_bend_are_their_mean_distance_from_the_course_before() -> None:
    y = 3 + 0.5 * TIMES + SINCE * (2 + 0.25 * (TIMES - 8))  # 2, 2.25, 2.5, 2.75 above the line
    found = carried_on(y + 1e-9 * NOISE, course(SINCE, TIMES), TIMES)
    assert found.estimate.value == pytest.approx(2.375, abs=1e-6)
    assert found.carried == pytest.approx(3 + 0.5 * TIMES, abs=1e-6)
    assert (found.estimate.df, found.estimate.n, found.estimate.n_groups) == (8, 12, None)


def test_without_slope_and_correlation_it_is_the_difference_of_means() -> None:
    found = at_correlation(NOISE, course(SINCE, TIMES, slope=False), TIMES, 0.0)
    assert found.value == pytest.approx(NOISE[SINCE].mean() - NOISE[~SINCE].mean())


def test_closed_days_count_less() -> None:
    """A period of weight next to nothing moves nothing, where some of what is seen is noise."""
    spoilt, weights = NOISE + 50 * (TIMES == 9), np.where(TIMES == 9, 1e-9, 1.0)
    design = course(SINCE, TIMES, slope=False)
    first, second = (at_correlation(y, design, TIMES, 0.6, weights, 0.3).value for y in (NOISE, spoilt))
    assert second == pytest.approx(first, abs=1e-5)


def test_units_of_the_weights_change_nothing() -> None:
    design, weights = course(SINCE, TIMES), 1 + TIMES % 3
    one, other = (carried_on(NOISE, design, TIMES, times * weights).estimate for times in (1, 70))
    assert other == one


def test_interval_grows_with_what_cannot_be_known() -> None:
    """Averaged over every correlation it is wider than were none known to be there, and p agrees with the interval."""
    design = course(SINCE, TIMES)
    averaged, none = carried_on(NOISE, design, TIMES).estimate, at_correlation(NOISE, design, TIMES, 0.0)
    assert averaged.high - averaged.low > none.high - none.low
    assert (averaged.p < 0.05) == (averaged.low > 0 or averaged.high < 0)


def test_other_units_and_directions_change_nothing_else() -> None:
    design = course(SINCE, TIMES)
    one, other = (carried_on(y, design, TIMES) for y in (NOISE, 7 - 3 * NOISE))
    assert other.estimate.value == pytest.approx(-3 * one.estimate.value)
    assert (other.estimate.se, other.estimate.p) == pytest.approx((3 * one.estimate.se, one.estimate.p), rel=1e-6)
    assert other.autocorrelation == pytest.approx(one.autocorrelation)


def test_a_long_course_tells_how_alike_neighbours_are() -> None:
    rng, times = np.random.default_rng(3), np.arange(300.0)
    state = [0.0]
    for shock in rng.standard_normal(299):
        state.append(0.8 * state[-1] + shock)
    design = course(times >= 200, times)
    assert carried_on(np.array(state), design, times).autocorrelation == pytest.approx(0.8, abs=0.1)
    assert carried_on(rng.standard_normal(300), design, times).autocorrelation < 0.2


def test_a_wave_a_year_is_taken_out() -> None:
    phase = (TIMES % 6) / 6
    y = SINCE + 4 * np.sin(2 * np.pi * phase)
    found = carried_on(y + 1e-9 * NOISE, course(SINCE, TIMES, season=harmonics(phase, 1)), TIMES)
    assert found.estimate.value == pytest.approx(1, abs=1e-6)
    assert list(harmonics(phase, 2)) == ["sin1", "cos1", "sin2", "cos2"]


def test_refused() -> None:
    twice = course(SINCE, TIMES).assign(again=1.0)
    with pytest.raises(ValueError, match="12 periods do not tell 5 parts of a course apart"):
        carried_on(NOISE, twice, TIMES)
    with pytest.raises(ValueError, match="4 periods do not tell 4"):
        newey_west(NOISE[:4], course(SINCE[6:10], TIMES[6:10]), 1)
    with pytest.raises(ValueError, match="1 of 12 periods have no number"):
        carried_on(np.where(TIMES == 3, np.nan, NOISE), course(SINCE, TIMES), TIMES)


def test_the_grid_is_a_set_of_covariances() -> None:
    assert ((GRID >= 0) & (GRID[:, :1] < 1)).all()
    assert course(SINCE, TIMES).columns[-1] == AFTER
