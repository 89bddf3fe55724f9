"""Relative-magnitudes bounds against diff-diff's, which finds the same set by linear programming."""

import numpy as np
import pandas as pd
import pytest
from diff_diff import HonestDiD, TwoWayFixedEffects

from attendlib.stats.fit import Estimate
from attendlib.stats.honest_trends import relative_magnitudes

BEFORE, AFTER = (0, 1, 2, 3), (4, 5)


def panel(effect: float) -> pd.DataFrame:
    """Sixty units, six periods; the treated drift by 0.2 a period, then `effect` more."""
    rng = np.random.default_rng(4)
    rows = pd.DataFrame([(unit, time) for unit in range(60) for time in range(6)], columns=["unit", "time"])
    rows["treated"] = (rows["unit"] < 30).astype(int)
    own = rng.standard_normal(60)[rows["unit"]]
    noise = rng.standard_normal(len(rows))
    late = rows["time"].isin(AFTER) * effect
    return rows.assign(y=own + 0.1 * rows["time"] + rows["treated"] * (0.2 * rows["time"] + late) + 0.5 * noise)


@pytest.mark.parametrize("m", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("effect", [0.0, 3.0])
def test_bounds_are_those_of_diff_diff(m: float, effect: float) -> None:
    fit = TwoWayFixedEffects().fit(
        panel(effect), outcome="y", treatment="treated", time="time", unit="unit", event_study=True, spec="pooled",
        post_periods=list(AFTER), reference_period=3,
    )  # fmt: skip
    theirs = HonestDiD(method="relative_magnitude", M=m).fit(fit)
    effects = dict(zip(fit.event_time, fit.att, strict=True))
    gaps = [*(effects[time] for time in BEFORE[:-1]), 0.0]
    value = float(np.mean([effects[time] for time in AFTER]))
    estimate = Estimate(value, theirs.original_se, df=float("inf"), p=0.0, low=0.0, high=0.0, n=60, n_groups=None)
    (ours,) = relative_magnitudes(gaps, estimate, 1.5, [m]).bounds
    assert (ours.least, ours.most) == pytest.approx((theirs.lb, theirs.ub), abs=1e-6)
    assert (ours.low, ours.high) == pytest.approx((theirs.ci_lb, theirs.ci_ub), rel=0.02)


def test_the_breakdown_is_where_the_interval_first_holds_no_difference() -> None:
    estimate = Estimate(3.0, 0.5, df=100.0, p=0.0, low=2.0, high=4.0, n=60, n_groups=None)
    found = relative_magnitudes([0.0, 0.4, 0.1, 0.3], estimate, 1.5, [1.0])
    (at,) = relative_magnitudes([0.0, 0.4, 0.1, 0.3], estimate, 1.5, [found.breakdown]).bounds
    assert at.low == pytest.approx(0.0)
    assert found.largest_move == pytest.approx(0.4)


def test_no_move_before_breaks_nowhere_and_one_gap_is_no_course() -> None:
    estimate = Estimate(3.0, 0.5, df=100.0, p=0.0, low=2.0, high=4.0, n=60, n_groups=None)
    assert relative_magnitudes([0.2, 0.2], estimate, 1.0, [2.0]).breakdown == float("inf")
    with pytest.raises(ValueError, match="two or more"):
        relative_magnitudes([0.2], estimate, 1.0, [2.0])
