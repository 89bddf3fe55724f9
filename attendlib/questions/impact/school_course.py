"""One school's course worked out: what was seen, the difference by each model, placebo starts, and every check."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from attendlib.intake.load import Pupils
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.course_checks import series_checks
from attendlib.questions.impact.courses import Way, check_way, main_way, own_change, points_fewer
from attendlib.questions.impact.observed import Observed, observed
from attendlib.records.answer import Check
from attendlib.stats.fit import Estimate

MAIN, CHECK, RAW = "series", "same_season", "raw"
AVERAGED = "GLS, averaged over how alike neighbouring periods are, t"


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A school's course: `estimates` by model and `placebos` by start are points fewer absent."""

    seen: Observed
    estimates: dict[str, Estimate]
    placebos: dict[date, Estimate | None]
    checks: list[Check]


def course_of(pupils: Pupils, asked: Asked) -> Course:
    """The course of `pupils.school`. Raises Refused, saying why it cannot be told."""
    seen = observed(pupils, asked)
    try:
        estimates = {
            RAW: own_change(seen),
            MAIN: points_fewer(seen, main_way(seen)),
            CHECK: points_fewer(seen, check_way(seen)),
        }
    except ValueError as error:
        raise Refused("too_few", f"the periods held do not tell a course apart: {error}", seen.steps) from error
    placebos = _placebos(seen, asked.placebo_dates)
    return Course(seen, estimates, placebos, series_checks(pupils, asked, seen, placebos))


def _placebos(seen: Observed, dates: Sequence[date]) -> dict[date, Estimate | None]:
    """The same course with a start that never was, among the periods before; None where it cannot be looked at."""
    before = seen.only(~seen.after)
    middle = before.starts[len(before.starts) // 2]
    return {day: _placebo(before, day, main_way(seen)) for day in ([*dates] or [middle])}


def _placebo(before: Observed, day: date, way: Way) -> Estimate | None:
    moved = replace(before, after=np.array([start >= day for start in before.starts]))
    if min(moved.after.sum(), (~moved.after).sum()) < 2:
        return None
    for slope in ("bends", "straight"):
        try:
            return points_fewer(moved, replace(way, slope=slope, codes="shared"))
        except ValueError:
            continue
    return None
