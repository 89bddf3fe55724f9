"""How far absence differs, once pupils have moved up, from what pupils alike would be expected to miss."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Literal

import pandas as pd

from attendlib.disclosure import limit
from attendlib.facts.labels import column_label
from attendlib.facts.years import academic_year_before
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import answered, trust_beside, unanswered, word_row
from attendlib.questions.dip.beside import cohort_rows
from attendlib.questions.dip.cohort import Asked, Cohort, move_of, read_cohort
from attendlib.questions.dip.expected import (
    Curve,
    dip_gap_rows,
    dip_rows,
    double_difference,
    reference_rows,
    share_rows,
)
from attendlib.questions.dip.levels import level_rows, parts
from attendlib.questions.dip.linkage import complete_rows, match_rows, recording_rows, weighted_rows
from attendlib.questions.dip.moves import Move, in_whole_groups
from attendlib.questions.dip.over_time import (
    later_rows,
    next_step_rows,
    one_year_ahead,
    panel_rows,
    part_rows,
    year_after,
)
from attendlib.questions.dip.who import characteristics, feeder_rows, spread, who_rows
from attendlib.questions.dip.year import Year, read_year
from attendlib.records.answer import Answer, Row, Scope
from attendlib.stats.fit import LEAST_DF

QUESTION = "transition_dip"
SMALL_CHANGE_POINTS = 1.0  # about two days a year: an interval must rule it out before "No clear dip" is said
MOST_COHORTS = 5
VERDICTS = {  # by whom the pupils are set beside
    "stayers": ("Absence higher than expected", "Absence lower than expected", "No clear dip"),
    "other_schools": ("Absence higher than expected", "Absence lower than expected", "No clear difference"),
    "": ("Absence rose", "Absence fell", "No clear change"),
}


def transition_dip(
    pupils: Pupils,
    *,
    before_year_group: int,
    after_year_group: int,
    by: str | None = None,
    min_sessions: int = 20,
    academic_year: str | None = None,
    reference_step: Literal["stayers", "other_schools"] | None = None,
) -> Answer:
    """Absence of this school's `after_year_group`, beside its own `before_year_group` and beside what was expected.

    Expected: least squares on a spline of earlier absence (and the groups of `by`) among pupils who made another step
    over the same two years and half-terms, `reference_step`: those a step younger who stayed in their school, or the
    movers of the other schools; unasked, the first of the two with enough pupils. Dip: mean absence less expected, the
    uncertainty of the expectation included. Rows are named in docs/results.md; without a reference there is the change
    alone. Raises QuestionError where the year groups are not in order.
    """
    study = pupils.study_file.study
    move = move_of(academic_year or study.academic_year, before_year_group, after_year_group)
    context = _context(pupils, move, by)
    if not (frames.enrolments(pupils, move.year, move.after)["school"] == pupils.school).any():  # no more need be read
        reason = f"{pupils.school_name} has no {context['after']} in {move.year}"
        return unanswered(QUESTION, "school", "not_applicable", study.audience, [reason], context=context)
    years = {name: read_year(pupils, name) for name in (move.earlier, move.year)}
    cohort = read_cohort(Asked(pupils.school, by, min_sessions, reference_step, study.audience), move, years)
    if not cohort.enough:
        reason = _too_few(cohort)
        steps = cohort.own.steps
        return unanswered(QUESTION, "school", "too_few", study.audience, [reason], steps=steps, context=context)
    context |= _compared(cohort, bool(study.exclude_dates))
    rows = _rows(pupils, cohort, years, context)
    verdict, reasons = _verdict(cohort, rows)
    n, period = len(cohort.frame), move.period
    rows = [replace(row, period=row.period or period, outcome="absence") for row in rows]
    rows.append(word_row("verdict", "school", verdict, n, outcome="absence", period=period))
    return answered(
        QUESTION, "school", study.audience, rows, cohort.own.steps, _of_others, verdict=verdict, reasons=tuple(reasons),
        context=context,
    )  # fmt: skip


def _of_others(row: Row) -> bool:
    """Pupils of other cohorts or of the reference, and totals that are no pupils of the group."""
    return row.estimate.startswith(("share_of_", "reference", "not_kept")) or "cohort" in row.model


def _context(pupils: Pupils, move: Move, by: str | None) -> dict[str, str]:
    return {
        "school_name": pupils.school_name,
        "academic_year": move.year,
        "before_academic_year": move.earlier,
        "before": move.names[0],
        "after": move.names[1],
        "before_year_group": str(move.before),
        "after_year_group": str(move.after),
        "by": column_label(by) if by else "",
    }


def _too_few(cohort: Cohort) -> str:
    fewest, (before, _) = limit(cohort.asked.audience), cohort.move.names
    earlier = cohort.years[0]
    if not (earlier.roll["year_group"] == cohort.move.before).any():
        return f"the data hold no {before} in {cohort.move.earlier}, so there is nothing to compare with"
    if cohort.own.frame.empty and not cohort.linked["found"].any():
        return f"none of these pupils was found in {before} in {cohort.move.earlier}"
    return f"fewer than {fewest} pupils have attendance in both years"


def _compared(cohort: Cohort, days_left_out: bool) -> dict[str, str]:
    """What is compared with what, in words."""
    halves = ", ".join(map(str, cohort.halves))
    in_a_row = len(cohort.halves) > 2 and cohort.halves[-1] - cohort.halves[0] == len(cohort.halves) - 1
    told = f"{cohort.halves[0]} to {cohort.halves[-1]}" if in_a_row else halves
    found = {
        "compared": f"each pupil's own half-terms of both years, out of half-terms {told}"
        if cohort.halves
        else "whole years, because the earlier or later year is only a year's total",
        "halves": halves,
        "reference": cohort.curve.kind if isinstance(cohort.curve, Curve) else "",
        "no_reference": cohort.curve if isinstance(cohort.curve, str) else "",
    }
    if days_left_out and not all(year.from_marks for year in cohort.years):
        found["not_left_out"] = "days the study leaves out are still in the totals, which came without daily marks"
    return found


def _rows(pupils: Pupils, cohort: Cohort, years: Mapping[str, Year], context: dict[str, str]) -> list[Row]:
    """Every figure of the page before the gate, headline first."""
    rows = _main(cohort.frame, cohort, "school")
    if trust_beside(cohort.everyone, pupils.school, cohort.asked.audience):
        rows += _main(cohort.everyone, cohort, "all")
    else:
        context["no_trust"] = "fewer than three other schools have enough pupils, so none is set beside this one"
    if isinstance(cohort.curve, Curve):
        rows += share_rows(cohort.frame, cohort.curve, "school", cohort.asked.audience)
        rows += reference_rows(cohort.curve)
        rows += dip_gap_rows(cohort.frame, cohort.curve)
    # The next step before its half-terms: its groups by sex add up to all, so that count is the one to keep.
    ahead = one_year_ahead(cohort)
    rows += [*part_rows(cohort), *next_step_rows(cohort, ahead), *panel_rows(cohort, ahead)]
    later = year_after(cohort.move.year)
    if frames.grains(pupils, later):
        rows += later_rows(cohort, read_year(pupils, later))
    for column, frame in characteristics(cohort, _first_day(pupils, cohort.move.year)):
        rows += who_rows(cohort, column, frame)
    rows += feeder_rows(cohort)
    came_from = set(cohort.frame["school_before"])
    context |= {f"feeder_{each.school}": each.name for each in pupils.store.schools if each.school in came_from}
    context["spread"] = f"{spread(cohort):.{6 if cohort.asked.audience == 'internal' else 2}g}"
    weighted, context["weights"] = weighted_rows(cohort)
    rows += [*match_rows(cohort), *weighted, *recording_rows(cohort), *complete_rows(cohort)]
    cohorts = _cohorts(pupils, cohort, years)
    context["cohorts"] = str(len(cohorts))
    return rows + cohort_rows(cohorts)


def _main(frame: pd.DataFrame, cohort: Cohort, scope: Scope) -> list[Row]:
    """Dip and change, all and by group."""
    rows: list[Row] = []
    audience = cohort.asked.audience
    whole = frame if scope == "school" else in_whole_groups(frame, limit(audience))
    grouped = scope == "school" or trust_beside(whole, cohort.asked.school, audience)
    groups = parts(whole, cohort.asked.by)[1:] if grouped else []
    for group, part in [("", frame), *groups]:
        curve = cohort.curve
        if isinstance(curve, Curve) and (scope == "school" or (curve.kind == "stayers" and not curve.own_school)):
            rows += [*dip_rows(part, curve, scope, group), *double_difference(part, curve, scope, audience, group)]
        rows += level_rows(part, scope, group, audience)
    return rows


def _first_day(pupils: Pupils, academic_year: str) -> date:
    """The first day of the calendar's first half-term, else 1 September."""
    terms = frames.half_terms(pupils, academic_year)
    found = terms["start_date"].min() if len(terms) else None
    return date(int(academic_year[:4]), 9, 1) if found is None else found.date()


def _cohorts(pupils: Pupils, cohort: Cohort, years: Mapping[str, Year]) -> list[Cohort]:
    """The school's cohorts that made the same move, this one last; earlier ones only as far as the data go."""
    found, held, move = [cohort], dict(years), cohort.move
    while len(found) < MOST_COHORTS:
        move = move_of(academic_year_before(move.year), move.before, move.after)
        for name in (move.earlier, move.year):
            if name not in held:
                held[name] = read_year(pupils, name)
        if not (held[move.earlier].roll["year_group"] == move.before).any():
            break
        earlier = read_cohort(cohort.asked, move, held)
        if not earlier.enough:
            break
        found.append(earlier)
    return found[::-1]


def _verdict(cohort: Cohort, rows: Sequence[Row]) -> tuple[str, list[str]]:
    """Whether the dip (the change, where nothing is expected) is clear, not there, or beyond what so few can tell."""
    name = "dip" if isinstance(cohort.curve, Curve) else "change"
    words = VERDICTS[cohort.curve.kind if isinstance(cohort.curve, Curve) else ""]
    found = next(row for row in rows if row.estimate == name and row.scope == "school" and not row.group)
    if cohort.halves == (1,):
        return "Too early to tell", ["only the first half-term is known, and it tends to be lower than what follows"]
    if cohort.frame["change"].nunique() < 2:
        return "Cannot tell", ["every pupil's absence changed by the same, so nothing says how sure the figure is"]
    if found.df is None or found.df < LEAST_DF or found.low is None or found.high is None:
        return "Too few pupils to tell", [f"the {name} rests on too few pupils or schools for an interval"]
    if found.low > 0:
        return words[0], []
    if found.high < 0:
        return words[1], []
    if found.low > -SMALL_CHANGE_POINTS and found.high < SMALL_CHANGE_POINTS:
        return words[2], []
    return "Too few pupils to tell", ["the interval holds both none and one of a percentage point, about two days"]
