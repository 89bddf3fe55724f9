"""What a figure near the line tells of how many pupils it rests on, so that a few are never told by two of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from attendlib.disclosure import limit
from attendlib.questions.impact.threshold import Sides
from attendlib.records.answer import Row
from attendlib.records.rounding import uncounted
from attendlib.stats.cutoff import Jump, Way

Which = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Rested:
    """A row, which of the page's pupils it rests on, and `of` which of them `n` counts."""

    row: Row
    used: Which
    of: Which


def used_by(found: Sides, made: Jump, way: Way) -> Which:
    """Which pupils a local fit rests on: those whose weight is not 0 (a uniform one holds to the end of the reach)."""
    off = np.abs(found.running)
    return (off <= made.reach if way.kernel == "uniform" else off < made.reach) & (off >= way.hole)


def few_on_a_side(found: Sides, used: Which) -> bool:
    """Whether few are used on a side, of all or of any school, whose own page then shows no such figure."""
    fewest = limit(found.audience)
    sides = [used & (found.frame["above"] == side).to_numpy() for side in (0, 1)]
    return any(each.sum() < fewest or few_in_a_school(found, each) for each in sides)


def few_in_a_school(found: Sides, pupils: Which) -> bool:
    """Whether `pupils` are few of any school."""
    return _few(found, _by_school(found, pupils))


def untold(found: Sides, rested: Iterable[Rested], main: Jump) -> list[Row]:
    """The rows, without what tells how many they rest on where that is a few from a count told already, in any school.

    `n` is of all, but degrees of freedom are of those used: those left out are all less these, and a school's are all
    schools' less the other pages'. Told first are `n` and, of all, the pupils of the main fit; then each row's in turn.
    """
    near = np.abs(found.running) < main.reach
    told: dict[bytes, list[npt.NDArray[np.int64]]] = {}
    rows = []
    for each in rested:
        row, own = each.row, _by_school(found, each.used)
        first = [each.of, near] if each.of.all() else [each.of]
        before = told.setdefault(each.of.tobytes(), [_by_school(found, pupils) for pupils in first])
        if row.value is None:
            pass
        elif any(_few(found, np.abs(own - other)) for other in before):
            row = replace(uncounted(row), n=row.n)
        else:
            before.append(own)
        rows.append(row)
    return rows


def _by_school(found: Sides, pupils: Which) -> npt.NDArray[np.int64]:
    schools, place = np.unique(found.frame["school"].to_numpy(), return_inverse=True)
    return np.bincount(place[pupils], minlength=len(schools))


def _few(found: Sides, counts: npt.NDArray[np.int64]) -> bool:
    return bool(((counts > 0) & (counts < limit(found.audience))).any())
