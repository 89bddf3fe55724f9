"""How much each pupil is absent in a year, and which sessions: spells, weekdays, the shape of a half-term.

How much is drawn first, so that the year's totals follow the national bands; which sessions is then a ranking
of the pupil's year by a score, and the highest are missed. A planted change only moves how many, so the same
pupil with and without it differs by nothing else.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attendlib.intake.synthetic.national import Floats, Ints, absence_rate
from attendlib.intake.synthetic.people import Pupils, Roll, Schools
from attendlib.intake.synthetic.shape import NATIONAL_DIP, Shape
from attendlib.intake.synthetic.terms import Days

Bools = NDArray[np.bool_]

_SCHOOL, _STEADY = 0.10, 0.49  # variance of the hidden score; the rest is how the pupil's year is going
_KEEPS = 0.8  # how much of that is left a half-term later, the same across the summer: no year begins afresh
_STEEPNESS = (0.8, 2.5)  # bounds on log odds of absence for one unit of the hidden score
_WEEKDAY = np.log([1.05, 0.96, 0.94, 0.98, 1.16])
_HALF_TERM = np.log([0.85, 1.18, 1.02, 1.06, 0.94, 1.05])
_WEEK_SLOPE = 0.45  # log rise from the first week of a half-term to its last
_YEAR7_SEPTEMBER, _SATS = np.log(0.75), np.log(0.5)
_SPELL_DAYS = 2.4
_HALF_DAY = 0.22
_BETWEEN_HALF_TERMS = 0.3


@dataclass(frozen=True, slots=True)
class Plan:
    """Absence rates (0 to 1) of one year's roll: as planted, and without the dip into Year 7. `lean`
    (pupils, 6) is the log of how much more than the year's average each half-term holds."""

    rate: Floats
    rate_without_dip: Floats
    lean: Floats


@dataclass(frozen=True, slots=True)
class Scores:
    """One school year. `score` is (pupils, days, 2), higher is missed first; `spell` (pupils, days) numbers
    the runs of days that share a reason; `half_day` marks spells that touch mornings or afternoons only."""

    score: Floats
    spell: Ints
    half_day: Bools


def drift(n: int, rng: np.random.Generator) -> Floats:
    """How each pupil's life is going, (n, 12) half-terms of two years: normal scores that fade into the next."""
    out = rng.standard_normal((n, 12))
    for h in range(1, 12):
        out[:, h] = _KEEPS * out[:, h - 1] + np.sqrt(1 - _KEEPS**2) * out[:, h]
    return out


def plan_absence(shape: Shape, schools: Schools, pupils: Pupils, roll: Roll, going: Floats) -> Plan:
    """Each enrolment's absence rate for the year: national bands at a hidden normal score.

    `going` is the roll's six half-terms of `drift`; their mean moves the year, the rest when in it.
    """
    z = np.sqrt(_SCHOOL) * schools.habit[roll.school] + np.sqrt(_STEADY) * pupils.steady[roll.pupil]
    weight = np.sqrt(1 - _SCHOOL - _STEADY) / _spread_of_mean()
    year = going.mean(axis=1)
    z = z + weight * year
    cell = pupils.cell[roll.pupil]
    lean = (_steepness(roll.year_group, cell, z) * weight)[:, None] * (going - year[:, None])
    national = absence_rate(roll.year_group, cell, z)
    planted, without = national.copy(), national.copy()
    for fsm6, dip in enumerate((shape.dip_points, shape.dip_points_fsm6)):
        group = (roll.year_group == 7) & (pupils.fsm6[roll.pupil] == fsm6)
        if group.any():
            mean = max(float(national[group].mean()), 1e-9)
            without[group] *= max(1 - NATIONAL_DIP[fsm6] / 100 / mean, 0)
            planted[group] *= max(1 + (dip - NATIONAL_DIP[fsm6]) / 100 / mean, 0)
    return Plan(np.minimum(planted, 0.99), np.minimum(without, 0.99), lean)


def _steepness(year_group: Ints, cell: Ints, z: Floats) -> Floats:
    """Log odds of absence for one unit of the hidden score, at each pupil's own score: a half-term that goes
    badly then tells within a year as much as a bad year does between years."""
    high, low = (np.clip(absence_rate(year_group, cell, z + d), 0.003, 0.99) for d in (0.25, -0.25))
    return np.clip((np.log(high / (1 - high)) - np.log(low / (1 - low))) / 0.5, *_STEEPNESS)


def _spread_of_mean() -> float:
    """Standard deviation of the mean of six half-terms of `drift`."""
    gaps = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    return float(np.sqrt((_KEEPS**gaps).mean()))


def score_sessions(year_group: Ints, lean: Floats, days: Days, rng: np.random.Generator) -> Scores:
    """A score for each session of each pupil: chance shared by a spell, tilted by weekday and time of year."""
    n, d = len(year_group), len(days.dates)
    begins = rng.random((n, d)) < 1 / _SPELL_DAYS
    begins[:, 0] = True
    spell = np.cumsum(begins, axis=1) - 1
    chance = np.take_along_axis(rng.gumbel(size=(n, d)), spell, axis=1)
    mood = (lean + _BETWEEN_HALF_TERMS * rng.standard_normal((n, 6)))[:, days.half_term - 1]
    score = np.repeat((chance + mood + _shape(year_group, days))[:, :, None], 2, axis=2)
    score += 0.05 * rng.standard_normal((n, d, 2))
    part = np.take_along_axis(rng.random((n, d)), spell, axis=1)
    score[:, :, 1] -= 6.0 * (part < 0.6 * _HALF_DAY)
    half_day = part < _HALF_DAY
    score[:, :, 0] -= 6.0 * (half_day & (part >= 0.6 * _HALF_DAY))
    return Scores(score, spell, half_day)


def most_likely(score: Floats, allowed: Bools, count: Ints) -> Bools:
    """The `count` highest scores of each row among the allowed sessions, as a mask of the same shape."""
    flat = np.where(allowed, score, -np.inf).reshape(len(score), -1)
    ordered = np.sort(flat, axis=1)
    place = np.clip(flat.shape[1] - count, 0, flat.shape[1] - 1)
    cut = np.take_along_axis(ordered, place[:, None], axis=1)
    cut[count <= 0] = np.inf
    return ((flat >= cut) & np.isfinite(flat)).reshape(score.shape)


def sessions_missed(rate: Floats, possible: Ints) -> Ints:
    """Whole sessions, rounded down: a rate just under the limit must not round up to persistent absence."""
    return np.minimum(np.floor(rate * possible + 1e-9).astype(int), possible)


def _shape(year_group: Ints, days: Days) -> Floats:
    common = _WEEKDAY[days.weekday] + _HALF_TERM[days.half_term - 1] + _WEEK_SLOPE * (days.week - 0.5)
    out = np.repeat(common[None, :], len(year_group), axis=0)
    out[np.ix_(year_group == 7, days.half_term == 1)] += _YEAR7_SEPTEMBER
    out[np.ix_(year_group == 6, days.sats)] += _SATS
    return out
