"""How far a difference in differences stands if the groups were drawing apart anyway, as fast as before times M."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attendlib.stats.fit import Estimate, t_quantile


@dataclass(frozen=True, slots=True)
class TrendBound:
    """The interval if no period's gap moved more than `m` times the largest move before.

    `least` to `most` is what the estimate could be; `low` to `high` adds its sampling error.
    """

    m: float
    least: float
    most: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TrendBounds:
    """`largest_move` between neighbouring periods before; a bound for each m; the m whose interval first holds 0."""

    largest_move: float
    bounds: tuple[TrendBound, ...]
    breakdown: float


def relative_magnitudes(
    gaps_before: Sequence[float], estimate: Estimate, steps: float, ms: Sequence[float], confidence: float = 0.95
) -> TrendBounds:
    """Relative-magnitudes bounds of Rambachan and Roth (2023, Review of Economic Studies 90), section 2.4.

    `gaps_before` (periods,) are the gaps of two neighbouring periods or more before, in order; `estimate` the mean gap
    after less the last gap before; `steps` the mean number of periods from the last before to those after. The largest
    move is taken as seen and its own sampling error is not carried, as in diff-diff: the interval is the identified
    set's ends, the estimate's t interval added. ValueError for fewer than two gaps.
    """
    if len(gaps_before) < 2:
        raise ValueError(f"{len(gaps_before)} gap before: two or more show a course")
    move = float(np.abs(np.diff(gaps_before)).max())
    reach = float(t_quantile(0.5 + confidence / 2, estimate.df)) * estimate.se
    made = []
    for m in ms:
        drift = m * move * steps
        least, most = estimate.value - drift, estimate.value + drift
        made.append(TrendBound(m, least, most, least - reach, most + reach))
    left = max(0.0, abs(estimate.value) - reach)
    return TrendBounds(move, tuple(made), left / (move * steps) if move > 0 else (float("inf") if left else 0.0))
