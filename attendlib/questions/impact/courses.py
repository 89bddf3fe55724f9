"""One school's course carried on past the start, in each way that could be defended."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

import numpy as np
import pandas as pd

from attendlib.questions.common import independent
from attendlib.questions.impact.observed import NATIONAL, NONE, Observed
from attendlib.stats.fit import LEAST_DF, Estimate
from attendlib.stats.series import AFTER, Carried, carried_on, course, harmonics, newey_west

NEW_CODES = date(
    2024, 8, 19
)  # DfE, Working together to improve school attendance (August 2024): codes changed that day
A_YEAR = 365.25
WAVES = {"half_term": 1, "week": 2}  # sine and cosine pairs of a yearly season
# Of Newey and West, near their rule: four times (periods/100)^(2/9), rounded down, is 2 for a dozen half-terms, 3 for
# two years of weeks and 4 from 100 on. A dozen periods leave few pairs for a second lag; four weeks are a month.
LAGS = {"half_term": 1, "week": 4}
FEWEST_AT_BREAK = 2  # periods on either side of the change of codes, before the start, that tell it from the slope


@dataclass(frozen=True, slots=True)
class Way:
    """How the course before is carried on: its slope, season, change of codes; errors; points or logs of the rate."""

    slope: str = "bends"  # bends (may change at the start), straight, none
    season: str = "shared"  # shared with the comparison (nothing fitted), same (half-terms), waves
    codes: str = "shared"  # shared, step
    errors: str = "averaged"  # averaged, newey_west
    scale: str = "points"  # points, log

    @property
    def group(self) -> str:
        """As a row's group."""
        return f"codes={self.codes};errors={self.errors};scale={self.scale};season={self.season};slope={self.slope}"


def main_way(seen: Observed) -> Way:
    """Level and slope, both of which may change. A season where nothing else takes it out, or two years show it."""
    alone = seen.comparison == NONE
    season = "same" if _years_before(seen) >= 2 else "waves" if alone else "shared"
    return Way(season=season, codes="step" if alone and codes_step(seen) is not None else "shared")


def check_way(seen: Observed) -> Way:
    """Without a slope: the periods after beside those of the same season before, so that no trend can mislead it."""
    season = {"half_term": "same", "week": "waves"}[seen.period]
    return Way(slope="none", season="shared" if seen.comparison == NATIONAL else season)


def carried(seen: Observed, way: Way, kind: int = 0) -> Carried:
    """The mean difference after the start (points more absent), `kind` of absence 0 (all), 1 or 2 by RATES.

    ValueError where the periods held do not tell the parts of this course apart.
    """
    design = _design(seen, way)
    return carried_on(_outcome(seen, way, kind), design, seen.times, seen.possible / seen.possible.mean())


def points_fewer(seen: Observed, way: Way, kind: int = 0) -> Estimate:
    """Percentage points fewer absent after the start than by the course before carried on."""
    if way.errors == "newey_west":
        weights = seen.possible / seen.possible.mean()
        more = newey_west(_outcome(seen, way, kind), _design(seen, way), LAGS[seen.period], weights)
    else:
        more = carried(seen, way, kind).estimate
    return _fewer_points(more, seen, kind) if way.scale == "log" else _turned(more)


def own_change(seen: Observed) -> Estimate:
    """Points fewer absent after than before, this school alone and nothing held alike: what the eye would see."""
    plain = course(seen.after, seen.times, slope=False)
    return _turned(carried_on(seen.own[0], plain, seen.times, seen.possible / seen.possible.mean()).estimate)


def ways(seen: Observed) -> list[Way]:
    """Every defensible way, the main one first."""
    first = main_way(seen)
    slopes, errors = ("bends", "straight", "none"), ("averaged", "newey_west")
    seasons: tuple[str, ...] = ("same", "waves") if seen.comparison == NONE else ("shared", "same", "waves")
    if seen.comparison == NATIONAL:
        seasons = ("shared",)
    elif seen.period == "week":
        seasons = tuple(season for season in seasons if season != "same")
    codes = ("shared", "step") if codes_step(seen) is not None else ("shared",)
    scales = ("points", "log") if seen.comparison != NONE else ("points",)
    every = [
        Way(slope, season, step, error, "points")
        for slope, season, step, error in product(slopes, seasons, codes, errors)
    ]
    logs = [replace(first, scale=scale) for scale in scales]
    return list(dict.fromkeys([first, *every, *logs]))


def codes_step(seen: Observed) -> pd.DataFrame | None:
    """A step at the codes' change; None where it lies outside the series or too near its edge or the start."""
    new = np.array([day >= NEW_CODES for day in seen.starts])
    if min(int((~new).sum()), int((new & ~seen.after).sum())) < FEWEST_AT_BREAK:
        return None
    return pd.DataFrame({"codes": new.astype(float)})


def _design(seen: Observed, way: Way) -> pd.DataFrame:
    """The columns of this way. ValueError where a season after the start was never seen before it, or rows are few."""
    bends = way.slope == "bends" and int(seen.after.sum()) > FEWEST_AT_BREAK
    step = codes_step(seen) if way.codes == "step" else None
    design = course(
        seen.after, seen.times, slope=way.slope != "none", bends=bends, season=_season(seen, way), steps=step
    )
    design = independent(design)
    if AFTER not in design:
        raise ValueError("the time since the start is that of something else too")
    if len(design) - design.shape[1] < LEAST_DF:
        raise ValueError(f"{len(design)} periods are too few for a course of {design.shape[1]} parts")
    return design


def _season(seen: Observed, way: Way) -> pd.DataFrame | None:
    if way.season == "shared":
        return None
    if way.season == "waves":
        return harmonics(phases(seen), WAVES[seen.period])
    halves = [name[-1] for name in seen.names]
    before, since = _seasons(seen)
    if not set(since) <= set(before):
        raise ValueError("a half-term after the start has none of the same season before it")
    others = sorted(set(halves))[1:]
    return pd.DataFrame({f"half_term={half}": [float(each == half) for each in halves] for half in others})


def _seasons(seen: Observed) -> tuple[Counter[str], Counter[str]]:
    """How often each half-term of the year was seen before the start, and since."""
    halves = np.array([name[-1] for name in seen.names])
    return Counter(map(str, halves[~seen.after])), Counter(map(str, halves[seen.after]))


def phases(seen: Observed) -> np.ndarray:
    """The share of the year gone (0 to 1) at each period's start."""
    return np.array([(day.timetuple().tm_yday / A_YEAR) % 1 for day in seen.starts])


def _years_before(seen: Observed) -> int:
    """How often each season after the start was seen before it; 0 for weeks, whose holidays move."""
    if seen.period == "week":
        return 0
    before, since = _seasons(seen)
    return min(before[half] for half in since)


def _outcome(seen: Observed, way: Way, kind: int) -> np.ndarray:
    if way.scale == "points":
        return seen.own[kind] - seen.beside[kind]
    if min(seen.own[kind].min(), seen.beside[kind].min()) <= 0:
        raise ValueError("a period without any absence has no logarithm")
    return np.log(seen.own[kind]) - np.log(seen.beside[kind])


def _turned(more: Estimate) -> Estimate:
    """Fewer rather than more."""
    return replace(more, value=-more.value, low=-more.high, high=-more.low)


def _fewer_points(more: Estimate, seen: Observed, kind: int) -> Estimate:
    """A difference of logs as points fewer: what was to be expected, by the same ratio, less what was seen."""
    level = float(seen.own[kind][seen.after].mean())
    value, low, high = (level * float(np.expm1(-x)) for x in (more.value, more.high, more.low))
    return replace(more, value=value, low=low, high=high, se=level * float(np.exp(-more.value)) * more.se)
