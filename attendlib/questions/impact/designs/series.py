"""One school over time: its course before the start carried on, beside a comparison that had no such start."""

from dataclasses import replace
from datetime import date

import numpy as np

from attendlib.intake.load import Pupils
from attendlib.questions.common import row_of
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.course_checks import BESIDE
from attendlib.questions.impact.courses import Way, carried, main_way, points_fewer, ways
from attendlib.questions.impact.designs.series_together import series_together
from attendlib.questions.impact.evidence import Evidence
from attendlib.questions.impact.figures import BY_CODE, days_rows
from attendlib.questions.impact.groups import dates_words
from attendlib.questions.impact.observed import NATIONAL, OTHER_SCHOOLS, SAME_SCHOOL, Observed
from attendlib.questions.impact.school_course import AVERAGED, CHECK, MAIN, RAW, course_of
from attendlib.questions.windows import span, words
from attendlib.records.answer import Row, Scope
from attendlib.stats.fit import Estimate

PLACEBO = "placebo"
METHOD = {"averaged": AVERAGED, "newey_west": "least squares, Newey-West errors, t"}


def series(pupils: Pupils, asked: Asked, scope: Scope) -> Evidence:
    """The school's course, before and after; over all schools, their own courses put together.

    Raises Refused, saying why there is none.
    """
    if scope == "all":
        return series_together(pupils, asked)
    found = course_of(pupils, asked)
    seen, placebos = found.seen, found.placebos
    rows = [row for name, estimate in found.estimates.items() for row in _in_days(seen, estimate, name)]
    days = {row.model: row for row in rows if row.estimate == "days_fewer"}
    all_rows = [*rows, *_by_code(seen), *_levels(seen), *_choices(seen), *_placebo_rows(seen, placebos), _alike(seen)]
    return Evidence(
        all_rows, found.checks, days.get(MAIN), days.get(CHECK), seen.steps, scope, seen.pupils,
        _context(pupils, seen), unit=f"{seen.period.replace('_', '-')}s",
    )  # fmt: skip


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
