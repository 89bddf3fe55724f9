"""Synthetic studies of groups that begin at different times: courses by half-term, with or without a planted benefit.

A group's absence is its own level, a season shared by all, and passing ups and downs that fade by half each half-term.
In schools of several year groups half of those (by variance) are the school's. Starts are dealt out by chance.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from attendlib.questions.common import rescaled, row_of
from attendlib.questions.impact.groups import Groups
from attendlib.questions.impact.starts import Starts, panel_of
from attendlib.questions.verdict import Design, Judged, decide
from attendlib.records.answer import Check, Row
from attendlib.stats.fit import Estimate
from attendlib.stats.staggered import (
    NEVER,
    Floats,
    Ints,
    Paths,
    estimate,
    group_time_weights,
    imputation_weights,
    paths,
    two_way_weights,
)
from attendlib.stats.staggered_shuffle import shuffle_starts

PERIODS = 12  # two years of half-terms
SEASON = np.array([5.6, 7.2, 6.9, 6.1, 6.0, 6.6] * 2)  # percent
LEVEL, PASSING, KEEPS = 1.5, 1.0, 0.5  # points between groups; points within; what is left a half-term later
DAYS = 190 / 100


@dataclass(frozen=True)
class Shape:
    """How many groups begin at each place (NEVER: never), and the points planted: at once, and more each half-term."""

    starts: tuple[tuple[int, int], ...]
    at_once: float = 0.0
    growing: float = 0.0

    @property
    def first(self) -> Ints:
        """The start of each group (groups,), before it is dealt out."""
        return np.array([start for start, many in self.starts for _ in range(many)])


SCHOOLS = ((7, 10), (8, 10), (9, 10), (NEVER, 10))
GROUPS = ((7, 3), (8, 3), (NEVER, 4))
SEVEN = ((7, 2), (9, 2), (NEVER, 3))
ONE_SCHOOL = ((7, 2), (9, 2), (NEVER, 2))


@dataclass(frozen=True)
class Outcome:
    """What one study says, in days a year: main, check, two-way fixed effects, and the days really fewer."""

    verdict: str
    main: Row
    check: Row
    two_way: float
    realised: float


@cache
def weights(starts: tuple[tuple[int, int], ...]) -> dict[str, Floats]:
    """Each way's weights, which depend on the starts alone."""
    panel = paths(np.zeros((len(Shape(starts).first), PERIODS)), Shape(starts).first)
    ways = {"main": group_time_weights, "check": imputation_weights, "two_way": two_way_weights}
    return {name: way(panel) for name, way in ways.items()}


@cache
def smallest_p(starts: tuple[tuple[int, int], ...]) -> float:
    """The least p any outcome of such a study could have."""
    return shuffle_starts(panel(Shape(starts), 0)[0], group_time_weights, seed=1, draws=1999).smallest_p


def panel(shape: Shape, seed: int) -> tuple[Paths, float]:
    """One study's courses (share missed, fewer is better) and the days a year really fewer where groups had begun."""
    rng = np.random.default_rng([seed, len(shape.first)])
    n = len(shape.first)
    passing = PASSING * _fading(rng, n)
    y = SEASON + LEVEL * rng.standard_normal((n, 1)) + passing
    since = np.arange(PERIODS) - shape.first[:, None]
    begun = (shape.first[:, None] != NEVER) & (since >= 0)
    planted = np.where(begun, shape.at_once + shape.growing * since, 0.0)
    return paths((y - planted) / 100, shape.first), DAYS * float(planted[begun].mean())


def _fading(rng: np.random.Generator, n: int) -> Floats:
    made = rng.standard_normal((n, PERIODS))
    for period in range(1, PERIODS):
        made[:, period] = KEEPS * made[:, period - 1] + np.sqrt(1 - KEEPS**2) * made[:, period]
    return made


def year_groups(seed: int, whole_schools: bool, schools: int = 12, each: int = 6) -> tuple[Row, Row]:
    """Nothing planted among year groups of schools: main as the page has it, and as if all were unrelated.

    Starts are dealt out to whole schools, or to year groups wherever they are.
    """
    rng = np.random.default_rng([seed, schools, each])
    school = np.repeat(np.arange(schools), each)
    first = (
        np.repeat([7, 8, NEVER], schools // 3)[school]
        if whole_schools
        else np.resize([7, 8, NEVER, NEVER], len(school))
    )
    first = first if whole_schools else rng.permutation(first)
    passing = PASSING * np.sqrt(0.5) * (_fading(rng, schools)[school] + _fading(rng, len(school)))
    rate = (SEASON + LEVEL * rng.standard_normal((len(school), 1)) + passing) / 100
    labels = pd.DataFrame({"school": school.astype(str), "year_group": 7.0, "phase": "", "pupils": 30, "first": first})
    groups = Groups(labels, rate, rate, rate, rate, rate, tuple(map(str, range(PERIODS))), (), (), (), labels[:0])
    found = Starts(groups, "all", never_only=False, until=PERIODS - 1)
    panels = panel_of(found, rate), paths(rate, first)
    page, unrelated = (_days(estimate(each, group_time_weights(each))) for each in panels)
    return page, unrelated


def run(shape: Shape, seed: int, delta: float = 2.0, certainty: float = 0.75) -> Outcome:
    """A study through the page's own estimates and rule; of the checks, the one on too few arrangements."""
    made, realised = panel(shape, seed)
    ways = weights(shape.starts)
    rows = {name: _days(estimate(made, ways[name])) for name in ("main", "check")}
    judged = Judged.of(rows["main"], rows["check"], delta)
    enough = Check("Enough groups and starts", smallest_p(shape.starts) <= 0.05, "too few")
    verdict, _ = decide(judged, Design((enough,), True), certainty)
    two_way = -100 * DAYS * float((ways["two_way"] * made.means).sum())
    return Outcome(verdict, rows["main"], rows["check"], two_way, realised)


def _days(found: Estimate) -> Row:
    return rescaled(row_of(found, "points_fewer", "all"), -100 * DAYS, "days_fewer", "days a year")


def covered(outcomes: list[Outcome], way: str = "main") -> float:
    """The share of studies whose interval holds the days really fewer."""
    rows = [(getattr(outcome, way), outcome.realised) for outcome in outcomes]
    return sum(row.low <= true <= row.high for row, true in rows) / len(rows)
