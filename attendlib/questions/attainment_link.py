"""How attainment differs with attendance: results by absence band, and one named contrast, raw and adjusted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from attendlib.disclosure import limit
from attendlib.errors import QuestionError
from attendlib.facts.definitions import SESSIONS_A_DAY
from attendlib.facts.labels import column_label, measure_label, measure_unit
from attendlib.facts.years import year_group_name
from attendlib.intake.load import Pupils
from attendlib.questions.common import answered, settled_schools, trust_beside, unanswered, word_row
from attendlib.questions.link.asked import Asked, measure_of
from attendlib.questions.link.between import pooled_rows, random_intercept_rows
from attendlib.questions.link.contrast import can_be_read, contrast_rows, level_rows
from attendlib.questions.link.gradient import band_rows, never_absent_rows, outcome_of
from attendlib.questions.link.hidden import hidden_rows
from attendlib.questions.link.improvers import improver_rows
from attendlib.questions.link.imputed import imputed_row
from attendlib.questions.link.kinds import kind_rows, short_window_rows, spell_rows
from attendlib.questions.link.logistic import logistic_row
from attendlib.questions.link.missing import bound_rows, missing_rows, without_prior_row
from attendlib.questions.link.pupils import Sat, attending, pupils_who_sat, used_prior, with_a_result
from attendlib.records.answer import Answer, Row
from attendlib.stats.fit import LEAST_DF

QUESTION = "attainment_link"
SMALL_LINK_SD = 0.1  # the difference DESIGN 6 asks an interval to rule out before it may say "No clear link"


def attainment_link(
    pupils: Pupils,
    *,
    outcome: str | Mapping[str, object],
    prior: str | None = None,
    adjust_for: Sequence[str] = (),
    contrast_pct: Sequence[float] = (10, 2),
    academic_year: str | None = None,
    year_group: int | None = None,
) -> Answer:
    """How `outcome` differs between pupils with `contrast_pct` absence, over one academic year.

    Rows are named in docs/results.md; `link` carries the estimate, in the outcome's points, or per 100 pupils for a
    threshold. A school's own pupils with HC2; all schools within schools with CR2. An association: never a cause.
    Raises QuestionError for a contrast that is not of more absence against less.
    """
    study = pupils.study_file.study
    if not 0 <= contrast_pct[1] < contrast_pct[0] <= 100:
        raise QuestionError(
            f"contrast_pct is {list(contrast_pct)}: give more absence first, then less, such as [10, 2]."
        )
    measure, at_least = measure_of(outcome)
    asked = Asked(
        pupils.school, measure, at_least, academic_year or study.academic_year, year_group, prior, tuple(adjust_for),
        float(contrast_pct[0]), float(contrast_pct[1]), study.audience, study.seed,
    )  # fmt: skip
    sat = pupils_who_sat(pupils, asked)
    asked = used_prior(sat, asked)
    context = _context(pupils, asked, prior) | _about(sat, asked)
    own = sat.frame[sat.frame["school"] == pupils.school]
    if not own["asked_for"].any():
        reason = f"{pupils.school_name} has no {measure_label(measure)} results in {asked.academic_year}"
        return unanswered(QUESTION, "school", "not_applicable", asked.audience, [reason], context=context)
    kept = with_a_result(own, asked)
    if len(kept.frame) < asked.fewest:
        reason = f"fewer than {asked.fewest} pupils have both attendance and a result"
        return unanswered(QUESTION, "school", "too_few", asked.audience, [reason], steps=kept.steps, context=context)
    context["year_days"] = f"{kept.frame['possible'].median() / SESSIONS_A_DAY:.0f}"
    rows = _school_rows(kept.frame, attending(own).frame, sat.others, asked)
    beside, why_not = _trust_rows(sat, asked)
    context |= {"no_trust": why_not} if why_not else {}
    verdict, reasons = _verdict(rows, kept.frame, asked)
    rows += (*beside, word_row("verdict", "school", verdict, len(kept.frame)))
    rows = tuple(
        replace(row, outcome=context["outcome_name"], period=row.period or asked.academic_year) for row in rows
    )
    return answered(
        QUESTION, "school", asked.audience, rows, kept.steps, verdict=verdict, reasons=tuple(reasons), context=context
    )


def _context(pupils: Pupils, asked: Asked, prior_asked: str | None) -> dict[str, str]:
    """The texts the words need, all from study choices and facts."""
    label = measure_label(asked.measure)
    alike = [f"prior {measure_label(asked.prior)}"] if asked.prior else []
    return {
        "school_name": pupils.school_name,
        "academic_year": asked.academic_year,
        "measure": asked.measure,
        "outcome_name": asked.measure if asked.at_least is None else f"{asked.measure}>={asked.at_least:g}",
        "outcome": label if asked.at_least is None else f"{label} of {asked.at_least:g} or more",
        "unit": "in every 100 pupils" if asked.is_share else measure_unit(asked.measure),
        "alike": "; ".join(alike + [column_label(column) for column in asked.adjust_for]),
        "prior": asked.prior or "",
        "prior_unused": measure_label(prior_asked) if prior_asked and not asked.prior else "",
        "high_pct": f"{asked.high_pct:g}",
        "low_pct": f"{asked.low_pct:g}",
    }


def _about(sat: Sat, asked: Asked) -> dict[str, str]:
    """Which pupils, over which half-terms."""
    groups = sorted(sat.frame.loc[sat.frame["school"] == asked.school, "year_group"].unique())
    about = {"year_groups": " and ".join(year_group_name(int(group)) for group in groups)}
    if sat.half_terms:
        about["half_terms"] = f"half-terms {sat.half_terms[0]} to {sat.half_terms[-1]}"
    return about


def _school_rows(frame: pd.DataFrame, everyone: pd.DataFrame, others: pd.DataFrame, asked: Asked) -> tuple[Row, ...]:
    """Every figure of this school: the gradient, the contrast, and what might change how it is read."""
    return (
        *band_rows(frame, "school", asked),
        *never_absent_rows(frame, "school", asked),
        *contrast_rows(frame, "school", asked),
        *logistic_row(frame, asked),
        *level_rows(frame, asked),
        *hidden_rows(frame, asked),
        *missing_rows(everyone, "school", asked),
        *imputed_row(everyone, asked),
        *bound_rows(everyone, "school", asked),
        *without_prior_row(everyone, "school", asked),
        *_secondary_rows(frame, asked),
        *improver_rows(frame, others, "school", asked),
    )


def _secondary_rows(frame: pd.DataFrame, asked: Asked) -> tuple[Row, ...]:
    if not can_be_read(frame, asked):
        return ()
    return (
        *kind_rows(frame, "school", asked),
        *spell_rows(frame, "school", asked),
        *short_window_rows(frame, "school", asked),
    )


def _trust_rows(sat: Sat, asked: Asked) -> tuple[tuple[Row, ...], str]:
    """The figures of all schools, or why there are none."""
    trust = with_a_result(sat.frame[sat.frame["in_study"]], asked).frame
    trust = trust[settled_schools(trust, asked.audience)].reset_index(drop=True)
    if not trust_beside(trust, asked.school, asked.audience):
        return (), "fewer than three other schools have enough pupils, so none is set beside this one"
    rows = (
        *band_rows(trust, "all", asked),
        *contrast_rows(trust, "all", asked),
        *random_intercept_rows(trust, asked),
        *pooled_rows(trust, asked),
        *kind_rows(trust, "all", asked),
        *spell_rows(trust, "all", asked),
    )
    return rows, ""


def _verdict(rows: Sequence[Row], frame: pd.DataFrame, asked: Asked) -> tuple[str, list[str]]:
    """The words DESIGN 6 fixes for an association, from the most adjusted contrast of this school."""
    found = {row.model: row for row in rows if row.estimate == "link_sd" and row.scope == "school"}
    link = found.get("adjusted") or found.get("raw")
    if link is None:
        return "Too few pupils to tell", [_why_no_contrast(frame, asked)]
    if link.model == "raw" and any(frame[column].nunique(dropna=False) > 1 for column in asked.adjust_for):
        return "Too few pupils to tell", ["pupils are too few to hold anything alike, and nothing rests on raw figures"]
    if link.df is None or link.df < LEAST_DF or link.low is None or link.high is None:
        return "Too few pupils to tell", ["the model rests on too few pupils for an interval"]
    if link.low > 0 or link.high < 0:
        return "Clear link", [] if asked.prior else [
            "earlier results are not held alike, so it may be older than the year"
        ]
    if link.low > -SMALL_LINK_SD and link.high < SMALL_LINK_SD:
        return "No clear link", []
    return "Too few pupils to tell", [
        f"the interval holds both no difference and one of {SMALL_LINK_SD} standard deviations"
    ]


def _why_no_contrast(frame: pd.DataFrame, asked: Asked) -> str:
    if outcome_of(frame, asked).nunique() <= 1:
        return "every pupil has the same result"
    if not can_be_read(frame, asked):
        few = limit(asked.audience)
        return f"fewer than {few} pupils missed {asked.high_pct:g}% or more, or fewer missed {asked.low_pct:g}% or less"
    return "there are too few pupils for a model"
