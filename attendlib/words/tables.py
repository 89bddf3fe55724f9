"""Rows as printed tables: a caption, n beside every share, withheld figures marked and explained."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attendlib.records.answer import OWN_RECORDS, Check, Row, Step, Table
from attendlib.words.numbers import count, interval, places_for, plain, share

CHECKS = "Checks of the comparison"
STEPS = "Who is counted, and who is left out"
WITHHELD_NOTE = "c: withheld, so that no pupil can be recognised."


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: its label and the row whose figures it prints."""

    label: str
    row: Row


def estimates_table(
    caption: str, first: str, what: str, lines: Iterable[Line], note: str = "", counted: str = "Pupils"
) -> Table:
    """A label, the figure, its interval and n: each in a column of its own, so that figures stand under figures.

    Without `counted` n has no column: where it is the same on every line, the caption says it.
    """
    lines = list(lines)
    head = _interval_head(line.row for line in lines)
    cells = tuple(
        (line.label, *_estimate(line.row, bool(head)), *([_n(line.row)] if counted else [])) for line in lines
    )
    columns = tuple(name for name in (what, head, counted) if name)
    return Table(caption, (first, *columns), cells, columns, _note(lines, note), OWN_RECORDS)


def shares_table(caption: str, first: str, what: Sequence[str], lines: Iterable[tuple[str, Sequence[Row]]]) -> Table:
    """A label and one share, as '39 of 159 (25%)', for each of `what`."""
    lines = list(lines)
    cells = tuple((label, *(share(row) for row in rows)) for label, rows in lines)
    note = _note([Line(label, row) for label, rows in lines for row in rows], "")
    return Table(caption, (first, *what), cells, tuple(what), note, OWN_RECORDS)


def steps_table(steps: Sequence[Step]) -> Table:
    """Who is left out at each step, and why."""
    # The first step is everyone: nobody can have been left out, so it has a dash rather than a 0.
    cells = tuple(
        (step.reason, "–" if not place and step.lost == 0 else count(step.lost), count(step.left))
        for place, step in enumerate(steps)
    )
    hidden = any(step.lost is None or step.left is None for step in steps)
    columns = ("Step", "Pupils left out", "Pupils still in")
    return Table(STEPS, columns, cells, columns[1:], WITHHELD_NOTE if hidden else "", OWN_RECORDS)


RESULTS = {True: "passed", False: "not passed", None: "for information"}


def checks_table(checks: Sequence[Check]) -> Table:
    """Each check in words: passed, not passed, or for information."""
    cells = tuple((check.name, RESULTS[check.passed], check.text.replace("`", "")) for check in checks)
    return Table(CHECKS, ("Check", "Result", "In words"), cells)


def _interval_head(rows: Iterable[Row]) -> str:
    """'95% interval', 'Interval' where the rows differ in it, nothing where no row has one."""
    known = {row.confidence_pct for row in rows if row.low is not None and row.high is not None}
    return "" if not known else f"{known.pop():g}% interval" if len(known) == 1 and None not in known else "Interval"


def _estimate(row: Row, with_interval: bool) -> tuple[str, ...]:
    if row.value is None:
        mark = row.withheld or "not available"
        return (mark, mark if row.withheld else "–") if with_interval else (mark,)
    value = plain(row.value, places_for(row))
    if not with_interval:
        return (value,)
    return (value, "–" if row.low is None or row.high is None else interval(row))


def _n(row: Row) -> str:
    return row.withheld if row.withheld else count(row.n)


def _note(lines: Sequence[Line], note: str) -> str:
    hidden = any(line.row.withheld or (line.row.n is None and line.row.value is not None) for line in lines)
    return " ".join(part for part in (note, WITHHELD_NOTE if hidden else "") if part)
