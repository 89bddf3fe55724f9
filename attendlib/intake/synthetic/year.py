"""One school's year: its register, and the counts of sessions that results and truth are made from."""

from dataclasses import dataclass

import numpy as np

from attendlib.intake.synthetic.absence import Bools, Plan, most_likely, score_sessions, sessions_missed
from attendlib.intake.synthetic.calls import Choice, choose, fewer_absences
from attendlib.intake.synthetic.marks import OPEN, Codes, School, closures_and_gaps, write_codes
from attendlib.intake.synthetic.national import Ints
from attendlib.intake.synthetic.terms import CALLS_START, YEARS, Days


@dataclass(frozen=True, slots=True)
class Counts:
    """Sessions by enrolment and half-term, (pupils, 6): as recorded, without the calls, without either."""

    possible: Ints
    absent: Ints
    absent_without_calls: Ints
    absent_without_dip: Ints


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """Codes (pupils, days, 2) with the days on roll, the counts, and the second year's choice for the calls."""

    codes: Codes
    on_roll: Bools
    counts: Counts
    choice: Choice | None


def make_year(school: School, plan: Plan, effect_days: float, streams: list[np.random.Generator]) -> SchoolYear:
    """The year of one school. `streams` are five generators, one a stage, so no stage moves another's chance."""
    days = school.days
    codes, on_roll = closures_and_gaps(school, streams[0])
    open_ = (codes == OPEN) & on_roll[:, :, None]
    possible = open_.sum(axis=(1, 2))
    scores = score_sessions(school.roll.year_group, plan.lean, days, streams[1])
    natural = most_likely(scores.score, open_, sessions_missed(plan.rate, possible))
    without_dip = most_likely(scores.score, open_, sessions_missed(plan.rate_without_dip, possible))
    absent, choice = natural, None
    if days.academic_year == YEARS[1]:
        choice = _choice(natural, open_, on_roll, days, streams[2])
        absent = _with_calls(scores.score, natural, open_, choice.started, days, effect_days, streams[3])
    filled = write_codes(codes, absent, scores, school, streams[4])
    kinds = (open_, absent, natural, without_dip)
    return SchoolYear(filled, on_roll, Counts(*(by_half_term(k, days) for k in kinds)), choice)


def by_half_term(sessions: Bools, days: Days) -> Ints:
    """Sessions of a (pupils, days, 2) mask in each half-term, (pupils, 6)."""
    daily = sessions.sum(axis=2)
    return np.stack([daily[:, days.half_term == h].sum(axis=1) for h in range(1, 7)], axis=1)


def _choice(absent: Bools, open_: Bools, on_roll: Bools, days: Days, rng: np.random.Generator) -> Choice:
    selection = days.half_term <= 2
    start = int(np.argmax(days.dates >= np.datetime64(CALLS_START)))
    missed, could = (m[:, selection].sum(axis=(1, 2)) for m in (absent, open_))
    return choose(missed, could, on_roll[:, start], rng)


def _with_calls(
    score: np.ndarray, absent: Bools, open_: Bools, started: Bools, days: Days, effect: float, rng: np.random.Generator
) -> Bools:
    rows = np.flatnonzero(started)
    if not len(rows) or effect == 0:
        return absent
    window = open_[rows] & (days.dates >= np.datetime64(CALLS_START))[None, :, None]
    possible = window.sum(axis=(1, 2))
    out = absent.copy()
    out[rows] = fewer_absences(score[rows], absent[rows], window, effect, possible, rng)
    return out
