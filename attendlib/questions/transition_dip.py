"""How far absence changes when the same pupils move up, over the same half-terms of both years."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pandas as pd

from attendlib.disclosure import limit
from attendlib.facts.definitions import DAYS_A_YEAR, is_persistently_absent
from attendlib.facts.labels import column_label
from attendlib.facts.years import academic_year_from, year_group_name
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import (
    UNKNOWN,
    Kept,
    answered,
    keep,
    rescaled,
    row_of,
    settled_schools,
    start,
    trust_beside,
    unanswered,
    word_row,
)
from attendlib.records.answer import Answer, Row, Scope
from attendlib.stats.fit import LEAST_DF
from attendlib.stats.shares import mean_interval, wilson

QUESTION = "transition_dip"
SMALL_CHANGE_POINTS = 1.0  # about two days a year: an interval must rule it out before "No clear change" is said


def transition_dip(
    pupils: Pupils,
    *,
    before_year_group: int,
    after_year_group: int,
    by: str | None = None,
    min_sessions: int = 20,
    academic_year: str | None = None,
) -> Answer:
    """The change in absence of this school's `after_year_group` since they were in `before_year_group`.

    Rows, all and by group (fixed at the earlier year): `absence_before`, `absence_after`, `change` (percentage
    points, pupil-weighted), `change_days` (days a year), `persistent_before`, `persistent_after` (shares), and by
    half-term where both years have them. Not set against pupils who did not move: it is a change, not its reason.
    """
    study = pupils.study_file.study
    year = academic_year or study.academic_year
    earlier = academic_year_from(int(year[:4]) - (after_year_group - before_year_group))
    context = {
        "school_name": pupils.school_name,
        "academic_year": year,
        "before_academic_year": earlier,
        "before": year_group_name(before_year_group),
        "after": year_group_name(after_year_group),
        "by": column_label(by) if by else "",
    }
    moved = frames.enrolments(pupils, year, after_year_group)
    own = moved[moved["school"] == pupils.school]
    if own.empty:
        reason = f"{pupils.school_name} has no {context['after']} in {year}"
        return unanswered(QUESTION, "school", "not_applicable", study.audience, [reason], context=context)
    halves, context["compared"] = _same_half_terms(pupils, earlier, year)
    sessions = _both_years(pupils, earlier, year, before_year_group, halves)
    groups = _groups_before(pupils, earlier, before_year_group, by)
    fewest = limit(study.audience)
    kept = _analysed(
        start(own, f"pupils on roll in {context['after']}"), sessions, groups, min_sessions, context, fewest
    )
    if len(kept.frame) < fewest:
        reason = f"fewer than {fewest} pupils have attendance in both years"
        return unanswered(QUESTION, "school", "too_few", study.audience, [reason], steps=kept.steps, context=context)
    rows = _rows(kept.frame, "school", by)
    if halves:
        rows += _half_term_rows(pupils, kept.frame, earlier, year, halves)
    trust = _analysed(start(moved[moved["in_study"]], ""), sessions, groups, min_sessions, context, fewest).frame
    trust = trust[settled_schools(trust, study.audience)].reset_index(drop=True)
    if trust_beside(trust, pupils.school, study.audience):
        rows += _rows(trust, "all", by)
    else:
        context["no_trust"] = "fewer than three other schools have enough pupils, so none is set beside this one"
    rows = tuple(replace(row, period=row.period or f"{earlier} to {year}", outcome="absence") for row in rows)
    verdict, reasons = _verdict(rows)
    rows += (word_row("verdict", "school", verdict, len(kept.frame), outcome="absence", period=f"{earlier} to {year}"),)
    return answered(
        QUESTION, "school", study.audience, rows, kept.steps, verdict=verdict, reasons=tuple(reasons), context=context
    )


def _same_half_terms(pupils: Pupils, earlier: str, year: str) -> tuple[tuple[int, ...], str]:
    """The half-terms held for both years, or none with the words for comparing whole years."""
    if not all("half_term" in frames.grains(pupils, each) for each in (earlier, year)):
        return (), "whole years, because the earlier or later year is only a year's total"
    held = [set(frames.half_terms(pupils, each)["half_term"].astype(int)) for each in (earlier, year)]
    both = tuple(sorted(held[0] & held[1]))
    return both, f"the same half-terms of both years ({', '.join(map(str, both))})"


def _both_years(
    pupils: Pupils, earlier: str, year: str, before_year_group: int, halves: Sequence[int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sessions before (one row per pupil, over schools) and after (one row per pupil and school)."""
    columns = ["pupil", "school", "possible", "absent"]
    before = frames.absence_per_pupil(pupils, earlier, halves or None)[columns]
    was_there = frames.enrolments(pupils, earlier, before_year_group)["pupil"]
    before = before[before["pupil"].isin(was_there)]
    before = before.groupby("pupil", as_index=False)[["possible", "absent"]].sum()
    return before, frames.absence_per_pupil(pupils, year, halves or None)[columns]


def _groups_before(pupils: Pupils, earlier: str, before_year_group: int, by: str | None) -> pd.DataFrame:
    """One row per pupil: the group they were in before the move, missing as its own group."""
    enrolled = frames.enrolments(pupils, earlier, before_year_group).drop_duplicates("pupil")
    if by is None:
        return enrolled[["pupil"]].assign(group="")
    values = enrolled[by].astype("object").where(enrolled[by].notna(), UNKNOWN)
    return enrolled[["pupil"]].assign(group=[f"{by}={_label(value)}" for value in values])


def _label(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _analysed(
    kept: Kept,
    sessions: tuple[pd.DataFrame, pd.DataFrame],
    groups: pd.DataFrame,
    min_sessions: int,
    context: dict[str, str],
    fewest_shown: int,
) -> Kept:
    """The pupils with enough sessions in both years, every loss counted."""
    before, after = sessions
    frame = kept.frame.merge(groups, on="pupil", how="left")
    frame = frame.merge(before, on="pupil", how="left").merge(
        after, on=["pupil", "school"], how="left", suffixes=("_before", "_after")
    )
    kept = Kept(frame, kept.steps)
    fewest = f"fewer than {min_sessions} possible sessions in"
    kept = keep(kept, kept.frame["possible_before"].notna(), f"not found in {context['before']} the year before")
    kept = keep(kept, kept.frame["possible_before"] >= min_sessions, f"{fewest} {context['before']}")
    kept = keep(kept, kept.frame["possible_after"].fillna(0) >= min_sessions, f"{fewest} {context['after']}")
    unknown = kept.frame["group"].astype(str).str.endswith(f"={UNKNOWN}")  # nobody left: a column of no kind
    if 0 < unknown.sum() < fewest_shown:  # too few to be a group of their own, and they would hide the others
        kept = keep(kept, ~unknown, f"{context['by']} not known")
    return Kept(_with_rates(kept.frame), kept.steps)


def _with_rates(frame: pd.DataFrame) -> pd.DataFrame:
    """Absence in percent of the pupil's own possible sessions, before and after, and the change in points."""
    before = (100 * frame["absent_before"] / frame["possible_before"]).astype(float)
    after = (100 * frame["absent_after"] / frame["possible_after"]).astype(float)
    return frame.assign(before=before, after=after, change=after - before)


def _rows(frame: pd.DataFrame, scope: Scope, by: str | None) -> tuple[Row, ...]:
    """The figures for all pupils, then for each group."""
    groups = sorted(frame["group"].unique()) if by else []
    parts = [("", frame), *((group, frame[frame["group"] == group]) for group in groups)]
    return tuple(row for group, part in parts for row in _group_rows(part, scope, group))


def _blank_rows(scope: Scope, group: str, n: int) -> tuple[Row, ...]:
    """What a group of one pupil has: a place in every table, and no figure."""
    names = ("change_days", "change", "absence_before", "absence_after", "persistent_before", "persistent_after")
    return tuple(Row(name, scope, group=group, n=n) for name in names)


def _group_rows(part: pd.DataFrame, scope: Scope, group: str) -> tuple[Row, ...]:
    if len(part) < 2:
        return _blank_rows(scope, group, len(part))
    cluster = part["school"].to_numpy() if scope == "all" and part["school"].nunique() > 1 else None
    method = "mean, HC2" if cluster is None else "mean, clustered by school, CR2"
    levels = [
        row_of(
            mean_interval(part[column], cluster), f"absence_{column}", scope, group=group, unit="percent", method=method
        )
        for column in ("before", "after")
    ]
    found = mean_interval(part["change"], cluster)
    change = row_of(found, "change", scope, group=group, unit="percentage points", method=method)
    days = rescaled(change, DAYS_A_YEAR / 100, "change_days", "days a year")
    return (days, change, *levels, *(_persistent(part, scope, group, column) for column in ("before", "after")))


def _persistent(part: pd.DataFrame, scope: Scope, group: str, column: str) -> Row:
    """The share who missed 10% or more of their own sessions (DfE's persistent absence, over these half-terms)."""
    pairs = zip(part[f"absent_{column}"].astype(int), part[f"possible_{column}"].astype(int), strict=True)
    found = wilson(sum(is_persistently_absent(absent, possible) for absent, possible in pairs), len(part))
    return Row(
        f"persistent_{column}", scope, group=group, value=100 * found.share, low=100 * found.low, high=100 * found.high,
        confidence_pct=95.0, unit="percent", n=found.n, numerator=found.numerator, method="share, Wilson interval",
    )  # fmt: skip


def _half_term_rows(
    pupils: Pupils, frame: pd.DataFrame, earlier: str, year: str, halves: Sequence[int]
) -> tuple[Row, ...]:
    """The mean absence in each half-term of both years of the pupils who were there in every one of them."""
    rates = pd.concat([_half_term_rates(pupils, frame, each, halves) for each in (earlier, year)], axis=1).dropna()
    rows: list[Row] = []
    if len(rates) < 2:
        return ()
    for each, half in (column for column in product((earlier, year), halves) if column in rates):
        name = "absence_before" if each == earlier else "absence_after"
        period = f"{each} half-term {half}"
        rows.append(
            row_of(
                mean_interval(rates[(each, half)]), name, "school", period=period, unit="percent", method="mean, HC2"
            )
        )
    return tuple(rows)


def _half_term_rates(pupils: Pupils, frame: pd.DataFrame, year: str, halves: Sequence[int]) -> pd.DataFrame:
    """One row per pupil of `frame`, one column (year, half-term) each: absence in percent, missing if not there."""
    long = frames.absence_by_half_term(pupils, year)
    long = long[long["pupil"].isin(frame["pupil"]) & long["half_term"].isin(halves) & (long["possible"] > 0)]
    sums = long.groupby(["pupil", "half_term"])[["absent", "possible"]].sum()
    wide = (100 * sums["absent"] / sums["possible"]).astype(float).unstack("half_term").sort_index()
    return wide.set_axis(pd.MultiIndex.from_tuples([(year, int(half)) for half in wide.columns]), axis=1)


def _verdict(rows: Sequence[Row]) -> tuple[str, list[str]]:
    """Whether the change is clear, not there, or beyond what so few pupils can tell."""
    change = next(row for row in rows if row.estimate == "change" and row.scope == "school" and not row.group)
    if change.df is None or change.df < LEAST_DF or change.low is None or change.high is None:
        return "Too few pupils to tell", ["the change rests on too few pupils for an interval"]
    if change.low > 0:
        return "Absence rose", []
    if change.high < 0:
        return "Absence fell", []
    if change.low > -SMALL_CHANGE_POINTS and change.high < SMALL_CHANGE_POINTS:
        return "No clear change", []
    return "Too few pupils to tell", ["the interval holds both no change and one of a percentage point, about two days"]
