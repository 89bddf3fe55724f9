"""Whether absence changed for pupils who were referred, beside pupils chosen by the same rule who were not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from attendlib.disclosure import limit, publishable_steps
from attendlib.facts.definitions import FEWEST_SESSIONS_ANNUALISED
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import answered, unanswered, word_row
from attendlib.questions.impact.anyway import earlier_cohort, expected_rows
from attendlib.questions.impact.asked import Asked, dates_of, eligible_of, outcome_from, span_of
from attendlib.questions.impact.balance import balance_check, balance_rows, covariates, effective_rows
from attendlib.questions.impact.checks import checks as design_checks
from attendlib.questions.impact.choices import (
    by_chance_rows,
    choice_rows,
    fixed_choice,
    placebo_outcome_checks,
    placebo_rows,
)
from attendlib.questions.impact.chosen import Compared, Refused, compared, with_frame
from attendlib.questions.impact.claims import claim_rows
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
from attendlib.questions.impact.models import Unfit
from attendlib.questions.impact.reach import reach_rows
from attendlib.questions.impact.shrunken import shrunken_rows
from attendlib.questions.impact.strength import strength_rows
from attendlib.questions.impact.weights import KINDS, weigh
from attendlib.questions.kept import protocol_check
from attendlib.questions.verdict import Design, Judged, decide
from attendlib.questions.windows import words
from attendlib.records.answer import Answer, Check, Row, Scope
from attendlib.records.study import ALL
from attendlib.stats.weighting import Weighted

QUESTION = "intervention_impact"
DETAILS = "impact_details"
HALF_TERMS = "half_terms"
# At most this share of studies without any difference reads 'Probably helped' (docs/methods.md; `make prove`).
FALSE_SHARE = 0.05
NOT_ANNUALISED = (
    f"the outcome covers fewer than {FEWEST_SESSIONS_ANNUALISED} possible sessions, too few to speak of a year"
)


@dataclass(frozen=True, slots=True)
class Found:
    """Everything worked out for one page: rows and checks, and the two estimates the verdict rests on."""

    rows: list[Row]
    checks: list[Check]
    main: Row | None
    check: Row | None


def intervention_impact(
    pupils: Pupils,
    *,
    intervention: str,
    smallest_worthwhile_days: float,
    certainty_pct: int = 75,
    design: str = "adjusted",
    comparison: str = "same_school",
    weights: str = "none",
    eligible: Mapping[str, object] | None = None,
    baseline: Mapping[str, object] | None = None,
    outcome: Mapping[str, object] | None = None,
    placebo_dates: Sequence[object] = (),
    academic_year: str | None = None,
) -> Answer:
    """The difference in absence after `intervention`, in days (fewer days absent is positive), and what may be said.

    Rows are listed in docs/results.md: the difference by each model and design, its chances, what would have happened
    anyway, shares in pairs, balance, other choices, placebos, the study's reach, its claims, and the verdict. Referred
    pupils count whether or not they took part. Without randomisation the verdict reads "if the groups were otherwise
    alike". A comparison that cannot be made is an answer that says why.
    """
    study = pupils.study_file.study
    scope: Scope = "all" if pupils.school == ALL else "school"
    asked = Asked(
        intervention, academic_year or study.academic_year, smallest_worthwhile_days, certainty_pct, comparison, design,
        weights, eligible_of(eligible), span_of(baseline), span_of(outcome), dates_of(placebo_dates),
    )  # fmt: skip
    context = _context(pupils, asked)
    try:
        found = compared(pupils, asked, scope)
        try:
            return _answer(pupils, asked, found, context)
        except Unfit:
            raise Refused("too_few", "too few pupils for all that is held alike between them", found.steps) from None
    except Refused as refusal:
        return unanswered(
            QUESTION, scope, refusal.status, study.audience, [refusal.reason], steps=refusal.steps, context=context
        )


def impact_details(answer: Answer) -> Answer:
    """The same answer, to be told at length: what lies behind the verdict."""
    return replace(answer, question=DETAILS, steps=())


def _context(pupils: Pupils, asked: Asked) -> dict[str, str]:
    return {
        "school_name": pupils.school_name,
        "intervention": asked.name,
        "academic_year": asked.year,
        "delta_days": f"{asked.delta:g}",
        "certainty_pct": f"{asked.certainty_pct}",
        "comparison": asked.comparison,
        "design": asked.design,
        "weights": asked.weights,
        **{f"claim_{place}": claim.says for place, claim in enumerate(pupils.study_file.study.claims, 1)},
        "rule": f"absence of {asked.rule.absence_pct_at_least:g}% or more" if asked.rule else "",
    }


def _answer(pupils: Pupils, asked: Asked, found: Compared, context: dict[str, str]) -> Answer:
    study = pupils.study_file.study
    context |= {name: words(getattr(found.windows, name)) for name in ("window", "baseline", "outcome")}
    context["window_days"] = f"{days_followed(found):.0f}"
    every = _found(pupils, asked, found)
    judged = Judged.of(every.main, every.check, asked.delta)
    verdict, reasons = decide(judged, Design(every.checks, found.has_baseline), asked.certainty_pct / 100)
    period, n = context["outcome"], len(found.frame)
    rows = [*every.rows, *judged.rows(found.scope, n)]
    rows += reach_rows(every.main, every.check, asked.delta, asked.certainty_pct / 100)
    rows = [replace(row, outcome=row.outcome or "absence", period=row.period or period) for row in rows]
    rows.append(word_row("verdict", found.scope, verdict, n, outcome="absence", period=period))
    return answered(
        QUESTION, found.scope, study.audience, rows, found.steps,
        verdict=verdict, reasons=tuple(reasons), checks=tuple(every.checks), context=context,
    )  # fmt: skip


def _found(pupils: Pupils, asked: Asked, found: Compared) -> Found:
    """All rows and checks. With the design on half-terms the two estimates change places: its own decides first."""
    audience = pupils.study_file.study.audience
    fewest = limit(audience)
    made = {kind: weigh(found, kind) for kind in KINDS}
    usable = {str(kind): each for kind, each in made.items() if isinstance(each, Weighted)}
    if asked.weights != "none" and asked.weights not in usable:
        why = next(each for kind, each in made.items() if kind == asked.weights)
        raise Refused("not_applicable", str(why), found.steps)
    found = with_frame(found, found.frame.assign(**{kind: each.weights for kind, each in usable.items()}))
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
        *differences, *own, *shrunken_rows(main), *by_code_rows(found, chosen), *ratio_row(found),
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
        protocol_check(pupils, QUESTION, outcome_from),
    ]  # fmt: skip
    return Found(rows, checks, main, check)


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
