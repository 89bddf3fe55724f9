"""What one row or table says of another: schools, pupils, codes by date, half-terms, grains."""

from collections.abc import Iterable, Iterator, Mapping

import duckdb

from attendlib.errors import Problem
from attendlib.facts.codes import Code, codes
from attendlib.intake.check import shown
from attendlib.intake.rules import ACADEMIC_YEAR_OF, GRAIN_OF, ROW_RULES, Rule
from attendlib.intake.tidy import Source, counted, quoted

Connection = duckdb.DuckDBPyConnection

_AT_SCHOOLS = ("pupils", "marks", "attendance", "interventions", "allocation", "calendar", "closures")


def check_links(
    connection: Connection, sources: Mapping[str, Source], made: Iterable[str], wrong: Iterable[str]
) -> Iterator[Problem]:
    """Everything wrong between the typed tables in `made`. `wrong` names tables already known to be wrong: a check
    against one of those, or against a table not made, is left for next time, since it would only repeat the mistake.
    """
    here, faulty = set(made), set(wrong)
    for rule in ROW_RULES:
        if rule.table in here and (found := list(_row_rule(connection, sources[rule.table], rule))):
            faulty.add(rule.table)
            yield from found
    if "schools" in here - faulty:
        for table in (t for t in _AT_SCHOOLS if t in here):
            if found := list(_unknown_schools(connection, sources, table)):
                faulty.add(table)
                yield from found
    if {"schools", "pupils"} <= here - faulty:
        for table in (t for t in ("marks", "attendance") if t in here):
            yield from _not_enrolled(connection, sources, table)
    if {"interventions", "pupils"} <= here - (faulty & {"pupils"}):
        yield from _unknown_pupils(connection, sources)
    if {"interventions", "pupils"} <= here - faulty:
        yield from _unknown_year_groups(connection, sources)
    if "marks" in here:
        yield from _codes(connection, sources["marks"])
    if "calendar" in here - faulty:
        yield from _half_terms(connection, sources["calendar"])
    if "attendance" in here:
        yield from _grains(connection, sources, "marks" in here)
    if {"attendance", "interventions"} <= here and "calendar" not in here:
        yield from _undated_half_terms(connection)


def _count(connection: Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _undated_half_terms(connection: Connection) -> Iterator[Problem]:
    """Half-term totals have no dates of their own: without a calendar nobody knows which lie before a start."""
    count = _count(connection, "SELECT count(*) FROM attendance WHERE period IN ('1', '2', '3', '4', '5', '6')")
    if count:
        what = "the table is missing; attendance by half-term beside interventions needs the dates of half-terms"
        remedy = "Add it with the columns academic_year, half_term, start_date, end_date (docs/data-format.md)."
        yield Problem("calendar.csv", what, remedy, "", count)


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
        "WHERE pupil IS NOT NULL AND school IN (SELECT school FROM schools) GROUP BY ALL"
    )
    missing = f"({seen}) AS seen ANTI JOIN pupils USING (pupil, school, academic_year)"
    query = f"SELECT sum(times)::BIGINT, count(DISTINCT pupil) FROM {missing} WHERE academic_year IS NOT NULL"
    count, pupils = connection.execute(query).fetchone() or (0, 0)
    if count:
        where = sources["pupils"].name
        who = f"{counted(pupils, 'pupil')} not enrolled in that school in that academic year in {where}"
        yield Problem(sources[table].name, who, f"Add their rows to {where}, or take these rows out.", "pupil", count)


def _unknown_pupils(connection: Connection, sources: Mapping[str, Source]) -> Iterator[Problem]:
    where, name = sources["pupils"].name, sources["interventions"].name
    known = "SELECT pupil FROM pupils WHERE pupil IS NOT NULL"
    count = _count(connection, f"SELECT count(*) FROM interventions WHERE pupil NOT IN ({known})")
    if count:
        remedy = f"Use the same identifiers in both tables, or add the pupils to {where}."
        yield Problem(name, f"a pupil who is not in {where}", remedy, "pupil", count)
    elsewhere = f"SELECT pupil, school FROM interventions WHERE pupil IN ({known})"
    count = _count(connection, f"SELECT count(*) FROM ({elsewhere}) ANTI JOIN pupils USING (pupil, school)")
    if count:
        remedy = f"Name the school the pupil was in, or add the enrolment to {where}."
        yield Problem(name, f"a pupil never enrolled in that school in {where}", remedy, "school", count)


def _unknown_year_groups(connection: Connection, sources: Mapping[str, Source]) -> Iterator[Problem]:
    """Year groups that no pupil was ever in: nobody would be found treated, and the others would pass for never so."""
    where = sources["pupils"].name
    named = "SELECT school, year_group FROM interventions WHERE pupil IS NULL AND year_group IS NOT NULL"
    count = _count(connection, f"SELECT count(*) FROM ({named}) ANTI JOIN pupils USING (school, year_group)")
    if count:
        remedy = f"Correct the school or the year group, or add its pupils to {where}."
        what = f"a year group with no pupil of that school in {where}"
        yield Problem(sources["interventions"].name, what, remedy, "year_group", count)


def _codes(connection: Connection, source: Source) -> Iterator[Problem]:
    known = ", ".join(quoted(code) for code in sorted({row.code for row in codes()}))
    unknown = f"coalesce(upper(code), '-') NOT IN ({known})"
    count = _count(connection, f"SELECT count(*) FROM raw_marks WHERE {unknown}")
    if count:
        what = f"a code that does not exist{shown(connection, 'marks', 'code', unknown)}"
        remedy = "Use the codes of the register (docs/data-format.md lists them)."
        yield Problem(source.name, what, remedy, "code", count)
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


def _half_terms(connection: Connection, source: Source) -> Iterator[Problem]:
    """Half-terms of a school's year that overlap, or whose numbers do not follow their dates."""
    by = "OVER (PARTITION BY school, academic_year ORDER BY start_date, half_term)"
    terms = "SELECT DISTINCT school, academic_year, half_term, start_date, end_date FROM calendar"
    inner = (
        f"SELECT end_date >= lead(start_date) {by} AS clash, half_term >= lead(half_term) {by} AS back FROM ({terms})"
    )
    overlapping = _count(connection, f"SELECT count(*) FROM ({inner}) WHERE clash")
    if overlapping:
        remedy = "End each half-term before the next one starts."
        yield Problem(source.name, "a half-term that overlaps the next one", remedy, "end_date", overlapping)
    back = _count(connection, f"SELECT count(*) FROM ({inner}) WHERE back AND NOT clash")
    if back:
        what = "a half-term that comes before one with the same or a lower number"
        yield Problem(source.name, what, "Number the half-terms 1 to 6 in the order of their dates.", "half_term", back)


def _grains(connection: Connection, sources: Mapping[str, Source], marks: bool) -> Iterator[Problem]:
    by = "GROUP BY pupil, school, academic_year"
    mixed = f"SELECT count(*) AS times FROM attendance {by} HAVING count(DISTINCT {GRAIN_OF}) > 1"
    count = _count(connection, f"SELECT sum(times) FROM ({mixed})")
    if count:
        remedy = "Keep one grain for each pupil, school and year: half-terms, weeks or year."
        what = "more than one grain for the same pupil, school and year"
        yield Problem(sources["attendance"].name, what, remedy, "period", count)
    if marks:
        seen = f"SELECT DISTINCT pupil, school, {ACADEMIC_YEAR_OF.format(d='date')} AS academic_year FROM marks"
        both = f"SELECT count(*) FROM attendance SEMI JOIN ({seen}) USING (pupil, school, academic_year)"
        count = _count(connection, both)
        if count:
            what = f"pupils who have marks in {sources['marks'].name} for the same school and year"
            yield Problem(sources["attendance"].name, what, "Keep either the marks or the counts.", "pupil", count)
