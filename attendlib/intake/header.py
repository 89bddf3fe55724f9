"""The first line of a file and the types of its columns: whether they can be used, before any row is read."""

import codecs
import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from attendlib.errors import DataError, Problem
from attendlib.records.tables import TABLES

_SAVE_AS = "Save the file again as CSV UTF-8 (in Excel: Save As, CSV UTF-8)."
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_TEXT = {  # how files of other kinds begin
    b"PK\x03\x04": "an Excel workbook or a zip file",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"PAR1": "a Parquet file",
}
_UNUSABLE = re.compile(r"STRUCT|MAP|UNION|BLOB|INTERVAL|\[")
_NOT_WORDS = re.compile("DOUBLE|FLOAT|DECIMAL|BOOLEAN")


def csv_columns(name: str, path: Path, table: str) -> list[str]:
    """The column names of a CSV file, lower-cased; a column without a name is `unnamed` and its place.

    Raises DataError where the file is not UTF-8 text, is empty, or has a first line that does not name columns.
    """
    problem = _not_utf8(name, path)
    if problem:
        raise DataError([problem])
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            names = [cell.strip().lower() for cell in next(csv.reader(lines), [])]
    except csv.Error as error:
        raise DataError([Problem(name, "line 1 cannot be read", "Close its quotes; it names the columns.")]) from error
    if not any(names):
        raise DataError([Problem(name, "the file is empty", "Its first line must name the columns.")])
    if len(names) == 1 and re.search("[;\t|]", names[0]):
        raise DataError([Problem(name, "its columns are not separated by commas", "Save the file again with commas.")])
    _check_names(name, names, table)
    return [cell or f"unnamed {place}" for place, cell in enumerate(names, start=1)]


def parquet_columns(name: str, described: Sequence[tuple[str, str]], table: str) -> Mapping[str, str]:
    """The column names of a Parquet table, lower-cased, each with the SQL that makes it text.

    `described` has each column's name and DuckDB type. Raises DataError for names or types that cannot be used.
    """
    names = [column.strip().lower() for column, _ in described]
    _check_names(name, names, table)
    kinds = {column.name: column.kind for column in TABLES[table].columns}
    typed = [(low, kind, kinds.get(low)) for low, (_, kind) in zip(names, described, strict=True)]
    problems = [problem for low, kind, wanted in typed if wanted and (problem := _type(name, low, kind, wanted))]
    if problems:
        raise DataError(problems)
    return {low: _as_text(column, kind) for low, (column, kind) in zip(names, described, strict=True)}


def _check_names(name: str, names: Sequence[str], table: str) -> None:
    """No name is shown unless the schema has it: without a header the first line is a pupil's."""
    known = TABLES[table].names()
    twice = sorted({column for column in names if column in known and names.count(column) > 1})
    if twice:
        what = f"columns that stand twice: {', '.join(twice)}"
        raise DataError([Problem(name, what, "Keep one column of each name.")])
    if not set(names) & set(known):
        required = ", ".join(column.name for column in TABLES[table].columns if column.required)
        remedy = f"Name its columns {required} (in a CSV file, in its first line; docs/data-format.md)."
        raise DataError([Problem(name, "none of its columns has a name this table uses", remedy)])


def _type(name: str, column: str, kind: str, wanted: str) -> Problem | None:
    """What is wrong with a Parquet column of DuckDB type `kind` where the schema wants `wanted`."""
    if "TIME ZONE" in kind:
        return Problem(name, "times with a time zone, so the date depends on the reader", "Write plain dates.", column)
    if _UNUSABLE.search(kind):
        return Problem(name, "values that are not text, numbers or dates", "Write the column as text.", column)
    if wanted == "text" and _NOT_WORDS.search(kind):
        remedy = "Write the column as text, so that 012345 keeps its first 0."
        return Problem(name, "numbers with a decimal point, or true and false, where text is needed", remedy, column)
    return None


def _as_text(name: str, kind: str) -> str:
    column = '"' + name.replace('"', '""') + '"'
    if kind == "BOOLEAN":
        return f"{column}::INTEGER::VARCHAR"
    return f"{column}::DATE::VARCHAR" if kind.startswith("TIMESTAMP") else f"{column}::VARCHAR"


def _not_utf8(name: str, path: Path) -> Problem | None:
    """A problem naming the line of the first byte that is not UTF-8 (a UTF-8 byte order mark is harmless)."""
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    with path.open("rb") as file:
        start = file.read(4)
        other = _NOT_TEXT.get(start, "UTF-16" if start[:2] in _UTF16 else "")
        if other:
            return Problem(name, f"the file is {other}, not UTF-8 text", _SAVE_AS)
        file.seek(0)
        for piece in iter(lambda: file.read(1 << 20), b""):
            if b"\0" in piece:
                line += piece[: piece.index(b"\0")].count(b"\n")
                return Problem(name, f"line {line} holds a NUL character (perhaps UTF-16)", _SAVE_AS)
            try:
                decoder.decode(piece)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                return Problem(name, f"line {line} is not UTF-8 text (perhaps Windows-1252)", _SAVE_AS)
            line += piece.count(b"\n")
    return None
