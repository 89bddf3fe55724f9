"""Checks that need more than one cell: rules within a row, and what one table says of another."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import duckdb

from attendlib.errors import Problem
from attendlib.facts.codes import Code, codes
from attendlib.intake.check import shown
from attendlib.intake.tidy import Source, counted, quoted
from attendlib.records.tables import TABLES

Connection = duckdb.DuckDBPyConnection

YEAR_OF = "(year({d}) - (month({d}) < 8)::INTEGER)"  # 1 August begins an academic year, as facts.years has it
ACADEMIC_YEAR_OF = f"{YEAR_OF} || '/' || lpad(((({YEAR_OF}) + 1) % 100)::VARCHAR, 2, '0')"
COUNTS = tuple(c.name for c in TABLES["attendance"].columns if c.kind == "integer")


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of `table` is wrong where `condition` holds; `column` is the one to look at."""

    table: str
    column: str
    condition: str
    what: str
    remedy: str


_IS_WEEK = "length(period) = 10 AND TRY_CAST(period AS DATE) IS NOT NULL"
_MONDAY = "TRY_CAST(period AS DATE)"
ROW_RULES = (
    Rule("schools", "school", "NOT regexp_full_match(school, '[A-Za-z0-9_-]+') OR lower(school) = 'all'",
         "not usable as a school's identifier", "Use the URN, or letters, digits, - and _ (not the word all)"),
    Rule("pupils", "year_group", "year_group NOT BETWEEN 0 AND 13", "not a year group",
         "Use 0 for Reception and 1 to 13"),
    Rule("pupils", "birth_month", "birth_month NOT BETWEEN 1 AND 12", "not a month", "Use 1 to 12"),
    Rule("pupils", "leaving_date", "leaving_date < entry_date", "a leaving date before the entry date",
         "Correct one of the two dates"),
    Rule("attendance", "possible", "authorised + unauthorised > possible",
         "more sessions absent (authorised + unauthorised) than possible", "Correct the counts, or leave the rows out"),
    *(Rule("attendance", name, f"{name} < 0", "a count below 0", "Counts are sessions, 0 or more") for name in COUNTS),
    Rule("attendance", "period", f"period NOT IN ('1','2','3','4','5','6','year') AND NOT ({_IS_WEEK})",
         "not a period", "Use 1 to 6 for half-terms, a week's Monday as 2024-09-02, or year"),
    Rule("attendance", "period", f"{_IS_WEEK} AND isodow({_MONDAY}) <> 1", "a week that does not begin on a Monday",
         "Write the week's Monday"),
    Rule("attendance", "period",
         f"{_IS_WEEK} AND academic_year NOT IN ({ACADEMIC_YEAR_OF.format(d=_MONDAY)}, "
         f"{ACADEMIC_YEAR_OF.format(d=f'({_MONDAY} + 4)')})",
         "a week outside its academic year", "Correct academic_year or the week; a year begins on 1 August"),
    Rule("calendar", "half_term", "half_term NOT BETWEEN 1 AND 6", "not a half-term", "Use 1 to 6"),
    Rule("calendar", "end_date", "end_date < start_date", "a half-term that ends before it starts",
         "Correct the dates"),
    Rule("calendar", "start_date", f"academic_year <> {ACADEMIC_YEAR_OF.format(d='start_date')}",
         "a half-term that starts outside its academic year", "Correct academic_year or the date"),
    Rule("interventions", "end_date", "end_date < start_date", "an end before the start",
         "Correct one of the two dates"),
    Rule("interventions", "year_group", "pupil IS NOT NULL AND year_group IS NOT NULL",
         "both a pupil and a year group", "Give one of them, or neither for the whole school"),
)  # fmt: skip


def check_links(connection: Connection, sources: Mapping[str, Source], made: Iterable[str]) -> Iterator[Problem]:
    """Everything wrong between the typed tables in `made`; a check whose tables were not made is left for next time."""
    here = set(made)
    for rule in ROW_RULES:
        if rule.table in here:
            yield from _row_rule(connection, sources[rule.table], rule)
    for table in ("pupils", "marks", "attendance", "interventions", "allocation", "calendar", "closures"):
        if {table, "schools"} <= here:
            yield from _unknown_schools(connection, sources, table)
    for table in ("marks", "attendance"):
        if {table, "pupils"} <= here:
            yield from _not_enrolled(connection, sources, table)
    if {"interventions", "pupils"} <= here:
        yield from _unknown_pupils(connection, sources)
    if "marks" in here:
        yield from _codes(connection, sources["marks"])
    if "calendar" in here:
        yield from _overlaps(connection, sources["calendar"])
    if "attendance" in here:
        yield from _grains(connection, sources, "marks" in here)


def _count(connection: Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _row_rule(connection: Connection, source: Source, rule: Rule) -> Iterator[Problem]:
    count = _count(connection, f"SELECT count(*) FROM {rule.table} WHERE {rule.condition}")
    if count:
        yield Problem(source.name, rule.what, f"{rule.remedy}.", rule.column, count)


def _unknown_schools(connection: Connection, sources: Mapping[str, Source], table: str) -> Iterator[Problem]:
    unknown = "school IS NOT NULL AND school NOT IN (SELECT school FROM schools WHERE school IS NOT NULL)"
    count = _count(connection, f"SELECT count(*) FROM {table} WHERE {unknown}")
    if count:
        what = f"a school that is not in {sources['schools'].name}{shown(connection, table, 'school', unknown)}"
        yield Problem(sources[table].name, what, "Add the school there, or correct its number.", "school", count)


def _not_enrolled(connection: Connection, sources: Mapping[str, Source], table: str) -> Iterator[Problem]:
    year = ACADEMIC_YEAR_OF.format(d="date") if table == "marks" else "academic_year"
    seen = (  # marks are grouped by date first, so that the year is worked out once for each group
        f"SELECT pupil, school, {year} AS academic_year, count(*) AS times FROM {table} "
        "WHERE pupil IS NOT NULL AND school IS NOT NULL GROUP BY ALL"
    )
    missing = f"({seen}) AS seen ANTI JOIN pupils USING (pupil, school, academic_year)"
    query = f"SELECT sum(times)::BIGINT, count(DISTINCT pupil) FROM {missing} WHERE academic_year IS NOT NULL"
    count, pupils = connection.execute(query).fetchone() or (0, 0)
    if count:
        where = sources["pupils"].name
        who = f"{counted(pupils, 'pupil')} not enrolled in that school in that academic year in {where}"
        yield Problem(sources[table].name, who, f"Add their rows to {where}, or take these rows out.", "pupil", count)


def _unknown_pupils(connection: Connection, sources: Mapping[str, Source]) -> Iterator[Problem]:
    unknown = "pupil IS NOT NULL AND pupil NOT IN (SELECT pupil FROM pupils WHERE pupil IS NOT NULL)"
    count = _count(connection, f"SELECT count(*) FROM interventions WHERE {unknown}")
    if count:
        where = sources["pupils"].name
        remedy = f"Use the same identifiers in both tables, or add the pupils to {where}."
        yield Problem(sources["interventions"].name, f"a pupil who is not in {where}", remedy, "pupil", count)


def _codes(connection: Connection, source: Source) -> Iterator[Problem]:
    known = ", ".join(quoted(code) for code in sorted({row.code for row in codes()}))
    unknown = f"coalesce(upper(code), '-') NOT IN ({known})"
    count = _count(connection, f"SELECT count(*) FROM raw_marks WHERE {unknown}")
    if count:
        what = f"a code that does not exist{shown(connection, 'marks', 'code', unknown)}"
        yield Problem(
            source.name, what, "Use the codes of the register (docs/data-format.md lists them).", "code", count
        )
    found = connection.execute(
        f"SELECT code, min(date), max(date) FROM marks WHERE code IN ({known}) GROUP BY 1 HAVING max(date) IS NOT NULL "
        "ORDER BY 1"
    ).fetchall()
    for code, first, last in found:
        spans = [row for row in codes() if row.code == code]
        if first < min(row.valid_from for row in spans) or not _reach(spans, last):
            yield from _out_of_force(connection, source, spans)


def _reach(spans: Iterable[Code], last: object) -> bool:
    return any(row.valid_to is None or row.valid_to >= last for row in spans)  # type: ignore[operator]


def _out_of_force(connection: Connection, source: Source, spans: list[Code]) -> Iterator[Problem]:
    first, ends = min(row.valid_from for row in spans), [row.valid_to for row in spans]
    last = None if None in ends else max(end for end in ends if end)
    for condition, when in (
        (f"date < DATE '{first}'", f"before it began on {first}"),
        (f"date > DATE '{last}'" if last else "false", f"after it ended on {last}"),
    ):
        count = _count(connection, f"SELECT count(*) FROM marks WHERE code = {quoted(spans[0].code)} AND {condition}")
        if count:
            instead = next((row.instead for row in spans if row.instead), "")
            remedy = f"Use {instead} on those dates." if instead else "Correct the dates, or leave those rows out."
            yield Problem(source.name, f"code {spans[0].code} used {when}", remedy, "code", count)


def _overlaps(connection: Connection, source: Source) -> Iterator[Problem]:
    later = "lead(start_date) OVER (PARTITION BY school, academic_year ORDER BY start_date, half_term)"
    inner = f"SELECT end_date >= {later} AS clash FROM calendar"
    count = _count(connection, f"SELECT count(*) FROM ({inner}) WHERE clash")
    if count:
        remedy = "End each half-term before the next one starts."
        yield Problem(source.name, "a half-term that overlaps the next one", remedy, "end_date", count)


def _grains(connection: Connection, sources: Mapping[str, Source], marks: bool) -> Iterator[Problem]:
    grain = "CASE WHEN period = 'year' THEN 'year' WHEN length(period) = 10 THEN 'week' ELSE 'half_term' END"
    by = "GROUP BY pupil, school, academic_year"
    mixed = f"SELECT count(*) AS times FROM attendance {by} HAVING count(DISTINCT {grain}) > 1"
    count = _count(connection, f"SELECT sum(times) FROM ({mixed})")
    if count:
        remedy = "Keep one grain for each pupil, school and year: half-terms, weeks or year."
        yield Problem(
            sources["attendance"].name,
            "more than one grain for the same pupil, school and year",
            remedy,
            "period",
            count,
        )
    if marks:
        seen = f"SELECT DISTINCT pupil, school, {ACADEMIC_YEAR_OF.format(d='date')} AS academic_year FROM marks"
        count = _count(
            connection, f"SELECT count(*) FROM attendance SEMI JOIN ({seen}) USING (pupil, school, academic_year)"
        )
        if count:
            what = f"pupils who have marks in {sources['marks'].name} for the same school and year"
            yield Problem(sources["attendance"].name, what, "Keep either the marks or the counts.", "pupil", count)
