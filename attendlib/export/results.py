"""results.csv: every figure of every report, one a row, numbers to ten significant digits."""

import csv
import io
from collections.abc import Iterable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import Any

from attendlib.export.entry import Entry
from attendlib.records.answer import Row
from attendlib.records.study import ALL

COLUMNS = (
    "study", "scope", "school", "notebook", "estimate", "outcome", "group", "period", "model", "value", "low", "high",
    "se", "df", "p", "confidence_pct", "unit", "n", "n_groups", "numerator", "withheld", "method",
)  # fmt: skip
_OWN = 4  # columns that are not all the row's own
_OF_ROW = attrgetter(*COLUMNS[_OWN:])
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
FIGURES = ("value", "low", "high", "se", "df", "p", "n", "n_groups", "numerator")


def results_parts(study: str, entries: Iterable[Entry]) -> Iterator[str]:
    """The file's text part by part: a header, then each report's rows in the order given.

    A figure about all schools that several schools' pages share is written once, with no school. In parts, for the rows
    of thousands of reports together are more than a driver should hold.
    """
    shared: set[tuple[str, ...]] = set()
    yield _text([COLUMNS])
    for entry in entries:
        lines = [line for line in dict.fromkeys(_lines(study, entry)) if line not in shared]
        shared.update(line for line in lines if line[1] == ALL)
        yield _text(lines)


def _lines(study: str, entry: Entry) -> Iterator[tuple[str, ...]]:
    for row in entry.rows:
        school = "" if row.scope == ALL else entry.school
        own = _without_figures(row) if row.withheld else _OF_ROW(row)
        line = (study, row.scope, school, entry.notebook, *own)
        yield tuple(["" if value is None else _cell(value) for value in line])  # half of all cells say nothing


def _text(lines: Iterable[tuple[str, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()


def _without_figures(row: Row) -> tuple[Any, ...]:
    return tuple(None if name in FIGURES else getattr(row, name) for name in COLUMNS[_OWN:])


def _cell(value: str | float | bool) -> str:
    if isinstance(value, str):
        return _plain(value)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


@lru_cache(10_000)
def _plain(text: str) -> str:
    """A text that a spreadsheet would take for a formula, after an apostrophe."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
