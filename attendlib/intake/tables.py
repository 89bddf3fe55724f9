"""From a tidy folder to the tables of the store: read, checked, summed and under pseudonyms, all in DuckDB."""

from collections.abc import Iterator, Mapping

import duckdb

from attendlib.errors import Problem
from attendlib.intake.check import Findings, check_columns, missing_tables
from attendlib.intake.links import check_links
from attendlib.intake.marks import tally, terms
from attendlib.intake.names import check_names, known_names
from attendlib.intake.pseudonyms import HOUSEHOLD, PUPIL, map_identifiers
from attendlib.intake.rules import COUNTS, GRAIN_OF
from attendlib.intake.study import StudyFile
from attendlib.intake.tidy import Source, connect, counted, locate, open_tables
from attendlib.records.tables import TABLES

Connection = duckdb.DuckDBPyConnection

SUMS = tuple(name for name in COUNTS if name not in ("possible", "authorised", "unauthorised"))
ATTENDANCE = (
    "pupil", "school", "academic_year", "grain", "period", "period_start", "period_end", "possible", "authorised",
    "unauthorised", "absent", *SUMS, "first_date", "last_date",
)  # fmt: skip
STORED: Mapping[str, tuple[str, ...]] = {  # the tables of the store and the order of their rows
    "schools": ("school",),
    "pupils": ("academic_year", "school", "pupil"),
    "attendance": ("academic_year", "school", "pupil", "grain", "period_start", "period"),
    "attainment": ("academic_year", "measure", "pupil"),
    "interventions": ("intervention", "school", "pupil", "year_group", "start_date"),
    "allocation": ("trial", "school", "pupil"),
    "calendar": ("academic_year", "school", "half_term"),
    "closures": ("date", "school"),
}
_WITH_PUPILS = ("pupils", "attendance", "attainment", "interventions", "allocation")


def check_study(study_file: StudyFile) -> Findings:
    """Everything wrong with a study's data and everything it leaves out; writes nothing (`attend check`)."""
    with connect() as connection:
        found = prepare(connection, study_file)
        if found.problems:
            return found
        return Findings(tuple(check_names(study_file, known_names(connection))), found.notes)


def prepare(connection: Connection, study_file: StudyFile) -> Findings:
    """Reads and checks the data folder; without problems it also makes the typed tables and `period` (attendance)."""
    sources, unlocated = locate(study_file.data_folder)
    if unlocated:
        return Findings(unlocated, ())
    problems = list(missing_tables(study_file.study, tuple(sources)))
    opened = open_tables(connection, sources)
    problems += [*opened.problems, *check_columns(connection, opened)]
    made = [
        name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() if name in TABLES
    ]
    told = {problem.where for problem in problems}
    problems += check_links(connection, sources, made, [t for t, source in sources.items() if source.name in told])
    notes = list(opened.notes)
    if not problems:
        _make_missing(connection, made)
        terms(connection)
        notes += tally(connection, study_file.study)
        problems += _nothing_counts(connection, sources)
        notes += _unknown_results(connection)
        _periods(connection)
    return Findings(tuple(problems), tuple(notes))


def under_pseudonyms(connection: Connection, key: bytes) -> None:
    """Makes `stored_<table>` for every table of STORED: rows in order, pupils and households under pseudonyms."""
    every = " UNION ALL ".join(f"SELECT pupil FROM {_prepared(table)}" for table in _WITH_PUPILS)
    map_identifiers(connection, PUPIL, every, key)
    map_identifiers(connection, HOUSEHOLD, "SELECT household FROM pupils", key)
    for table, order in STORED.items():
        connection.execute(f"CREATE TABLE stored_{table} AS {_aliased(table)} ORDER BY {_ordered(order)}")


def _ordered(order: tuple[str, ...]) -> str:
    return ", ".join(f"{name} NULLS FIRST" for name in order)


def _prepared(table: str) -> str:
    return "period" if table == "attendance" else table


def _aliased(table: str) -> str:
    names = ATTENDANCE if table == "attendance" else TABLES[table].names()
    kinds = [kind for kind in (PUPIL, HOUSEHOLD) if kind in names]
    chosen = ", ".join(f"{name}_alias.alias AS {name}" if name in kinds else f't."{name}"' for name in names)
    joins = " ".join(f"LEFT JOIN {kind}_alias ON t.{kind} = {kind}_alias.id" for kind in kinds)
    return f"SELECT {chosen} FROM {_prepared(table)} AS t {joins}"


def _make_missing(connection: Connection, made: list[str]) -> None:
    """A table the study does not have is there without rows, so that what reads it need not ask."""
    types = {"integer": "INTEGER", "flag": "INTEGER", "number": "DOUBLE", "date": "DATE"}
    for name, table in TABLES.items():
        if name not in made:
            columns = ", ".join(f'"{c.name}" {types.get(c.kind, "VARCHAR")}' for c in table.columns)
            connection.execute(f"CREATE TABLE {name} ({columns})")


def _nothing_counts(connection: Connection, sources: Mapping[str, Source]) -> Iterator[Problem]:
    """A problem where there are marks and all of them were left out."""
    counted_rows = connection.execute("SELECT count(*) FROM tally").fetchone()
    if "marks" in sources and counted_rows == (0,):
        remedy = f"Check the years of {sources['calendar'].name}, `exclude_dates` and closures."
        yield Problem(sources["marks"].name, "no mark is on a day that counts", remedy, "date")


def _unknown_results(connection: Connection) -> list[str]:
    notes = []
    for table, what in (("attainment", "result"), ("allocation", "allocated pupil")):
        row = connection.execute(f"SELECT count(*) FROM {table} ANTI JOIN pupils USING (pupil)").fetchone()
        if row and row[0]:
            notes.append(
                f"{counted(row[0], what)} of pupils who are in no school of the pupils table: kept, seldom used."
            )
    return notes


def _periods(connection: Connection) -> None:
    """Makes `period`: attendance by half-term, week and year; every pupil, school and year has exactly one year row."""
    sums = ", ".join(f"sum({name})::INTEGER AS {name}" for name in COUNTS)
    dates = "min(first_date) AS first_date, max(last_date) AS last_date"
    counts = ", ".join(COUNTS)
    connection.execute(
        f"""
        CREATE TABLE finer AS
        SELECT pupil, school, academic_year, 'half_term' AS grain, half_term::VARCHAR AS period, {sums}, {dates}
        FROM tally GROUP BY ALL
        UNION ALL
        SELECT pupil, school, academic_year, 'week' AS grain, week::VARCHAR AS period, {sums}, {dates}
        FROM tally GROUP BY ALL
        UNION ALL
        SELECT pupil, school, academic_year, {GRAIN_OF} AS grain, period, {counts}, first_date, last_date
        FROM attendance
        """
    )
    connection.execute(
        f"""
        CREATE TABLE period AS
        SELECT f.* EXCLUDE (grain, period), grain, period, authorised + unauthorised AS absent,
               CASE grain WHEN 'week' THEN TRY_CAST(period AS DATE) WHEN 'half_term' THEN start_date
                    ELSE make_date(left(f.academic_year, 4)::INTEGER, 9, 1) END AS period_start,
               CASE grain WHEN 'week' THEN TRY_CAST(period AS DATE) + 4 WHEN 'half_term' THEN end_date
                    ELSE make_date(left(f.academic_year, 4)::INTEGER + 1, 8, 31) END AS period_end
        FROM (FROM finer UNION ALL BY NAME {_years()}) AS f
        LEFT JOIN term ON grain = 'half_term' AND term.school = f.school AND term.academic_year = f.academic_year
                      AND term.half_term::VARCHAR = f.period
        """
    )


def _years() -> str:
    """Year rows made from half-terms, or from weeks where there are none; a count unknown in one of them is unknown."""
    whole = ", ".join(f"CASE WHEN count({name}) = count(*) THEN sum({name})::INTEGER END AS {name}" for name in COUNTS)
    return f"""
        SELECT pupil, school, academic_year, 'year' AS grain, 'year' AS period, {whole},
               min(first_date) AS first_date, max(last_date) AS last_date
        FROM finer ANTI JOIN (FROM finer WHERE grain = 'year') USING (pupil, school, academic_year)
        WHERE grain = 'half_term' OR (pupil, school, academic_year) NOT IN
              (SELECT (pupil, school, academic_year) FROM finer WHERE grain = 'half_term')
        GROUP BY pupil, school, academic_year
        """
