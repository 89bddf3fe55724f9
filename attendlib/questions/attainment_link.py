"""How attainment differs with attendance: results by absence band, and one named contrast, raw and adjusted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from attendlib.disclosure import limit, merged
from attendlib.facts.definitions import BAND_EDGES_PCT, FEWEST_SESSIONS_BANDED, SESSIONS_A_DAY, band
from attendlib.facts.labels import column_label, measure_label, measure_unit
from attendlib.facts.years import year_group_name
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import (
    Kept,
    answered,
    independent,
    indicators,
    keep,
    rescaled,
    row_of,
    settled_schools,
    start,
    trust_beside,
    unanswered,
    within,
    word_row,
)
from attendlib.records.answer import Answer, Row, Scope
from attendlib.stats.fit import LEAST_DF, Fit, contrast
from attendlib.stats.ols import ols
from attendlib.stats.shares import mean_interval, wilson
from attendlib.stats.spline import Spline, basis, natural_spline

QUESTION = "attainment_link"
SMALL_LINK_SD = 0.1  # the difference DESIGN 6 asks an interval to rule out before it may say "No clear link"
SPARE_PUPILS = 10  # fewer pupils than coefficients and this many more: no model is fitted
EXAM_YEAR_GROUP, EXAM_HALF_TERMS = 11, (1, 2, 3, 4, 5)  # DfE drops Year 11's last half-term: study leave


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

    Rows: `result_by_band` (a band of absence each), `link` (raw and adjusted, in the outcome's points, or per 100
    pupils for a threshold), `link_sd` (the same in standard deviations), `result_at` (predicted at each percent).
    A school's own pupils with HC2; all schools within schools with CR2. An association: never a cause.
    """
    measure, at_least = _outcome(outcome)
    year = academic_year or pupils.study_file.study.academic_year
    audience = pupils.study_file.study.audience
    context = _context(pupils, measure, at_least, year, prior, adjust_for, contrast_pct)
    everyone, half_terms = _pupils_of(pupils, measure, year, year_group, prior)
    if half_terms:
        context["half_terms"] = f"half-terms {half_terms[0]} to {half_terms[-1]}"
    if not (everyone["school"] == pupils.school).any():
        reason = f"{pupils.school_name} has no {measure_label(measure)} results in {year}"
        return unanswered(QUESTION, "school", "not_applicable", audience, [reason], context=context)
    context["year_groups"] = _year_groups(everyone.loc[everyone["school"] == pupils.school, "year_group"])
    kept = _analysed(start(everyone[everyone["school"] == pupils.school], "pupils on roll"), prior)
    if len(kept.frame) < limit(audience):
        reason = f"fewer than {limit(audience)} pupils have both attendance and a result"
        return unanswered(QUESTION, "school", "too_few", audience, [reason], steps=kept.steps, context=context)
    context["year_days"] = f"{kept.frame['possible'].median() / SESSIONS_A_DAY:.0f}"
    rows = _rows(kept.frame, "school", at_least, prior, adjust_for, contrast_pct, audience)
    trust = _analysed(start(everyone[everyone["in_study"]], "pupils on roll"), prior).frame
    trust = trust[settled_schools(trust, audience)].reset_index(drop=True)
    if trust_beside(trust, pupils.school, audience):
        rows += _rows(trust, "all", at_least, prior, adjust_for, contrast_pct, audience)
    else:
        context["no_trust"] = "fewer than three other schools have enough pupils, so none is set beside this one"
    rows = tuple(replace(row, outcome=context["outcome_name"], period=year) for row in rows)
    verdict, reasons = _verdict(rows, kept.frame, contrast_pct, audience)
    rows += (word_row("verdict", "school", verdict, len(kept.frame), outcome=context["outcome_name"], period=year),)
    return answered(
        QUESTION, "school", audience, rows, kept.steps, verdict=verdict, reasons=tuple(reasons), context=context
    )


def _outcome(outcome: str | Mapping[str, object]) -> tuple[str, float | None]:
    if isinstance(outcome, str):
        return outcome, None
    return str(outcome["measure"]), float(outcome["at_least"])  # type: ignore[arg-type]


def _context(
    pupils: Pupils,
    measure: str,
    at_least: float | None,
    year: str,
    prior: str | None,
    adjust_for: Sequence[str],
    contrast_pct: Sequence[float],
) -> dict[str, str]:
    """The texts the words need, all from study choices and facts."""
    label = measure_label(measure)
    alike = [f"prior {measure_label(prior)}"] if prior else []
    return {
        "school_name": pupils.school_name,
        "academic_year": year,
        "outcome_name": measure if at_least is None else f"{measure}>={at_least:g}",
        "outcome": label if at_least is None else f"{label} of {at_least:g} or more",
        "unit": measure_unit(measure) if at_least is None else "in every 100 pupils",
        "alike": "; ".join(alike + [column_label(column) for column in adjust_for]),
        "prior": prior or "",
        "high_pct": f"{contrast_pct[0]:g}",
        "low_pct": f"{contrast_pct[1]:g}",
    }


def _pupils_of(
    pupils: Pupils, measure: str, year: str, year_group: int | None, prior: str | None
) -> tuple[pd.DataFrame, tuple[int, ...]]:
    """One row per enrolled pupil of the year groups that sat `measure`: absence, result, characteristics."""
    enrolled = frames.enrolments(pupils, year, year_group)
    results = frames.results(pupils, measure, year)[["pupil", "value", "reason"]].rename(columns={"value": "result"})
    sat = enrolled["pupil"].isin(results["pupil"])
    groups = sorted(enrolled.loc[sat, "year_group"].unique())
    enrolled = enrolled[enrolled["year_group"].isin(groups)]
    exam = groups == [EXAM_YEAR_GROUP] and "half_term" in frames.grains(pupils, year)
    half_terms = EXAM_HALF_TERMS if exam else ()
    absence = frames.absence_per_pupil(pupils, year, half_terms or None)
    frame = enrolled.merge(absence[["pupil", "school", "possible", "absent"]], on=["pupil", "school"], how="left")
    frame = frame.merge(results, on="pupil", how="left")
    return frame if prior is None else frame.merge(_priors(pupils, prior, year), on="pupil", how="left"), half_terms


def _priors(pupils: Pupils, measure: str, year: str) -> pd.DataFrame:
    """One row per pupil: the latest result of `measure` from before `year`, under `prior`."""
    known = frames.results(pupils, measure).dropna(subset=["value"])
    known = known[known["academic_year"] < year].sort_values(["pupil", "academic_year"])
    return known.groupby("pupil", as_index=False).last()[["pupil", "value"]].rename(columns={"value": "prior"})


def _analysed(kept: Kept, prior: str | None) -> Kept:
    """The pupils a link can be read from, every loss counted."""
    kept = keep(kept, kept.frame["possible"].fillna(0) > 0, "no attendance recorded")
    fewest = FEWEST_SESSIONS_BANDED
    kept = keep(kept, kept.frame["possible"] >= fewest, f"fewer than {fewest} possible sessions")
    kept = keep(kept, kept.frame["result"].notna(), "no result")
    if prior:
        kept = keep(kept, kept.frame["prior"].notna(), "no prior result")
    absence_pct = 100 * kept.frame["absent"] / kept.frame["possible"]
    return Kept(kept.frame.assign(absence_pct=absence_pct.astype(float)), kept.steps)


def _year_groups(values: pd.Series) -> str:
    return " and ".join(year_group_name(int(value)) for value in sorted(values.unique()))


def _rows(
    frame: pd.DataFrame,
    scope: Scope,
    at_least: float | None,
    prior: str | None,
    adjust_for: Sequence[str],
    contrast_pct: Sequence[float],
    audience: str,
) -> tuple[Row, ...]:
    """Every figure of one scope: the bands, then the contrast raw and adjusted."""
    y = frame["result"].astype(float) if at_least is None else 100.0 * (frame["result"] >= at_least)
    rows = _band_rows(frame.assign(y=y), scope, at_least, audience)
    if not _contrast_can_be_read(frame, contrast_pct, audience):
        return rows
    extra = indicators(frame, adjust_for)
    if prior:
        extra = pd.concat([frame[["prior"]].astype(float), extra], axis=1)
    rows += _contrast_rows(frame, y, extra.iloc[:, :0], scope, "raw", contrast_pct)
    if extra.shape[1]:
        rows += _contrast_rows(frame, y, extra, scope, "adjusted", contrast_pct)
    return rows


def _band_rows(frame: pd.DataFrame, scope: Scope, at_least: float | None, audience: str) -> tuple[Row, ...]:
    """The mean result, or the share that reached the threshold, in each band; small neighbours merged first."""
    bands = np.array([band(a, p) for a, p in zip(frame["absent"], frame["possible"], strict=True)])
    counts = np.bincount(bands, minlength=len(BAND_EDGES_PCT) - 1)
    rows = []
    for positions in merged(counts.tolist(), limit(audience)):
        inside = frame["y"][np.isin(bands, positions)]
        label = f"absence_band={BAND_EDGES_PCT[positions[0]]}-{BAND_EDGES_PCT[positions[-1] + 1]}"
        rows.append(_band_row(inside, scope, label, at_least))
    return (*rows, _band_row(frame["y"], scope, "", at_least))


def _band_row(y: pd.Series, scope: Scope, group: str, at_least: float | None) -> Row:
    if len(y) < 2:
        return Row("result_by_band", scope, group=group, n=len(y), unit="points")
    if at_least is None:
        return row_of(mean_interval(y), "result_by_band", scope, group=group, unit="points", method="mean, t interval")
    found = wilson(int((y > 0).sum()), len(y))
    return Row(
        "result_by_band", scope, group=group, value=100 * found.share, low=100 * found.low, high=100 * found.high,
        confidence_pct=95.0, unit="percent", n=found.n, numerator=found.numerator, method="share, Wilson interval",
    )  # fmt: skip


def _contrast_can_be_read(frame: pd.DataFrame, contrast_pct: Sequence[float], audience: str) -> bool:
    """Whether pupils at both ends of the contrast are there at all, and the result varies."""
    high, low = contrast_pct
    ends = (int((frame["absence_pct"] >= high).sum()), int((frame["absence_pct"] <= low).sum()))
    return min(ends) >= limit(audience) and frame["result"].nunique() > 1


def _contrast_rows(
    frame: pd.DataFrame, y: pd.Series, extra: pd.DataFrame, scope: Scope, model: str, contrast_pct: Sequence[float]
) -> tuple[Row, ...]:
    spline = natural_spline(frame["absence_pct"], name="absence")
    design = independent(
        pd.concat([pd.Series(1.0, frame.index, name="constant"), _absence(spline, frame), extra], axis=1)
    )
    if len(frame) < design.shape[1] + SPARE_PUPILS:
        return ()
    fit = _fit(frame, y, design, scope)
    high, low = contrast_pct
    difference = _at(spline, high, design) - _at(spline, low, design)
    method = "OLS, natural spline, HC2" if scope == "school" else "OLS within schools, natural spline, CR2"
    found = contrast(fit, difference.reindex(fit.coef.index))
    unit = "points"
    link = row_of(found, "link", scope, model=model, unit=unit, method=method)
    spread = float(y.std(ddof=1))
    predicted = _predicted(frame, y, design, spline, contrast_pct, scope, model, method) if scope == "school" else ()
    return (link, rescaled(link, 1 / spread, "link_sd", "standard deviations"), *predicted)


def _absence(spline: Spline, frame: pd.DataFrame) -> pd.DataFrame:
    return basis(spline, frame["absence_pct"])


def _fit(frame: pd.DataFrame, y: pd.Series, design: pd.DataFrame, scope: Scope) -> Fit:
    """A school's pupils with HC2; all schools on what differs within each, clustered by school, CR2."""
    if scope == "school":
        return ols(y, design)
    inside = within(design.drop(columns="constant"), frame["school"])
    centred = within(y.to_frame("y"), frame["school"])["y"]
    return ols(centred, independent(inside), cluster=frame["school"].to_numpy())


def _at(spline: Spline, percent: float, design: pd.DataFrame) -> pd.Series:
    """What the spline's columns are at `percent` absence, 0 in every other column."""
    return basis(spline, np.array([percent])).iloc[0].reindex(design.columns, fill_value=0.0)


def _predicted(
    frame: pd.DataFrame,
    y: pd.Series,
    design: pd.DataFrame,
    spline: Spline,
    contrast_pct: Sequence[float],
    scope: Scope,
    model: str,
    method: str,
) -> tuple[Row, ...]:
    """The mean result predicted at each percent of the contrast for pupils average in all else."""
    fit = ols(y, design)
    average = design.mean().where(~design.columns.isin(_absence(spline, frame).columns), 0.0)
    return tuple(
        row_of(
            contrast(fit, average + _at(spline, percent, design)), "result_at", scope,
            group=f"absence_pct={percent:g}", model=model, unit="points", method=method,
        )
        for percent in contrast_pct
    )  # fmt: skip


def _verdict(
    rows: Sequence[Row], frame: pd.DataFrame, contrast_pct: Sequence[float], audience: str
) -> tuple[str, list[str]]:
    """The words DESIGN 6 fixes for an association, from the most adjusted contrast of this school."""
    found = [row for row in rows if row.estimate == "link_sd" and row.scope == "school"]
    if not found:
        return "Too few pupils to tell", [_why_no_contrast(frame, contrast_pct, audience)]
    link = found[-1]
    if link.df is None or link.df < LEAST_DF or link.low is None or link.high is None:
        return "Too few pupils to tell", ["the model rests on too few pupils for an interval"]
    if link.low > 0 or link.high < 0:
        return "Clear link", []
    if link.low > -SMALL_LINK_SD and link.high < SMALL_LINK_SD:
        return "No clear link", []
    return "Too few pupils to tell", [
        f"the interval holds both no difference and one of {SMALL_LINK_SD} standard deviations"
    ]


def _why_no_contrast(frame: pd.DataFrame, contrast_pct: Sequence[float], audience: str) -> str:
    if frame["result"].nunique() <= 1:
        return "every pupil has the same result"
    if not _contrast_can_be_read(frame, contrast_pct, audience):
        high, low = contrast_pct
        return f"fewer than {limit(audience)} pupils missed {high:g}% or more, or fewer missed {low:g}% or less"
    return "there are too few pupils for a model"
