"""What a saved notebook handed back: its one headline record, and what its header says."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from pydantic import ValidationError

from attendlib.errors import ReportError
from attendlib.records.answer import WAYS, Row
from attendlib.records.report import HEADER_MIME, RECORD_MIME, REPORT, Header, Report
from attendlib.records.study import ALL, NOTEBOOKS

FEWEST = {"internal": 5, "shareable": 10}  # the gate's limits, which the driver cannot import
_FIGURES = ("value", "low", "high", "se", "df", "p", "numerator")
_NUMBERS = attrgetter(*_FIGURES, "confidence_pct")
_TELLING = ("se", "df", "p", "numerator")  # a count follows from them
_OURS = {*NOTEBOOKS, "impact_details"}  # questions whose answers passed the gate, which knows who is in which row


@dataclass(frozen=True, slots=True)
class Handed:
    """The headline record of a notebook, every record in the order shown, and the header if there is one."""

    headline: Report
    records: tuple[Report, ...]
    header: Header | None


def handed_back(saved: Mapping[str, Any], school: str) -> Handed:
    """Reads and checks a saved notebook's records.

    Raises ReportError when a record is not of the agreed form, when there is not exactly one headline, or when a page
    about all schools holds figures of one school.
    """
    records = tuple(_checked(bundle[RECORD_MIME]) for bundle in _bundles(saved) if RECORD_MIME in bundle)
    headlines = [record for record in records if record.headline]
    if len(headlines) != 1:
        raise ReportError(f"The notebook showed {len(headlines)} headline records; it must show exactly one.")
    if school == ALL and any(row.scope == "school" for record in records for row in record.rows):
        raise ReportError("A page about all schools handed back a figure of a single school.")
    if wrong := sorted({row.estimate for record in records for row in record.rows if not _finite(row)}):
        raise ReportError(f"A record holds a figure that is no number (NaN or infinite): {', '.join(wrong)}.")
    headers = [Header.model_validate(b[HEADER_MIME]) for b in _bundles(saved) if HEADER_MIME in b]
    return Handed(headlines[0], records, headers[0] if headers else None)


def check_gated(handed: Handed, audience: str) -> None:
    """Raises ReportError for figures on too few pupils, or counting too few, that are not withheld; or without n."""
    few: set[str] = set()
    for record in handed.records:
        known = _people if record.question in _OURS else _named_people
        counted = {known(row) for row in record.rows if row.n is not None}
        shown = [row for row in record.rows if not row.withheld]
        few |= {row.estimate for row in shown if _too_few(row, known(row) in counted, FEWEST[audience])}
    if few:
        raise ReportError(
            f"A record holds figures on fewer than {FEWEST[audience]} pupils, or without their number, that are not "
            f"withheld: {', '.join(sorted(few))}."
        )


def _too_few(row: Row, counted: bool, fewest: int) -> bool:
    """A count may be lacking where another of the same pupils is `counted`: the gate withholds one a few from it."""
    if row.n is None:
        told = _FIGURES if not counted else _TELLING
        return any(getattr(row, name) is not None for name in told)
    return row.n < fewest or (row.numerator is not None and min(row.numerator, row.n - row.numerator) < fewest)


def _people(row: Row) -> tuple[str, ...]:
    """Whom the row is about: a way of answering is about everyone."""
    return (row.scope, "" if row.estimate in WAYS else row.group)


def _named_people(row: Row) -> tuple[str, ...]:
    """The same of a record of somebody's own, where only a row of the same estimate is known to be about the same."""
    return (row.estimate, *_people(row))


def _finite(row: Row) -> bool:
    return all(value is None or math.isfinite(value) for value in _NUMBERS(row))


def _bundles(saved: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for cell in saved["cells"]:
        for output in cell.get("outputs", []):
            yield output["data"]


def _checked(record: Any) -> Report:
    try:
        return REPORT.validate_python(record)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "record"
        raise ReportError(f"A record is not of the agreed form, at {place}: {first['msg']}.") from None
