"""One school over time: its course before the start carried on, beside a comparison that had no such start."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from attendlib.intake.load import Pupils
from attendlib.questions.common import row_of
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.course_checks import BESIDE, series_checks
from attendlib.questions.impact.courses import (
    Way,
    carried,
    check_way,
    main_way,
    own_change,
    points_fewer,
    ways,
)
from attendlib.questions.impact.evidence import Evidence
from attendlib.questions.impact.figures import BY_CODE, days_rows
from attendlib.questions.impact.groups import dates_words, where_it_began
from attendlib.questions.impact.observed import NATIONAL, OTHER_SCHOOLS, SAME_SCHOOL, Observed, observed
from attendlib.questions.windows import span, words
from attendlib.records.answer import Row, Scope
from attendlib.stats.fit import Estimate

MAIN, CHECK, RAW, PLACEBO = "series", "same_season", "raw", "placebo"
METHOD = {
    "averaged": "GLS, averaged over how alike neighbouring periods are, t",
    "newey_west": "least squares, Newey-West errors, t",
}


def series(pupils: Pupils, asked: Asked, scope: Scope) -> Evidence:
    """The school's course, before and after. Raises Refused, saying why there is none: over all schools always."""
    if scope == "all":
        raise Refused("not_applicable", _where(pupils, asked))
    seen = observed(pupils, asked)
    try:
        estimates = _estimates(seen)
    except ValueError as error:
        raise Refused("too_few", f"the periods held do not tell a course apart: {error}", seen.steps) from error
    rows = [row for name, estimate in estimates.items() for row in _in_days(seen, estimate, name)]
    days = {row.model: row for row in rows if row.estimate == "days_fewer"}
    placebos = _placebos(seen, asked.placebo_dates)
    all_rows = [*rows, *_by_code(seen), *_levels(seen), *_choices(seen), *_placebo_rows(seen, placebos), _alike(seen)]
    return Evidence(
        all_rows, series_checks(pupils, asked, seen, placebos), days.get(MAIN), days.get(CHECK), seen.steps, scope,
        seen.pupils, _context(pupils, seen), unit=f"{seen.period.replace('_', '-')}s",
    )  # fmt: skip


def _where(pupils: Pupils, asked: Asked) -> str:
    names = where_it_began(pupils, asked) or "none of the study's schools"
    return (
        "this design tells one school's course: see the pages of the schools where"
        f" {asked.with_article} began ({names})"
    )


def _estimates(seen: Observed) -> dict[str, Estimate]:
    return {
        RAW: own_change(seen),
        MAIN: points_fewer(seen, main_way(seen)),
        CHECK: points_fewer(seen, check_way(seen)),
    }


def _row(seen: Observed, estimate: Estimate, name: str, errors: str = "averaged", **labels: str) -> Row:
    row = row_of(estimate, name, "school", unit="percentage points", method=METHOD[errors], **labels)
    if row.model == RAW:
        return replace(row, n=int(seen.own_pupils.max()))
    return replace(row, n=seen.pupils, n_groups=seen.groups)


def _in_days(seen: Observed, estimate: Estimate, model: str) -> list[Row]:
    return days_rows(_row(seen, estimate, "points_fewer", model=model), seen.days_after, lessons=model == MAIN)


def _by_code(seen: Observed) -> list[Row]:
    """Authorised and unauthorised absence apart, where both are known on both sides."""
    rows = []
    for kind, name in enumerate(BY_CODE, 1):
        if np.isfinite(seen.own[kind] + seen.beside[kind]).all():
            made = _in_days(seen, points_fewer(seen, main_way(seen), kind), MAIN)
            rows += [replace(row, outcome=f"{name} absence") for row in made[:2]]
    return rows


def _levels(seen: Observed) -> list[Row]:
    """Percent missed in each period: the school, what it is compared with, and its course before carried on."""
    found = carried(seen, main_way(seen))
    sides = {"school": (seen.own[0], seen.own_pupils), "carried": (found.carried + seen.beside[0], seen.own_pupils)}
    if seen.comparison in (OTHER_SCHOOLS, SAME_SCHOOL):
        sides["compared"] = (seen.beside[0], seen.beside_pupils)
    if seen.comparison == NATIONAL:
        sides["england"] = (seen.beside[0], seen.own_pupils)
    return [
        Row("absence_over_time", "school", group=f"period={name};side={side}", value=float(rates[place]),
            unit="percent", n=int(sizes[place]), method=("course before, carried on" if side == "carried" else "mean"))
        for side, (rates, sizes) in sides.items()
        for place, name in enumerate(seen.names)
        if side != "carried" or seen.after[place]
    ]  # fmt: skip


def _choices(seen: Observed) -> list[Row]:
    rows = []
    for way in ways(seen):
        try:
            estimate = points_fewer(seen, way)
        except ValueError:
            continue
        rows += _choice(seen, estimate, way)
    return rows


def _choice(seen: Observed, estimate: Estimate, way: Way) -> list[Row]:
    """In days a year, or of the window where that is too short."""
    row = _row(seen, estimate, "points_fewer", way.errors, group=way.group)
    made = {each.estimate: each for each in days_rows(row, seen.days_after, lessons=False)}
    return [replace(made.get("days_fewer", made["days_fewer_in_window"]), estimate="choice")]


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


def _placebo_rows(seen: Observed, placebos: dict[date, Estimate | None]) -> list[Row]:
    return [
        _row(seen, found, "placebo", group=f"start={day.isoformat()}", model=PLACEBO)
        for day, found in placebos.items()
        if found is not None
    ]


def _alike(seen: Observed) -> Row:
    found = carried(seen, main_way(seen))
    return Row("autocorrelation", "school", model=MAIN, value=found.autocorrelation, unit="correlation", n=seen.pupils,
               n_groups=seen.groups, method="averaged by restricted likelihood")  # fmt: skip


def _context(pupils: Pupils, seen: Observed) -> dict[str, str]:
    first = int(seen.after.argmax())
    side = f"{int((~seen.after).sum())} {seen.period.replace('_', '-')}s"
    return {
        "outcome": words(span(seen.starts[first], seen.ends[-1])),
        "baseline": words(span(seen.starts[0], seen.ends[first - 1])),
        "window_days": f"{seen.days_after:.0f}",
        "which": seen.which,
        "start": dates_words([seen.starts[first]]),
        "period": seen.period,
        "before": side,
        "beside": BESIDE[seen.comparison],
        "groups": f"{seen.groups}",
        "main_choice": main_way(seen).group,
        "start_place": f"{first}",
    }
