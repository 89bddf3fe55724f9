"""Pupils alike in earlier absence, and their change by half-term: the designs that compare pupil with pupil."""

from dataclasses import replace

from attendlib.disclosure import limit, publishable_steps
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.impact.anyway import earlier_cohort, expected_rows
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.balance import balance_check, balance_rows, covariates, effective_rows
from attendlib.questions.impact.checks import checks as design_checks
from attendlib.questions.impact.choices import (
    by_chance_rows,
    choice_rows,
    fixed_choice,
    placebo_outcome_checks,
    placebo_rows,
)
from attendlib.questions.impact.chosen import Compared, Refused, compared
from attendlib.questions.impact.claims import claim_rows
from attendlib.questions.impact.evidence import Evidence
from attendlib.questions.impact.figures import (
    by_code_rows,
    days_followed,
    difference_rows,
    flow_rows,
    improved_rows,
    in_days,
    level_rows,
    persistent_rows,
    ratio_row,
)
from attendlib.questions.impact.half_terms import bound_rows, did_rows, event_rows, panel, placebo_checks
from attendlib.questions.impact.models import Unfit, whole_schools
from attendlib.questions.impact.strength import strength_rows
from attendlib.questions.impact.weights import KINDS, weigh
from attendlib.questions.windows import words
from attendlib.records.answer import Check, Row, Scope
from attendlib.stats.weighting import Weighted

HALF_TERMS = "half_terms"
# At most this share of studies without any difference reads 'Probably helped' (docs/methods.md; `make prove`).
FALSE_SHARE = 0.05


def adjusted(pupils: Pupils, asked: Asked, scope: Scope) -> Evidence:
    """The referred beside pupils chosen by the same rule. With `half_terms` the two estimates change places.

    Raises Refused, saying why no comparison can be made.
    """
    found = compared(pupils, asked, scope)
    try:
        return _evidence(pupils, asked, found)
    except Unfit:
        raise Refused("too_few", "too few pupils for all that is held alike between them", found.steps) from None


def _evidence(pupils: Pupils, asked: Asked, found: Compared) -> Evidence:
    """All rows and checks. With the design on half-terms the two estimates change places: its own decides first."""
    audience = pupils.study_file.study.audience
    fewest = limit(audience)
    made = {kind: weigh(found, kind) for kind in KINDS}
    usable = {str(kind): each for kind, each in made.items() if isinstance(each, Weighted)}
    if asked.weights != "none" and asked.weights not in usable:
        why = next(each for kind, each in made.items() if kind == asked.weights)
        raise Refused("not_applicable", str(why), found.steps)
    found = replace(found, frame=found.frame.assign(**{kind: each.weights for kind, each in usable.items()}))
    chosen = asked.weights if asked.weights in usable else ""
    differences = difference_rows(found, fewest, chosen)
    own, more_checks = _by_half_terms(pupils, asked, found) if asked.design == HALF_TERMS else ([], [])
    days = {row.model: row for row in [*differences, *own] if row.estimate == "days_fewer"}
    main, check = days.get("adjusted"), days.get("check")
    if own:
        main, check = days.get("half_terms"), main
    shown = usable.get(asked.weights, usable.get("entropy"))
    balance, placebos = balance_rows(found, shown, fewest), placebo_rows(pupils, found)
    rows = [
        *differences, *own, *by_code_rows(found, chosen), *ratio_row(found),
        *level_rows(found, fewest), *expected_rows(found, earlier_cohort(pupils, asked, found)),
        *improved_rows(found, fewest), *persistent_rows(found, fewest),
        *flow_rows(publishable_steps(found.flow, audience), found.scope), *balance, *effective_rows(found, shown),
        *choice_rows(found, tuple(_characteristics(found)), tuple(usable)), *fixed_choice(own), *placebos,
        *strength_rows(found), *_by_chance(found, fewest), *claim_rows(pupils, found),
    ]  # fmt: skip
    others = frames.interventions(pupils)
    checks = [
        *design_checks(found, asked, others[others["intervention"] != asked.intervention]),
        *more_checks, *placebo_outcome_checks(placebos), *balance_check(balance),
    ]  # fmt: skip
    return Evidence(
        rows, checks, main, check, found.steps, found.scope, len(found.frame), _context(found), found.has_baseline,
        unit=_unit(found),
    )  # fmt: skip


def _unit(found: Compared) -> str:
    """What chance is counted over: pupils, or the schools or year groups that errors are clustered by."""
    if found.clusters is None:
        return "pupils"
    return "year groups" if found.by_group and not whole_schools(found.frame) else "schools"


def _context(found: Compared) -> dict[str, str]:
    spans = {name: words(getattr(found.windows, name)) for name in ("window", "baseline", "outcome")}
    return spans | {"window_days": f"{days_followed(found):.0f}"}


def _by_half_terms(pupils: Pupils, asked: Asked, found: Compared) -> tuple[list[Row], list[Check]]:
    """The design on half-terms: its difference in days, each half-term, placebo starts and honest-trend bounds."""
    made = panel(pupils, asked, found)
    days = [row for points in did_rows(made) for row in in_days(points, found)]
    return [*days, *event_rows(made), *bound_rows(made)], placebo_checks(made, asked.placebo_dates)


def _characteristics(found: Compared) -> list[str]:
    """The recorded characteristics that vary, by column of the pupils table."""
    names = {str(name).partition("=")[0] for name in covariates(found).columns if "=" in str(name)}
    return sorted(names)


def _by_chance(found: Compared, fewest: int) -> list[Row]:
    """Over all schools: how many of their own pages would be wrong by chance."""
    if found.scope != "all":
        return []
    sides = found.frame.groupby("school")["treated"].agg(["sum", "size"])
    pages = int(((sides["sum"] >= fewest) & (sides["size"] - sides["sum"] >= fewest)).sum())
    return by_chance_rows(pages, len(found.frame), FALSE_SHARE)
