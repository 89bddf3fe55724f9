"""Whether several printed shares about one group can all be true of one school: counts and sessions must fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.optimize import linprog

YEAR, SCHOOL, PERSISTENT = "year_absence", "school_absence", "school_persistent"
ROUNDING = 0.05  # percentage points: shares printed to one decimal


@dataclass(frozen=True, slots=True)
class School:
    """A group within a year group within a school, all on roll for `possible` sessions.

    `mean_pct` is the school's mean absence in percent, where it is known (within a tenth of a point).
    """

    group: int
    group_persistent: int
    year: int
    school: int
    possible: int = 380
    mean_pct: float | None = None


def can_hold(school: School, shares: Mapping[str, float]) -> bool:
    """Whether some absences of these pupils give all `shares` (percent, keys YEAR, SCHOOL and PERSISTENT).

    Persistent absence is 10% or more of a pupil's sessions. How many of the other pupils are persistently absent is
    tried one by one; for each the sums of sessions of six kinds of pupil are a linear programme.
    """
    others = school.year - school.group, school.school - school.year
    if min(others) < 0 or school.group_persistent > school.group:
        return False
    return any(
        _feasible(school, in_year, total - school.group_persistent - in_year, shares)
        for total in _persistent_totals(school, shares.get(PERSISTENT))
        for in_year in _few(others[0])
        if 0 <= total - school.group_persistent - in_year <= others[1]
    )


def holding_together(school: School, shares: Mapping[str, float]) -> tuple[tuple[str, ...], ...]:
    """The largest sets of `shares` that can all be true; several where none contains another."""
    found: list[tuple[str, ...]] = []
    for size in range(len(shares), 0, -1):
        for names in combinations(sorted(shares), size):
            inside = any(set(names) <= set(larger) for larger in found)
            if not inside and can_hold(school, {name: shares[name] for name in names}):
                found.append(names)
    return tuple(found)


def _persistent_totals(school: School, pct: float | None) -> range | list[int]:
    """Persistently absent pupils the school may have: those whose share rounds as printed, or any number."""
    every = range(school.group_persistent, school.school + 1)
    if pct is None:
        return every[:: max(len(every) // 60, 1)]
    return [n for n in every if n and abs(100 * school.group_persistent / n - pct) <= ROUNDING]


def _few(most: int) -> range:
    return range(0, most + 1, max(most // 40, 1))


def _feasible(school: School, year_late: int, rest_late: int, shares: Mapping[str, float]) -> bool:
    """A linear programme in the sessions of: the group, the rest of the year, the rest; persistent and not, each."""
    line = -(-school.possible // 10)  # the fewest sessions that are 10%
    late = np.array([school.group_persistent, year_late, rest_late])
    rest = np.array([school.group, school.year - school.group, school.school - school.year]) - late
    if (rest < 0).any():
        return False
    bounds = [(line * n, school.possible * n) for n in late] + [(0, (line - 1) * n) for n in rest]
    rows = [row for name, pct in shares.items() if name != PERSISTENT for row in _rounds_to(name, pct)]
    limits = [0.0] * len(rows)
    if school.mean_pct is not None:
        total = school.possible * school.school / 100
        rows += [np.ones(6), -np.ones(6)]
        limits += [total * (school.mean_pct + ROUNDING), -total * (school.mean_pct - ROUNDING)]
    if not rows:
        return True
    found = linprog(np.zeros(6), A_ub=np.array(rows), b_ub=np.array(limits), bounds=bounds, method="highs")
    return bool(found.status == 0)


def _rounds_to(name: str, pct: float) -> list[np.ndarray]:
    """group - share x whole within rounding, as two rows of at most 0. Order: group, year, rest; late, then not."""
    own = np.array([1.0, 0, 0, 1, 0, 0])
    whole = np.array([1.0, 1, 0, 1, 1, 0]) if name == YEAR else np.ones(6)
    return [own - (pct + ROUNDING) / 100 * whole, (pct - ROUNDING) / 100 * whole - own]
