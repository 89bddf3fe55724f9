"""Whether absence changed where something was done, beside what it is compared with: one question, several designs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module

from attendlib.intake.load import Pupils
from attendlib.questions.common import answered, unanswered, word_row
from attendlib.questions.impact.asked import Asked, asked_rows, dates_of, eligible_of, outcome_from, span_of
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.evidence import Evidence
from attendlib.questions.impact.reach import reach_rows
from attendlib.questions.impact.shrunken import shrunken_rows
from attendlib.questions.kept import protocol_check
from attendlib.questions.verdict import CLEAR_BENEFIT, Design, Judged, clearly, decide, df_checks
from attendlib.records.answer import Answer, Row, Scope
from attendlib.records.study import ALL, COMPARISONS, design_module

QUESTION = "intervention_impact"
DETAILS = "impact_details"


def intervention_impact(
    pupils: Pupils,
    *,
    intervention: str,
    smallest_worthwhile_days: float,
    certainty_pct: int = 75,
    design: str = "adjusted",
    comparison: str | None = None,
    weights: str = "none",
    eligible: Mapping[str, object] | None = None,
    baseline: Mapping[str, object] | None = None,
    outcome: Mapping[str, object] | None = None,
    cutoff: Mapping[str, object] | None = None,
    donors: Sequence[str] = (),
    period: str = "half_term",
    placebo_dates: Sequence[object] = (),
    academic_year: str | None = None,
) -> Answer:
    """The difference in absence after `intervention`, in days (fewer days absent is positive), and what may be said.

    Rows are listed in docs/results.md: the difference by each model and design, its chances, what would have happened
    anyway, other choices, placebos, the study's reach, and the verdict. Whoever was referred counts whether or not they
    took part. Without randomisation the verdict reads "if the groups were otherwise alike". A comparison that cannot be
    made is an answer that says why.
    """
    study = pupils.study_file.study
    scope: Scope = "all" if pupils.school == ALL else "school"
    asked = Asked(
        intervention, academic_year or study.academic_year, smallest_worthwhile_days, certainty_pct,
        comparison or next(iter(COMPARISONS[design]), ""), design, weights, eligible_of(eligible), span_of(baseline),
        span_of(outcome), dates_of(placebo_dates), eligible_of(cutoff), tuple(donors), period,
    )  # fmt: skip
    context = _context(pupils, asked)
    try:
        return _answer(pupils, asked, _evidence(pupils, asked, scope), context)
    except Refused as refusal:
        return unanswered(
            QUESTION, scope, refusal.status, study.audience, [refusal.reason], steps=refusal.steps, context=context
        )


def impact_details(answer: Answer) -> Answer:
    """The same answer, to be told at length: what lies behind the verdict."""
    return replace(answer, question=DETAILS, steps=())


def _evidence(pupils: Pupils, asked: Asked, scope: Scope) -> Evidence:
    """What the study's design finds; a design is loaded when it is asked for, since some bring large libraries."""
    module = design_module(asked.design)
    return getattr(import_module(module), module.rpartition(".")[2])(pupils, asked, scope)


def _context(pupils: Pupils, asked: Asked) -> dict[str, str]:
    return {
        "school_name": pupils.school_name,
        "intervention": asked.with_article,
        "academic_year": asked.year,
        "delta_days": f"{asked.delta:g}",
        "certainty_pct": f"{asked.certainty_pct}",
        "comparison": asked.comparison,
        "design": asked.design,
        "weights": asked.weights,
        **{f"claim_{place}": claim.says for place, claim in enumerate(pupils.study_file.study.claims, 1)},
        "rule": f"absence of {asked.rule.absence_pct_at_least:g}% or more" if asked.rule else "",
    }


def _answer(pupils: Pupils, asked: Asked, found: Evidence, context: dict[str, str]) -> Answer:
    """The verdict's rows beside the design's, all through the gate."""
    context |= {**found.context, "unit": found.unit, **({"vetoes": "yes"} if found.vetoes else {})}
    checks = [*found.checks, protocol_check(pupils, QUESTION, outcome_from)]
    second = found.main if found.alone else found.check
    judged = Judged.of(found.main, second, asked.delta)
    verdict, reasons = decide(judged, Design(checks, found.has_baseline, found.unit), asked.certainty_pct / 100)
    if found.alone and clearly(judged, verdict):
        verdict = CLEAR_BENEFIT
    rows = [*found.rows, *shrunken_rows(found.main), *_chances(judged, found)]
    rows += reach_rows(found.main, None if found.vetoes else second, asked.delta, asked.certainty_pct / 100)
    rows += asked_rows(found, asked, checks)
    checks += df_checks(found.main, found.unit)  # not among the failed: putting studies together does mend too few
    period = context["outcome"]
    rows = [replace(row, outcome=row.outcome or "absence", period=row.period or period) for row in rows]
    rows.append(word_row("verdict", found.scope, verdict, found.n, outcome="absence", period=period))
    return answered(
        QUESTION, found.scope, pupils.study_file.study.audience, rows, found.steps,
        lambda row: row.estimate == "expected_absence" or row.estimate.startswith("flow"),
        verdict=verdict, reasons=tuple(reasons), checks=tuple(checks), context=context,
    )  # fmt: skip


def _chances(judged: Judged, found: Evidence) -> list[Row]:
    """The chances' rows; where one estimate decides alone there is no second set."""
    rows = judged.rows(found.scope, found.n)
    return [row for row in rows if row.model != "check"] if found.alone else rows
