"""The store as data frames: one row per pupil and school, summed in SQL, in a fixed order (`spans` sums over dates).

Every function reads all schools of the data, because a pupil's earlier year may lie in a school without a page of its
own; `in_study` says which rows are of the schools the study lists. Counts are half-day sessions. Whole numbers with
gaps come as floats with NaN, dates as datetime64.
"""

from collections.abc import Sequence

import pandas as pd

from attendlib.errors import QuestionError
from attendlib.intake.kept import frame, kept_frame
from attendlib.intake.load import Pupils
from attendlib.intake.rules import COUNTS
from attendlib.intake.store import read_sql
from attendlib.intake.tidy import quoted
from attendlib.records.study import ALL


def _in_study(pupils: Pupils) -> str:
    chosen = pupils.study_file.study.schools
    test = "true" if chosen == ALL else f"school IN ({', '.join(quoted(school) for school in chosen)})"
    return f"{test} AS in_study"


def _sums() -> str:
    """Each count summed; one that is not known in every period is not known."""
    whole = (f"CASE WHEN count({name}) = count(*) THEN sum({name})::INTEGER END AS {name}" for name in COUNTS)
    dates = "min(first_date) AS first_date, max(last_date) AS last_date"
    return f"{', '.join(whole)}, sum(absent)::INTEGER AS absent, {dates}"


def enrolments(pupils: Pupils, academic_year: str, year_group: int | None = None) -> pd.DataFrame:
    """One row per pupil and school that year (subsidiary enrolments left out): the pupils table and `in_study`."""
    group = "" if year_group is None else f"AND year_group = {year_group:d}"
    return kept_frame(
        pupils.store,
        f"""
        SELECT *, {_in_study(pupils)} FROM {read_sql(pupils.store, "pupils", academic_year)}
        WHERE enrolment IS DISTINCT FROM 'subsidiary' {group} ORDER BY school, pupil
        """,
    )


def absence_per_pupil(pupils: Pupils, academic_year: str, half_terms: Sequence[int] | None = None) -> pd.DataFrame:
    """One row per pupil and school: possible, absent, authorised, unauthorised and the other counts that year.

    With `half_terms`, over those only: pupils known by week or year alone then have no row. Raises QuestionError where
    no pupil is known by half-term.
    """
    where = "grain = 'year'"
    if half_terms is not None:
        _need_half_terms(pupils, academic_year)
        where = f"grain = 'half_term' AND period::INTEGER IN ({', '.join(f'{half:d}' for half in half_terms)})"
    rows = read_sql(pupils.store, "attendance", academic_year)
    return kept_frame(
        pupils.store,
        f"""
        SELECT pupil, school, academic_year, {_sums()}, {_in_study(pupils)}
        FROM {rows} WHERE {where} GROUP BY pupil, school, academic_year ORDER BY school, pupil
        """,
    )


def absence_by_half_term(pupils: Pupils, academic_year: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """One row per pupil, school and half-term (`half_term` 1 to 6): the counts, or these `columns` alone.

    Raises QuestionError as above.
    """
    _need_half_terms(pupils, academic_year)
    counts = ", ".join(COUNTS)
    return kept_frame(
        pupils.store,
        f"""
        SELECT pupil, school, academic_year, period::INTEGER AS half_term, period_start, period_end, {counts}, absent,
               first_date, last_date, {_in_study(pupils)}
        FROM {read_sql(pupils.store, "attendance", academic_year)} WHERE grain = 'half_term'
        ORDER BY school, pupil, half_term
        """,
        columns,
    )


def absence_by_group(pupils: Pupils, academic_years: Sequence[str], period: str = "half_term") -> pd.DataFrame:
    """One row per school, year group and period ("half_term" or "week"): pupils there, sums, mean rate per pupil.

    Columns school, year_group, academic_year, period (1 to 6, or a week's Monday), period_start, period_end, pupils
    (with a possible session in it), possible, absent, authorised and unauthorised (half-day sessions summed),
    `rate_per_pupil` (mean over pupils of the share of their own possible sessions missed, 0 to 1), in_study. Years that
    are not held by that period have no row.
    """
    known = f"SELECT pupil, school, academic_year, year_group FROM {read_sql(pupils.store, 'pupils', *academic_years)}"
    return kept_frame(
        pupils.store,
        f"""
        SELECT school, year_group, academic_year, period, min(period_start) AS period_start,
               max(period_end) AS period_end, count(*)::INTEGER AS pupils, sum(possible)::INTEGER AS possible,
               sum(absent)::INTEGER AS absent, sum(authorised)::INTEGER AS authorised,
               sum(unauthorised)::INTEGER AS unauthorised, avg(absent / possible) AS rate_per_pupil,
               {_in_study(pupils)}
        FROM {read_sql(pupils.store, "attendance", *academic_years)} JOIN
             ({known} WHERE enrolment IS DISTINCT FROM 'subsidiary') USING (pupil, school, academic_year)
        WHERE grain = {quoted(period)} AND possible > 0 GROUP BY ALL
        ORDER BY school, year_group, academic_year, period_start
        """,
    )


def academic_years(pupils: Pupils) -> list[str]:
    """The academic years with attendance, in order."""
    every = f"SELECT DISTINCT academic_year FROM {read_sql(pupils.store, 'attendance')} ORDER BY 1"
    return list(kept_frame(pupils.store, every)["academic_year"])


def schools(pupils: Pupils) -> pd.DataFrame:
    """One row per school of the data: the schools table and `in_study`."""
    return frame(f"SELECT *, {_in_study(pupils)} FROM {read_sql(pupils.store, 'schools')} ORDER BY school")


def results(pupils: Pupils, measure: str, academic_year: str | None = None) -> pd.DataFrame:
    """One row per pupil and academic year with a result of `measure`: pupil, academic_year, value (NaN where there is
    none, `reason` says why), date, school."""
    year = "" if academic_year is None else f"AND academic_year = {quoted(academic_year)}"
    return kept_frame(
        pupils.store,
        f"""
        SELECT pupil, academic_year, value, reason, date, school FROM {read_sql(pupils.store, "attainment")}
        WHERE measure = {quoted(measure)} {year} ORDER BY academic_year, pupil
        """,
    )


def interventions(pupils: Pupils, name: str | None = None) -> pd.DataFrame:
    """One row per pupil, year group or school receiving `name` (None: any): the interventions table and `in_study`."""
    chosen = "" if name is None else f"WHERE intervention = {quoted(name)}"
    return kept_frame(
        pupils.store,
        f"""
        SELECT *, {_in_study(pupils)} FROM {read_sql(pupils.store, "interventions")}
        {chosen} ORDER BY school, pupil NULLS FIRST, year_group NULLS FIRST
        """,
    )


def half_terms(pupils: Pupils, academic_year: str) -> pd.DataFrame:
    """One row per half-term of the calendar that year (and school, where schools have their own); none without one."""
    return kept_frame(
        pupils.store,
        f"""
        SELECT * FROM {read_sql(pupils.store, "calendar")} WHERE academic_year = {quoted(academic_year)}
        ORDER BY half_term, school NULLS FIRST
        """,
    )


def grains(pupils: Pupils, academic_year: str) -> set[str]:
    """The grains attendance is known by that year: half_term, week, year (year always, where there is any)."""
    rows = read_sql(pupils.store, "attendance", academic_year)
    return set(kept_frame(pupils.store, f"SELECT DISTINCT grain FROM {rows} ORDER BY grain")["grain"])


def _need_half_terms(pupils: Pupils, academic_year: str) -> None:
    known = grains(pupils, academic_year)
    if "half_term" not in known:
        by = "weeks" if "week" in known else "whole years" if known else "nothing at all"
        raise QuestionError(f"Attendance in {academic_year} is known by {by}, so half-terms cannot be told apart.")


def allocation(pupils: Pupils, trial: str) -> pd.DataFrame:
    """One row per pupil randomised in `trial`: the allocation table and `in_study`."""
    return kept_frame(
        pupils.store,
        f"""
        SELECT *, {_in_study(pupils)} FROM {read_sql(pupils.store, "allocation")}
        WHERE trial = {quoted(trial)} ORDER BY school, pupil
        """,
    )
