"""Opens a tidy folder: each table read as text from CSV or Parquet, and what is wrong with a file itself."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from attendlib.errors import DataError, Problem
from attendlib.intake.header import csv_columns, parquet_columns
from attendlib.records.tables import TABLES

BLANKS = " \t\u00a0"  # trimmed from both ends of every value


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table is: `name` is the file's or folder's own name, `files` all that belong to it."""

    table: str
    name: str
    files: tuple[Path, ...]

    @property
    def is_csv(self) -> bool:
        """Whether it is one CSV file; else it is Parquet."""
        return self.files[0].suffix.lower() == ".csv"


@dataclass(frozen=True, slots=True)
class Opened:
    """The tables that could be read, each as `raw_<table>` in DuckDB, and their columns as found."""

    sources: Mapping[str, Source]
    columns: Mapping[str, tuple[str, ...]]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def connect(spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory database with one thread and no network; `spill` is where it may put what memory cannot hold."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "autoinstall_known_extensions": False,
        "temp_directory": str(spill or ""),
    }
    return duckdb.connect(":memory:", config=config)


def quoted(text: object) -> str:
    """`text` as an SQL string."""
    return "'" + str(text).replace("'", "''") + "'"


def counted(number: int, word: str) -> str:
    """'1 date', '1,200 dates'."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def locate(folder: Path) -> tuple[dict[str, Source], tuple[Problem, ...]]:
    """Each table found in `folder`: `<table>.csv`, `<table>.parquet` or a folder `<table>` of Parquet files."""
    if not folder.is_dir():
        return {}, (Problem(folder.name, "there is no such data folder", "Check `data` in the study file."),)
    sources, problems = {}, []
    for table in TABLES:
        found = list(_candidates(folder, table))
        if len(found) > 1:
            names = " and ".join(source.name for source in found)
            problems.append(
                Problem(found[0].name, f"the table {table} is there twice, as {names}", "Keep one of them.")
            )
        elif found:
            sources[table] = found[0]
    return sources, tuple(problems)


def _candidates(folder: Path, table: str) -> Iterator[Source]:
    for path in sorted(folder.iterdir()):  # as on Windows, Pupils.CSV is pupils.csv
        if path.name.lower() in (f"{table}.csv", f"{table}.parquet") and path.is_file():
            yield Source(table, path.name, (path,))
    parts = tuple(sorted((folder / table).rglob("*.parquet"))) if (folder / table).is_dir() else ()
    if parts:
        yield Source(table, table, parts)


def open_tables(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source]) -> Opened:
    """Makes `raw_<table>`: text, trimmed, an empty cell NULL, only the columns the schema names; a file that cannot
    be read is a problem, a column dropped is a note."""
    columns: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    notes: list[str] = []
    for table, source in sources.items():
        try:
            found = _header(connection, source)
            empty = _make_raw(connection, source, found)
        except duckdb.Error as error:
            problems.append(_unreadable(source, error))
            continue
        except OSError:
            problems.append(Problem(source.name, "the file cannot be opened", "Close it elsewhere; allow reading it."))
            continue
        except DataError as error:
            problems.extend(error.problems)
            continue
        columns[table] = tuple(name for name in TABLES[table].names() if name in found)
        notes += _left_out(source, found, columns[table], empty)
    return Opened(sources, columns, tuple(problems), tuple(notes))


def _left_out(source: Source, found: Iterable[str], used: Sequence[str], empty: int) -> Iterator[str]:
    """What of a file is not used. Where a required column is missing the others' names may be pupils, so not shown."""
    if empty:
        yield f"{source.name}: {counted(empty, 'row')} without any value, left out."
    dropped = [name for name in found if name not in used]
    if dropped and all(column.name in used for column in TABLES[source.table].columns if column.required):
        yield f"{source.name}: columns not used and dropped: {', '.join(dropped)}."


def _header(connection: duckdb.DuckDBPyConnection, source: Source) -> Mapping[str, str]:
    """The column names, lower-cased, each with the SQL that makes it text. Raises DataError if they cannot be used."""
    if source.is_csv:
        return {name: f'"{name}"' for name in csv_columns(source.name, source.files[0], source.table)}
    described = connection.execute(f"DESCRIBE SELECT * FROM {_parquet(source)}").fetchall()
    return parquet_columns(source.name, [(name, kind) for name, kind, *_ in described], source.table)


def _parquet(source: Source) -> str:
    files = ", ".join(quoted(file) for file in source.files)
    return f"read_parquet([{files}], union_by_name=true, hive_partitioning=true, hive_types_autocast=false)"


def _make_raw(connection: duckdb.DuckDBPyConnection, source: Source, found: Mapping[str, str]) -> int:
    """Makes `raw_<table>` without the rows that hold no value at all; returns how many those were."""
    known = [name for name in TABLES[source.table].names() if name in found]
    chosen = ", ".join(f'{_trimmed(found[name])} AS "{name}"' for name in known)
    rows = _csv(source, found) if source.is_csv else _parquet(source)
    raw = f"raw_{source.table}"
    connection.execute(f"CREATE TABLE {raw} AS SELECT {chosen} FROM {rows}")
    every = ", ".join(f'"{name}"' for name in known)
    (count,) = connection.execute(f"DELETE FROM {raw} WHERE coalesce({every}, NULL) IS NULL").fetchone() or (0,)
    return int(count)


def _trimmed(value: str) -> str:
    """Blanks are looked for before they are cut: most values have none, and cutting is the slower of the two."""
    blank = " OR ".join(f"contains({value}, {quoted(mark)})" for mark in BLANKS)
    return f"CASE WHEN {blank} THEN nullif(trim({value}, {quoted(BLANKS)}), '') ELSE nullif({value}, '') END"


def _csv(source: Source, found: Mapping[str, str]) -> str:
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in found)
    return (
        f"read_csv({quoted(source.files[0])}, auto_detect=false, header=true, delim=',', quote='\"', escape='\"', "
        f"columns={{{columns}}}, nullstr='')"
    )


def _unreadable(source: Source, error: duckdb.Error) -> Problem:
    """Only the line's number is taken from DuckDB's message, which quotes the row."""
    if not source.is_csv:
        return Problem(source.name, "not a readable Parquet file", "Write it again as Parquet or as CSV UTF-8.")
    line = re.search(r"Line: (\d+)", str(error))
    if line:
        remedy = "Each row needs as many cells as the first line, and quotes must be closed."
        return Problem(source.name, f"line {line[1]} cannot be read", remedy)
    what = "it cannot be read: its lines do not all end alike, or a quote is not closed"
    return Problem(source.name, what, "Save the file again as CSV UTF-8.")
