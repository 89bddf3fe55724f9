"""The code of every session: closed, present in its several ways, or absent for a reason shared by a spell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attendlib.facts.codes import meaning_on
from attendlib.intake.synthetic.absence import Bools, Scores
from attendlib.intake.synthetic.national import Floats, Ints, per_thousand
from attendlib.intake.synthetic.people import Roll
from attendlib.intake.synthetic.terms import Days

Codes = NDArray[np.uint8]

ABSENT = ("I", "M", "R", "S", "T", "H", "E", "C", "C1", "J1", "C2", "G", "U", "O", "N")
CODES = ("", "/", "\\", "L", "B", "V", "W", "K", "P", "J", "D", "X", "#", "Y", "Y2", "Y3", "Y4", *ABSENT)
"""What the numbers of a Codes array mean; the first is a session without a mark."""
OPEN = 255
_NUMBER = {code: k for k, code in enumerate(CODES)}
_NO_MARK = 0.0008
_DUAL_DAYS, _ONE_DAY = 0.4, 0.2  # of a pupil's week, where dual registered or educated off site
_TILT = {"I": -0.35, "M": -0.2, "R": -0.3, "E": 0.6, "C2": 1.0, "G": -0.2, "O": 0.6, "N": 0.2}
"""How fast a code's share of absence changes with the pupil's rate: strings of O among the most absent."""
_HALF_ONLY = ("M", "U")
_STUDY_LEAVE = 0.6


@dataclass(frozen=True, slots=True)
class School:
    """What decides the codes of one school in one year, besides who is absent when."""

    roll: Roll
    secondary: bool
    closed_day: int  # a day the site could not open, or -1
    days: Days


def closures_and_gaps(school: School, rng: np.random.Generator) -> tuple[Codes, Bools]:
    """Codes of sessions that cannot be attended (OPEN elsewhere), and the days on roll, (pupils, days)."""
    roll, days = school.roll, school.days
    n, d = len(roll.pupil), len(days.dates)
    day = np.arange(d)
    on_roll = (day >= roll.entry[:, None]) & (day < roll.leaving[:, None])
    codes = np.full((n, d, 2), OPEN, dtype=np.uint8)
    codes[rng.random((n, d, 2)) < _NO_MARK] = _NUMBER[""]
    codes[_one_weekday(_share(school, "D", 5.0 if school.secondary else 0.6) / _DUAL_DAYS, 2, n, days, rng)] = _NUMBER[
        "D"
    ]
    _missed_registers(codes, roll, rng)
    codes[np.ix_(roll.year_group == 11, ~days.compulsory)] = _NUMBER["X"]
    if school.closed_day >= 0:
        codes[:, school.closed_day] = _NUMBER[closure_code(school)]
    codes[:, days.closed] = _NUMBER["#"]
    return codes, on_roll


def closure_code(school: School) -> str:
    """Y before August 2024; then Y2 (travel), Y3 (part of the site) or Y4 (all of it), by day."""
    if school.days.academic_year == "2023/24":
        return "Y"
    return ("Y2", "Y3", "Y4", "Y4")[school.closed_day % 4]


def write_codes(codes: Codes, absent: Bools, scores: Scores, school: School, rng: np.random.Generator) -> Codes:
    """`codes` with every OPEN session filled."""
    present = (codes == OPEN) & ~absent
    out = np.where(codes == OPEN, np.array([1, 2], dtype=np.uint8), codes)
    for code, where in _present_ways(absent, school, rng):
        out[where & present] = _NUMBER[code]
    out[absent] = _reasons(absent, scores, school, rng)[absent]
    return out


def _share(school: School, code: str, otherwise: float = 0.0) -> float:
    """Of possible sessions, 0 to 1; D is outside possible, so its own rate is given (published for 2023/24)."""
    if meaning_on(code, school.days.dates[0].item()) is None:
        return 0.0  # DfE's own figures keep a trace of ended codes
    phase = "secondary" if school.secondary else "primary"
    return per_thousand(school.days.academic_year, phase).get(code, otherwise) / 1000


def _one_weekday(share: float, per_week: int, n: int, days: Days, rng: np.random.Generator) -> Bools:
    """Sessions of `share` of pupils on the same weekday (or two) of every week, (pupils, days, 2)."""
    first = rng.integers(0, 5, n)[:, None]
    on_day = (days.weekday[None, :] - first) % 5 < per_week
    chosen = (rng.random(n) < share)[:, None] & on_day
    return np.repeat(chosen[:, :, None], 2, axis=2)


def _missed_registers(codes: Codes, roll: Roll, rng: np.random.Generator) -> None:
    """Two registers a year that nobody took."""
    for _ in range(2):
        pupil, day = int(rng.integers(len(roll.pupil))), int(rng.integers(codes.shape[1]))
        same = (roll.year_group == roll.year_group[pupil]) & (roll.form == roll.form[pupil])
        codes[same, day, int(rng.integers(2))] = _NUMBER[""]


def _present_ways(absent: Bools, school: School, rng: np.random.Generator) -> list[tuple[str, Bools]]:
    """Codes other than / and \\ for pupils who came, later ones winning."""
    n, days, year_group = absent.shape[0], school.days, school.roll.year_group
    exam = school.secondary & (year_group >= 10)
    ways = [
        ("L", rng.random(absent.shape) < _late(absent, school, rng)),
        ("P", rng.random(absent.shape) < _share(school, "P") * np.array([0.2, 1.8])),
        ("J", (rng.random(absent.shape) < 2.5 * _share(school, "J")) & exam[:, None, None]),
        ("V", _trips(school, rng)),
        ("W", _work_week(school, rng)),
    ]
    ways += [(c, _one_weekday(_share(school, c) / _ONE_DAY, 1, n, days, rng)) for c in ("B", "K")]
    return ways


def _late(absent: Bools, school: School, rng: np.random.Generator) -> Floats:
    """The chance of L, mostly in the morning, unequal among pupils and higher where absence is."""
    rate = absent.mean(axis=(1, 2))
    lean = rng.gamma(0.5, 2.0, len(absent)) * np.sqrt(rate + 0.02)
    lean = lean / max(float((lean * (1 - rate)).mean()), 1e-9)
    return np.minimum(_share(school, "L") * lean[:, None, None] * np.array([1.6, 0.4]), 0.6)


def _trips(school: School, rng: np.random.Generator) -> Bools:
    """Two days a year for each year group; not everyone goes."""
    roll, d = school.roll, len(school.days.dates)
    out = np.zeros((len(roll.pupil), d, 2), dtype=bool)
    for year_group in np.unique(roll.year_group):
        goes = (roll.year_group == year_group) & (rng.random(len(roll.pupil)) < _share(school, "V") * d / 2)
        out[np.ix_(goes, rng.choice(d, 2, replace=False))] = True
    return out


def _work_week(school: School, rng: np.random.Generator) -> Bools:
    """Year 10's week out in the last half-term."""
    roll, d = school.roll, len(school.days.dates)
    out = np.zeros((len(roll.pupil), d, 2), dtype=bool)
    week = np.flatnonzero(school.days.half_term == 6)[10:15]
    goes = (roll.year_group == 10) & (rng.random(len(roll.pupil)) < _share(school, "W") * d)
    out[np.ix_(goes, week)] = True
    return out


def _reasons(absent: Bools, scores: Scores, school: School, rng: np.random.Generator) -> Codes:
    """A reason for each spell, the mix of codes in the school as published for its phase and year."""
    half = np.repeat(scores.half_day[:, :, None], 2, axis=2)
    mornings = absent & half
    whole, part = (absent & ~half).sum(axis=(1, 2)), mornings.sum(axis=(1, 2))
    long_mix, short_mix = _mixes(school, float(part.sum()) / max(float(absent.sum()), 1.0))
    rate = absent.mean(axis=(1, 2))
    draw = rng.random(scores.spell.shape)
    long = _pick(_tilted(long_mix, rate, whole), draw, scores.spell)
    short = _pick(_tilted(short_mix, rate, part), draw, scores.spell)
    reason = np.where(scores.half_day, short, long).astype(np.uint8)
    leave = (school.roll.year_group == 11)[:, None] & (school.days.half_term == 6) & (_second_draw(draw) < _STUDY_LEAVE)
    reason[leave] = _NUMBER["S"]
    return np.repeat(reason[:, :, None], 2, axis=2)


def _second_draw(draw: Floats) -> Floats:
    """A second uniform number from the first: its later digits."""
    return (draw * 1000) % 1


def _mixes(school: School, half_share: float) -> tuple[Floats, Floats]:
    """Shares of ABSENT for whole-day spells and for half-day ones, which hold all of M and U."""
    target = np.array([0.0 if c == "S" else _share(school, c) for c in ABSENT])
    target = target / target.sum()
    only = np.isin(ABSENT, _HALF_ONLY)
    also = np.isin(ABSENT, ("I", "O", "N"))
    half_share = max(half_share, float(target[only].sum()) * 1.05)
    short = np.where(only, target / half_share, 0.0)
    short += np.where(also, target, 0.0) / target[also].sum() * (1 - short.sum())
    long = np.maximum(target - half_share * short, 0)
    return long / long.sum(), short


def _tilted(mix: Floats, rate: Floats, sessions: Ints) -> Floats:
    """Each pupil's mix (pupils, codes): leaning with the rate, the session-weighted total still `mix`."""
    lean = np.array([_TILT.get(c, 0.0) for c in ABSENT])
    tilt = ((rate + 0.01) / (rate.mean() + 0.01))[:, None] ** lean[None, :]
    base = mix.copy()
    for _ in range(6):
        each = base * tilt
        each /= each.sum(axis=1, keepdims=True)
        got = np.average(each, axis=0, weights=sessions) if sessions.sum() else mix
        base *= np.divide(mix, got, out=np.ones_like(mix), where=got > 0)
    return each


def _pick(mix: Floats, draw: Floats, spell: Ints) -> Codes:
    """The code number of each day: one draw a spell, looked up in the pupil's own mix."""
    chance = np.take_along_axis(draw, spell, axis=1)
    place = np.zeros(spell.shape, dtype=np.uint8)
    for above in np.cumsum(mix, axis=1).T[:-1]:
        place += chance > above[:, None]
    return place + np.uint8(len(CODES) - len(ABSENT))
