"""What each attendance and absence code meant on each date."""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

SESSIONS = ("present", "approved", "authorised", "unauthorised", "not_possible", "no_mark")
KINDS = ("late_before", "late_after", "illness", "offsite", "holiday", "unresolved")


@dataclass(frozen=True, slots=True)
class Code:
    """A code's meaning over a span of dates: both ends are in it, `valid_to` None means still in force.

    `session` is one of SESSIONS; `kind` is one of KINDS or empty; `instead` is the code used outside the span.
    """

    code: str
    meaning: str
    valid_from: date
    valid_to: date | None
    session: str
    kind: str
    instead: str
    source: str


@cache
def codes() -> tuple[Code, ...]:
    """Every meaning of every code, one row per code and span of dates. Source: the `source` of each row."""
    text = (files("attendlib.facts") / "codes.csv").read_text(encoding="utf-8")
    return tuple(_code(row) for row in csv.DictReader(text.splitlines()))


def _code(row: dict[str, str]) -> Code:
    end = date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
    return Code(**{**row, "valid_from": date.fromisoformat(row["valid_from"]), "valid_to": end})  # type: ignore[arg-type]


def meaning_on(code: str, day: date) -> Code | None:
    """What `code` meant on `day`, or None where it was not in force."""
    return next((row for row in codes() if row.code == code and _in_force(row, day)), None)


def _in_force(row: Code, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or day <= row.valid_to)
