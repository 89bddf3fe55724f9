"""Whole year groups or schools that began at different times, each beside those that had not begun."""

from attendlib.intake.load import Pupils
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.evidence import Evidence
from attendlib.questions.impact.groups import dates_words
from attendlib.questions.impact.starts import Starts, panel_of, starts
from attendlib.questions.impact.starts_checks import checks, placebo_rows, possible_row
from attendlib.questions.impact.starts_rows import (
    CHECK,
    MAIN,
    by_code_rows,
    choice_rows,
    difference_rows,
    event_rows,
    permutation_row,
    start_rows,
)
from attendlib.questions.windows import words
from attendlib.records.answer import Scope
from attendlib.stats.staggered_shuffle import shuffle_starts


def staggered(pupils: Pupils, asked: Asked, scope: Scope) -> Evidence:
    """Group-time differences put together, imputation as the check. Raises Refused, saying why there is none."""
    found = starts(pupils, asked, scope)
    shuffled = shuffle_starts(panel_of(found, found.groups.rate), found.weigher, pupils.study_file.study.seed)
    differences = difference_rows(found)
    days = {row.model: row for row in differences if row.estimate == "days_fewer"}
    placebos = [*placebo_rows(found, asked.placebo_dates), *possible_row(found)]
    rows = [
        *differences, *by_code_rows(found), *event_rows(found, asked.period), *start_rows(found),
        permutation_row(found, shuffled), *placebos, *choice_rows(found),
    ]  # fmt: skip
    found_checks = checks(pupils, asked, found, shuffled, placebos)
    context = _context(found, asked)
    return Evidence(
        rows, found_checks, days.get(MAIN), days.get(CHECK), found.groups.steps, scope, found.n, context,
        unit=context["groups"],
    )  # fmt: skip


def _context(found: Starts, asked: Asked) -> dict[str, str]:
    groups = found.groups
    after = groups.starts[found.until + 1 : found.until + 2]
    return {
        "outcome": words(found.outcome),
        "window_days": f"{found.days_followed:.0f}",
        "many": f"{len(groups.labels)}",
        "groups": "year groups" if groups.labels["year_group"].notna().any() else "schools",
        "period": asked.period.replace("_", "-"),
        "stops": dates_words(after),
    }
