"""Whether several printed shares about one group can all be true of one school: counts and sessions must fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

YEAR, SCHOOL, PERSISTENT = "year_absence", "school_absence", "school_persistent"
ROUNDING = 0.05  # percentage points: shares printed to one decimal
# Whole numbers sought: sessions of persistently absent pupils in the group, the rest of the year and the rest of the
# school; sessions of the other pupils there; and how many are persistently absent in the year and in the rest.
UNKNOWNS = 8


@dataclass(frozen=True, slots=True)
class School:
    """A group within a year group within a school, all on roll for `possible` sessions.

    `mean_pct` is the school's mean absence in percent, where it is known (within a twentieth of a point).
    """

    group: int
    group_persistent: int
    year: int
    school: int
    possible: int = 380
    mean_pct: float | None = None

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Pupils of the group, the rest of the year group, the rest of the school."""
        return self.group, self.year - self.group, self.school - self.year


def can_hold(school: School, shares: Mapping[str, float]) -> bool:
    """Whether some absences of these pupils give all `shares` (percent, keys YEAR, SCHOOL and PERSISTENT).

    Persistent absence is 10% or more of a pupil's sessions. An integer programme: it looks for one such school.
    """
    if min(school.sizes) < 0 or school.group_persistent > school.group:
        return False
    rows, lows, highs = zip(*_constraints(school, shares), strict=True)
    _, year, rest = school.sizes
    most = np.array([school.possible * n for n in school.sizes] * 2 + [year, rest], dtype=float)
    found = milp(
        np.zeros(UNKNOWNS),
        constraints=LinearConstraint(np.array(rows), np.array(lows), np.array(highs)),
        bounds=Bounds(np.zeros(UNKNOWNS), most),
        integrality=np.ones(UNKNOWNS),
    )
    return bool(found.status == 0)


def holding_together(school: School, shares: Mapping[str, float]) -> tuple[tuple[str, ...], ...]:
    """The largest sets of `shares` that can all be true; several where none contains another."""
    found: list[tuple[str, ...]] = []
    for size in range(len(shares), 0, -1):
        for names in combinations(sorted(shares), size):
            inside = any(set(names) <= set(larger) for larger in found)
            if not inside and can_hold(school, {name: shares[name] for name in names}):
                found.append(names)
    return tuple(found)


Line = tuple[np.ndarray, float, float]  # coefficients of the unknowns, and between which numbers they add up


def _constraints(school: School, shares: Mapping[str, float]) -> Iterator[Line]:
    """What the counts and the printed shares ask of the unknowns."""
    line = -(-school.possible // 10)  # the fewest sessions that are 10%
    for place, size in enumerate(school.sizes):
        late, fixed = _late(place, school)
        yield _unit(place) - line * late, line * fixed, np.inf
        yield _unit(place) - school.possible * late, -np.inf, school.possible * fixed
        yield _unit(place + 3) + (line - 1) * late, -np.inf, (line - 1) * (size - fixed)
    sessions = np.array([1.0] * 6 + [0, 0])
    if school.mean_pct is not None:
        per_point = school.possible * school.school / 100
        yield sessions, per_point * (school.mean_pct - ROUNDING), per_point * (school.mean_pct + ROUNDING)
    own = _unit(0) + _unit(3)
    in_year = own + _unit(1) + _unit(4)
    for name, pct in shares.items():
        if name == PERSISTENT:
            n = school.group_persistent
            yield _unit(6) + _unit(7), 100 * n / (pct + ROUNDING) - n, 100 * n / (pct - ROUNDING) - n
        else:
            whole = in_year if name == YEAR else sessions
            yield own - (pct + ROUNDING) / 100 * whole, -np.inf, 0.0
            yield own - (pct - ROUNDING) / 100 * whole, 0.0, np.inf


def _late(place: int, school: School) -> tuple[np.ndarray, int]:
    """How many are persistently absent: unknown, save in the group where it is printed."""
    return (np.zeros(UNKNOWNS), school.group_persistent) if place == 0 else (_unit(place + 5), 0)


def _unit(place: int) -> np.ndarray:
    return np.eye(UNKNOWNS)[place]
