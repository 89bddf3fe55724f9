"""Synthetic courses of one school beside others, period by period, with or without a planted difference.

Every group has a level, a trend and a season of its own, a passing state that fades from period to period, a step each
September when its pupils change, and noise that is larger where fewer sessions were possible. Points of absence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from attendlib.questions.common import rescaled, row_of
from attendlib.questions.impact.course_checks import worst_spell_check
from attendlib.questions.impact.courses import check_way, main_way, points_fewer
from attendlib.questions.impact.observed import NATIONAL, OTHER_SCHOOLS, SAME_SCHOOL, Observed
from attendlib.questions.verdict import Design, Judged, decide
from attendlib.records.answer import Row

Floats = NDArray[np.float64]
HALF_TERMS = ((8, 31), (10, 28), (1, 3), (2, 20), (4, 15), (6, 3))  # first days; each runs about seven weeks
SESSIONS = (76, 72, 56, 56, 40, 70)  # possible half-days in each
WEEKS_OFF = {8, 17, 18, 24, 31, 32, 39}  # of 46 weeks from September on: half-terms, Christmas and Easter
STEP = 0.2  # standard deviation of a whole school's September step: a fifth of its pupils change
PASSING = {"half_term": (0.35, 0.4), "week": (0.5, 0.7)}  # standard deviation, and what is left a period later
NOISE = {"half_term": 0.2, "week": 0.4}
COHORT = 2.0  # a year group moves about twice as much as a school
LEVEL, SEASON = 7.0, 1.5
CHOSEN_OF = 10  # courses of which the one with the worst last two half-terms is where something begins


@dataclass(frozen=True)
class Shape:
    """What a study is: its grain, comparison, years, points planted, a trend of its own (points a year), or a spell."""

    period: str = "half_term"
    comparison: str = OTHER_SCHOOLS
    years: int = 2
    points: float = 0.0
    trend: float = 0.0
    worst: bool = False


def study(shape: Shape, seed: int) -> Observed:
    """One study's course, as `courses` wants it. The start is in January of the last year (national: in November)."""
    rng = np.random.default_rng(
        [seed, shape.years, int(10 * shape.trend) + 100, len(shape.comparison), len(shape.period)]
    )
    names, starts, possible = _calendar(shape)
    start = date(2024, 11, 4) if shape.comparison == NATIONAL else date(2025, 1, 2)
    after = np.array([day >= start for day in starts])
    size = COHORT if shape.comparison == SAME_SCHOOL else 1.0
    others = {OTHER_SCHOOLS: 3, SAME_SCHOOL: 2, NATIONAL: 0}[shape.comparison]
    own = _chosen(shape, after, [_course(shape, starts, possible, size, rng) for _ in range(_tries(shape))])
    beside = [_course(shape, starts, possible, size, rng) for _ in range(others)]
    shared = LEVEL + SEASON * np.sin([2 * np.pi * day.timetuple().tm_yday / 365 for day in starts])
    years = np.array([(day - starts[0]).days / 365 for day in starts])
    own = shared + own + shape.trend * years - shape.points * after
    other = shared + (np.mean(beside, axis=0) if others else 0)
    groups, sides = 1 + others, np.full(len(starts), 500)
    return Observed(
        np.stack([own] * 3), np.stack([other] * 3), sides, sides * others, possible, after, names, starts, starts,
        500 * groups, groups, (), shape.comparison, shape.period,
    )  # fmt: skip


def _tries(shape: Shape) -> int:
    return CHOSEN_OF if shape.worst else 1


def _chosen(shape: Shape, after: NDArray[np.bool_], courses: Sequence[Floats]) -> Floats:
    last = np.flatnonzero(~after)[-2:]
    return max(courses, key=lambda course: course[last].mean())


def _calendar(shape: Shape) -> tuple[tuple[str, ...], tuple[date, ...], Floats]:
    years = range(2025 - shape.years, 2025)
    if shape.period == "half_term":
        names = [f"{y}/{y - 1999}-{half}" for y in years for half in range(1, 7)]
        days = [date(y + (month < 8), month, day) for y in years for month, day in HALF_TERMS]
        return tuple(names), tuple(days), np.tile(np.array(SESSIONS, float), shape.years)
    weeks = 16 if shape.comparison == NATIONAL else 46
    firsts = [date.fromisocalendar(y, 36, 1) for y in years]
    days = [first + timedelta(weeks=week) for first in firsts for week in range(weeks) if week not in WEEKS_OFF]
    return tuple(map(str, days)), tuple(days), np.full(len(days), 10.0)


def _course(shape: Shape, starts: Sequence[date], possible: Floats, size: float, rng: np.random.Generator) -> Floats:
    """Passing state, September steps and noise of one group; the state fades over holidays too."""
    spread, keeps = PASSING[shape.period]
    n = len(starts)
    apart = np.ones(n) if shape.period == "half_term" else np.diff([day.toordinal() / 7 for day in starts], prepend=0)
    state, passing = rng.standard_normal(), np.empty(n)
    for place in range(n):
        left = keeps ** apart[place] if place else 1.0
        state = left * state + np.sqrt(1 - left**2) * rng.standard_normal()
        passing[place] = spread * state
    year = np.array([day.year - (day.month < 8) for day in starts])
    step = np.zeros(n) if shape.comparison == SAME_SCHOOL else STEP * np.cumsum(rng.standard_normal(9))[year - year[0]]
    noise = NOISE[shape.period] * rng.standard_normal(n) * np.sqrt(possible.mean() / possible)
    return size * (passing + noise) + step


@dataclass(frozen=True)
class Outcome:
    """What one study says: its verdict, main and check in points fewer, whether it began after its worst spell."""

    verdict: str
    main: Row
    check: Row
    after_worst: bool


def run(shape: Shape, seed: int, delta: float = 2.0, certainty: float = 0.75) -> Outcome:
    """A study through the page's own courses, rule and check of the spell before; other checks taken as passed."""
    seen = study(shape, seed)
    main, check = (row_of(points_fewer(seen, way(seen)), "points_fewer", "school") for way in (main_way, check_way))
    days = [rescaled(row, 1.9, "days_fewer", "days a year") for row in (main, check)]
    spell = worst_spell_check(seen)
    verdict, _ = decide(Judged.of(days[0], days[1], delta), Design((spell,), True), certainty)
    return Outcome(verdict, main, check, not spell.passed)


def covers(row: Row, value: float) -> bool:
    """Whether the interval holds `value`."""
    assert row.low is not None
    assert row.high is not None
    return row.low <= value <= row.high
