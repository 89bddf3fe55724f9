"""Rows as printed tables: a caption, n beside every share, withheld figures marked and explained."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attendlib.records.answer import Check, Row, Step, Table
from attendlib.words.numbers import count, figure, share

WITHHELD_NOTE = "c: withheld, so that no pupil can be recognised."


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: its label and the row whose figures it prints."""

    label: str
    row: Row


def estimates_table(caption: str, first: str, what: str, lines: Iterable[Line], note: str = "") -> Table:
    """A label, the figure with its interval, and n."""
    lines = list(lines)
    cells = tuple((line.label, figure(line.row), _n(line.row)) for line in lines)
    return Table(caption, (first, what, "Pupils"), cells, (what, "Pupils"), _note(lines, note))


def shares_table(caption: str, first: str, what: Sequence[str], lines: Iterable[tuple[str, Sequence[Row]]]) -> Table:
    """A label and one share, as '39 of 159 (25%)', for each of `what`."""
    lines = list(lines)
    cells = tuple((label, *(share(row) for row in rows)) for label, rows in lines)
    note = _note([Line(label, row) for label, rows in lines for row in rows], "")
    return Table(caption, (first, *what), cells, tuple(what), note)


def steps_table(steps: Sequence[Step]) -> Table:
    """Who is left out at each step, and why."""
    cells = tuple((step.reason, "–" if step.lost == 0 else count(step.lost), count(step.left)) for step in steps)
    hidden = any(step.lost is None or step.left is None for step in steps)
    columns = ("Step", "Pupils left out", "Pupils still in")
    return Table("Who is counted, and who is left out", columns, cells, columns[1:], WITHHELD_NOTE if hidden else "")


RESULTS = {True: "passed", False: "not passed", None: "for information"}


def checks_table(checks: Sequence[Check]) -> Table:
    """Each check in words: passed, not passed, or for information."""
    cells = tuple((check.name, RESULTS[check.passed], check.text) for check in checks)
    return Table("Checks of the comparison", ("Check", "Result", "In words"), cells)


def _n(row: Row) -> str:
    return row.withheld if row.withheld else count(row.n)


def _note(lines: Sequence[Line], note: str) -> str:
    hidden = any(line.row.withheld for line in lines)
    return " ".join(part for part in (note, WITHHELD_NOTE if hidden else "") if part)
