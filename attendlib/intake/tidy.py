"""Opens a tidy folder: each table read as text from CSV or Parquet, and what is wrong with a file itself."""

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from attendlib.errors import DataError, Problem
from attendlib.records.tables import TABLES

BLANKS = " \t\u00a0"  # trimmed from both ends of every value
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAVE_AS = "Save the file again as CSV UTF-8 (in Excel: Save As, CSV UTF-8)."


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
    for name in (f"{table}.csv", f"{table}.parquet"):
        if (folder / name).is_file():
            yield Source(table, name, (folder / name,))
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
            _make_raw(connection, source, found)
        except duckdb.Error as error:
            problems.append(_unreadable(source, error))
            continue
        except DataError as error:
            problems.extend(error.problems)
            continue
        columns[table] = tuple(name for name in TABLES[table].names() if name in found)
        dropped = [name for name in found if name not in columns[table]]
        if dropped:
            notes.append(f"{source.name}: columns not used and dropped: {', '.join(dropped)}.")
    return Opened(sources, columns, tuple(problems), tuple(notes))


def _header(connection: duckdb.DuckDBPyConnection, source: Source) -> dict[str, str]:
    """The column names, lower-cased, each with the SQL that makes it text. Raises DataError if they cannot be used."""
    if not source.is_csv:
        described = connection.execute(f"DESCRIBE SELECT * FROM {_parquet(source)}").fetchall()
        return {name.strip().lower(): _as_text(name, kind) for name, kind, *_ in described}
    problem = _not_utf8(source)
    if problem:
        raise DataError([problem])
    with source.files[0].open(encoding="utf-8-sig", newline="") as lines:
        names = [name.strip().lower() for name in next(csv.reader(lines), [])]
    problem = _header_problem(source, names)
    if problem:
        raise DataError([problem])
    return {name: f'"{name}"' for name in names}


def _header_problem(source: Source, names: Sequence[str]) -> Problem | None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        return Problem(source.name, f"columns that stand twice: {', '.join(twice)}", "Keep one column of each name.")
    if not any(names):
        return Problem(source.name, "the file is empty", "Its first line must name the columns.")
    if len(names) == 1 and re.search("[;\t]", names[0]):
        return Problem(source.name, "its columns are not separated by commas", "Save the file again with commas.")
    return None


def _not_utf8(source: Source) -> Problem | None:
    """A problem naming the line of the first byte that is not UTF-8 (a UTF-8 byte order mark is harmless)."""
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    with source.files[0].open("rb") as file:
        start = file.read(2)
        if start in _UTF16:
            return Problem(source.name, "the file is UTF-16, not UTF-8", _SAVE_AS)
        file.seek(0)
        for piece in iter(lambda: file.read(1 << 20), b""):
            try:
                decoder.decode(piece)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                return Problem(source.name, f"line {line} is not UTF-8 text (perhaps Windows-1252)", _SAVE_AS)
            line += piece.count(b"\n")
    return None


def _parquet(source: Source) -> str:
    files = ", ".join(quoted(file) for file in source.files)
    return f"read_parquet([{files}], union_by_name=true, hive_partitioning=true, hive_types_autocast=false)"


def _as_text(name: str, kind: str) -> str:
    column = '"' + name.replace('"', '""') + '"'
    if kind == "BOOLEAN":
        return f"{column}::INTEGER::VARCHAR"
    return f"{column}::DATE::VARCHAR" if kind.startswith("TIMESTAMP") else f"{column}::VARCHAR"


def _make_raw(connection: duckdb.DuckDBPyConnection, source: Source, found: Mapping[str, str]) -> None:
    known = [name for name in TABLES[source.table].names() if name in found]
    chosen = ", ".join(f'{_trimmed(found[name])} AS "{name}"' for name in known)
    rows = _csv(source, found) if source.is_csv else _parquet(source)
    connection.execute(f"CREATE TABLE raw_{source.table} AS SELECT {chosen or 'NULL AS nothing'} FROM {rows}")


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
    line = re.search(r"Line: (\d+)", str(error))
    where = f"line {line[1]}" if line else "a row"
    what = f"{where} cannot be read" if source.is_csv else "not a readable Parquet file"
    return Problem(source.name, what, "Each row needs as many cells as the first line, and quotes must be closed.")
