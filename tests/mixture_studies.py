"""Invented schools by half-term, one of which began something: with or without a planted benefit.

Each school has a level, the season all share, its own response to a drifting common course, and half-terms that hang
together (about what a school of 400 pupils shows). The school that began is any one, or the one in its worst spell.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attendlib.questions.common import rescaled, row_of
from attendlib.questions.impact.designs.synthetic_control import MAIN, MODELS, enough_donors, fit_check
from attendlib.questions.impact.mixed import without_spell
from attendlib.questions.impact.placebo import FAILS_AT
from attendlib.questions.impact.spells import worst_spell
from attendlib.questions.verdict import Design, Judged, decide
from attendlib.records.answer import Check, Row
from attendlib.stats.synthetic_control import synthetic_control

Floats = NDArray[np.float64]
BEFORE, AFTER = 8, 4  # half-terms: a start in January of the second year held
LEVEL, RESPONSE, SHOCK, KEEPS = 1.5, 0.2, 0.4, 0.3  # percentage points; share of a shock left a half-term later
DAYS_PER_POINT = 1.9


@dataclass(frozen=True)
class Shape:
    """How many donors, days a year planted, and whether the school began in its worst spell."""

    donors: int
    days: float = 0.0
    worst_spell: bool = False


def course(shape: Shape, seed: int) -> Floats:
    """Percent missed (schools, half-terms); row 0 is the school that began after BEFORE half-terms."""
    rng = np.random.default_rng([seed, shape.donors])
    schools, times = shape.donors + 1, BEFORE + AFTER
    shocks = rng.standard_normal((schools, times))
    for place in range(1, times):
        shocks[:, place] = KEEPS * shocks[:, place - 1] + np.sqrt(1 - KEEPS**2) * shocks[:, place]
    season, drift = rng.normal(0, 0.7, times).cumsum(), rng.standard_normal(times).cumsum()
    y = 7 + LEVEL * rng.standard_normal((schools, 1)) + season
    y += RESPONSE * rng.standard_normal((schools, 1)) * drift + SHOCK * shocks
    if shape.worst_spell:
        worst = int(np.argmax(shocks[:, BEFORE - 1]))
        y[[0, worst]] = y[[worst, 0]]
    y[0, BEFORE:] -= shape.days / DAYS_PER_POINT
    return y


@dataclass(frozen=True)
class Outcome:
    """What one study says: its verdict, main in days a year, and whether the school began after its worst spell."""

    verdict: str
    main: Row
    failed: tuple[str, ...]
    after_worst: bool


def run(shape: Shape, seed: int, delta: float = 2.0, certainty: float = 0.75) -> Outcome:
    """A study through the page's own models, checks and rule."""
    y = course(shape, seed)
    made = {name: synthetic_control(y, BEFORE, kind=MODELS[name]) for name in (MAIN, "check")}
    rows = {name: _days(row_of(each.estimate, "points", "school")) for name, each in made.items()}
    checks = [enough_donors(shape.donors), fit_check(made[MAIN]), _placebo(y)]
    verdict, _ = decide(Judged.of(rows[MAIN], rows["check"], delta), Design(checks, True), certainty)
    failed = tuple(check.name for check in checks if check.passed is False)
    worst, _ = worst_spell(made[MAIN].gap[:BEFORE], "half_term")
    return Outcome(verdict, rows[MAIN], failed, worst)


def without_the_spell(shape: Shape, seed: int) -> Row:
    """The same study's main figure without the two half-terms before the start."""
    made = without_spell(course(shape, seed), BEFORE)
    assert made is not None
    return _days(row_of(made.estimate, "points", "school"))


def _days(points: Row) -> Row:
    return rescaled(points, -DAYS_PER_POINT, "days_fewer", "days a year")


def _placebo(y: Floats) -> Check:
    """The middle of the time before, as the page takes it unless told."""
    p = synthetic_control(y[:, :BEFORE], BEFORE // 2).estimate.p
    return Check("Placebo start", not p < FAILS_AT, "")
