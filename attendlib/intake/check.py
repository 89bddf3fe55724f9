"""Checks each table against its schema: one checker, driven by `records.tables.TABLES`."""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from attendlib.errors import Problem
from attendlib.intake.tidy import Opened, Source, quoted
from attendlib.records.study import Study
from attendlib.records.tables import TABLES, Column, Kind

Connection = duckdb.DuckDBPyConnection

NEEDED_BY = {
    "attainment_link": ("attainment",),
    "intervention_impact": ("interventions",),
    "trial_evaluation": ("allocation",),
}
_OPEN_TABLES = ("schools", "calendar", "closures")  # nothing about a pupil in them: values of any form may be shown
_IDENTIFIERS = ("pupil", "household", "class")
_SHOWN = 3  # offending values named in a message
_FEWEST = 5  # pupils who share a school's number before it is shown: a slipped identifier has one
_SHOWABLE: dict[Kind, str] = {  # the form of a value that says what is wrong and cannot be a pupil's name or number
    "text": ".{1,3}",
    "integer": ".{1,2}|-?[0-9]{1,3}[.,][0-9]{1,4}",
    "number": ".{1,2}|-?[0-9]{1,3}[.,][0-9]{1,4}",
    "flag": ".{1,2}|[0-9][.,][0-9]",
    "date": "[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}",
    "academic_year": "[0-9]{2,4}[-/][0-9]{2,4}|(19|20)[0-9]{2}",
}

_BAD: dict[Kind, str] = {
    "text": "false",
    "integer": "NOT regexp_full_match({v}, '-?[0-9]+([.]0+)?') OR TRY_CAST({v} AS INTEGER) IS NULL",
    "number": "NOT regexp_full_match({v}, '[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?') "
    "OR NOT isfinite(coalesce(TRY_CAST({v} AS DOUBLE), 'nan'))",
    "date": "length({v}) <> 10 OR substr({v}, 5, 1) <> '-' OR substr({v}, 8, 1) <> '-' "
    "OR coalesce(TRY_CAST({v} AS DATE) NOT BETWEEN DATE '1900-01-01' AND DATE '2100-12-31', true)",
    "flag": "NOT regexp_full_match({v}, '[01]([.]0+)?')",
    "academic_year": "NOT regexp_full_match({v}, '(19|20)[0-9]{{2}}/[0-9]{{2}}') "
    "OR (TRY_CAST(left({v}, 4) AS INTEGER) + 1) % 100 <> TRY_CAST(right({v}, 2) AS INTEGER)",
}
_SQL_TYPE: dict[Kind, str] = {
    "text": "VARCHAR", "integer": "INTEGER", "number": "DOUBLE", "date": "DATE", "flag": "INTEGER",
    "academic_year": "VARCHAR",
}  # fmt: skip
_REMEDY: dict[Kind, tuple[str, str]] = {
    "integer": ("not a whole number", "Use digits only"),
    "number": ("not a number", "Use digits and a point"),
    "date": ("not a date", "Write dates as 2024-09-02"),
    "flag": ("not 0 or 1", "Use 1 for yes, 0 for no, empty for not known"),
    "academic_year": ("not an academic year", "Write it as 2024/25"),
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found: problems stop an import, notes say what was left out or dropped."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def needed_tables(study: Study) -> tuple[tuple[str, ...], ...]:
    """The tables the study must have, each as the tables any one of which will do."""
    extra = {table for notebook in study.notebooks for table in NEEDED_BY.get(notebook, ())}
    return (("schools",), ("pupils",), ("marks", "attendance"), *((table,) for table in sorted(extra)))


def missing_tables(study: Study, present: tuple[str, ...]) -> Iterator[Problem]:
    """A problem for each table the study needs and the folder lacks."""
    for choice in needed_tables(study):
        if not set(choice) & set(present):
            names = " or ".join(f"{table}.csv" for table in choice)
            user = next((n for n in study.notebooks if choice[0] in NEEDED_BY.get(n, ())), "every study")
            yield Problem(names, f"the table is missing; {user} needs it", _add(choice[0]))
    if "marks" in present and "calendar" not in present:
        yield Problem("calendar.csv", "the table is missing; marks need the dates of half-terms", _add("calendar"))


def _add(table: str) -> str:
    required = ", ".join(column.name for column in TABLES[table].columns if column.required)
    return f"Add it to the data folder with the columns {required} (docs/data-format.md)."


def check_columns(connection: Connection, opened: Opened) -> Iterator[Problem]:
    """Each table's columns and values against the schema, then makes the typed table `<table>` beside `raw_<table>`.

    A value that is wrong is NULL there; a table without a required column is not made.
    """
    for table, present in opened.columns.items():
        source = opened.sources[table]
        missing = [c.name for c in TABLES[table].columns if c.required and c.name not in present]
        for name in missing:
            yield Problem(
                source.name, "the column is missing", f"Add it, or rename the column that holds it to {name}.", name
            )
        wrong = list(_values(connection, source, present))
        yield from wrong
        if not missing:
            _make_typed(connection, table, present, {problem.column for problem in wrong})
            yield from _duplicates(connection, source, present)


def shown(connection: Connection, table: str, column: str, condition: str) -> str:
    """' (such as A, B)' from the rows of raw_<table> where `condition` holds, or nothing.

    Columns may have slipped, so a table about pupils shows only values of a form no identifier has, or shared by
    several pupils, and never one the pupils table has as a pupil.
    """
    if column in _IDENTIFIERS or not _has_pupils(connection, "pupils"):
        return ""
    safe, having = _safe(connection, table, column)
    rows = connection.execute(
        f"SELECT left({column}, 20) FROM raw_{table} WHERE {column} IS NOT NULL AND ({condition}) {safe} "
        f"GROUP BY 1 {having} ORDER BY count(*) DESC, 1 LIMIT {_SHOWN}"
    ).fetchall()
    return f" (such as {', '.join(row[0] for row in rows)})" if rows else ""


def _safe(connection: Connection, table: str, column: str) -> tuple[str, str]:
    """Further conditions of `shown`: on a row, and on a group of equal values."""
    no_pupil = f"AND {column} NOT IN (SELECT pupil FROM raw_pupils WHERE pupil IS NOT NULL)"
    if table in _OPEN_TABLES:
        return no_pupil, ""
    if column == "school":
        several = f"count(DISTINCT pupil) >= {_FEWEST}" if _has_pupils(connection, table) else "false"
        return no_pupil, f"HAVING {several}"
    kind = next(found.kind for found in TABLES[table].columns if found.name == column)
    return f"AND regexp_full_match({column}, {quoted(_SHOWABLE[kind])}) {no_pupil}", ""


def _has_pupils(connection: Connection, table: str) -> bool:
    found = f"SELECT 1 FROM information_schema.columns WHERE table_name = 'raw_{table}' AND column_name = 'pupil'"
    return connection.execute(found).fetchone() is not None


def _values(connection: Connection, source: Source, present: tuple[str, ...]) -> Iterator[Problem]:
    columns = [column for column in TABLES[source.table].columns if column.name in present]
    if not columns:
        return
    tests = [(c, empty, _bad(c, empty)) for c in columns for empty in (True, False)]
    counts = ", ".join(f"count(*) FILTER (WHERE {bad})" for _, _, bad in tests)
    totals = connection.execute(f"SELECT {counts}, count(*) FROM raw_{source.table}").fetchone()
    assert totals is not None
    if totals[-1] == 0:
        yield Problem(source.name, "the table has no rows", "Add its rows, or take the file away if it is not needed.")
    for (column, empty, bad), count in zip(tests, totals[:-1], strict=True):
        if count and empty:
            yield Problem(source.name, "empty where a value is needed", "Fill it in.", column.name, count)
        elif count:
            what, remedy = _wording(column)
            what += shown(connection, source.table, column.name, bad)
            yield Problem(source.name, what, f"{remedy}.", column.name, count)


def _bad(column: Column, empty: bool) -> str:
    if empty:
        return "false" if column.may_be_empty else f'"{column.name}" IS NULL'
    wrong = _BAD[column.kind].format(v=f'"{column.name}"')
    allowed = ", ".join(quoted(value) for value in column.allowed)
    outside = f'OR "{column.name}" NOT IN ({allowed})' if allowed else ""
    return f'"{column.name}" IS NOT NULL AND ({wrong} {outside})'


def _wording(column: Column) -> tuple[str, str]:
    if column.allowed:
        return "not a value allowed here", f"Use one of {', '.join(column.allowed)}"
    return _REMEDY[column.kind]


def _make_typed(connection: Connection, table: str, present: tuple[str, ...], wrong: set[str]) -> None:
    chosen = ", ".join(f'{_typed(column, present, wrong)} AS "{column.name}"' for column in TABLES[table].columns)
    connection.execute(f"CREATE TABLE {table} AS SELECT {chosen} FROM raw_{table}")


def _typed(column: Column, present: tuple[str, ...], wrong: set[str]) -> str:
    if column.name not in present:
        return f"NULL::{_SQL_TYPE[column.kind]}"
    if column.name == "code":  # only trimmed and upper-cased: J1 is never read as J
        return "coalesce(upper(code), '-')"
    value = f'TRY_CAST("{column.name}" AS {_SQL_TYPE[column.kind]})'
    return f"CASE WHEN NOT ({_bad(column, False)}) THEN {value} END" if column.name in wrong else value


def _duplicates(connection: Connection, source: Source, present: tuple[str, ...]) -> Iterator[Problem]:
    """Rows with the same key; one without a value its key needs has been told of already."""
    key = [name for name in TABLES[source.table].key if name in present]
    needed = {column.name for column in TABLES[source.table].columns if column.required}
    whole = " AND ".join(f"{name} IS NOT NULL" for name in key if name in needed) or "true"
    groups = f"SELECT count(*) AS times FROM {source.table} WHERE {whole} GROUP BY {', '.join(key)} HAVING times > 1"
    (count,) = connection.execute(f"SELECT coalesce(sum(times), 0)::BIGINT FROM ({groups})").fetchone() or (0,)
    if count:
        names = ", ".join(key)
        what = f"rows that share the same {names}; a row is {TABLES[source.table].row}"
        yield Problem(source.name, what, "Keep one row of each.", count=count)
