"""How absence changes from one year group to the next in England: what others have published."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from attendlib.facts.years import academic_year_before


@dataclass(frozen=True, slots=True)
class NationalMove:
    """Percent before and after: of sessions missed (`what` is absence), or of enrolments persistently absent.

    `group` is empty for all pupils, else `fsm=1`; `linked` says whether the same pupils were followed.
    """

    what: str
    earlier: str
    year: str
    group: str
    before_pct: float
    after_pct: float
    linked: bool
    source: str


@cache
def _rows(name: str) -> tuple[dict[str, str], ...]:
    text = (files("attendlib.facts") / name).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def national_absence_moves(before: int, after: int) -> tuple[NationalMove, ...]:
    """Absence of the same pupils before and after, national_moves.csv; none for other steps than it holds."""
    return tuple(
        NationalMove(
            "absence",
            r["earlier"],
            r["year"],
            r["group"],
            float(r["before_pct"]),
            float(r["after_pct"]),
            True,
            r["source"],
        )
        for r in _rows("national_moves.csv")
        if (r["before"], r["after"]) == (str(before), str(after))
    )


def national_persistent_moves(before: int, after: int) -> tuple[NationalMove, ...]:
    """Persistent absence of a year group and, a year later, of the next: not the same enrolments. All, FSM and sex.

    Source: national_years.csv, DfE's bands summed; years without both ends (2018/19 to 2021/22) are not there.
    """
    known = {(r["academic_year"], int(r["year_group"]), r["group"]): r for r in _rows("national_years.csv")}
    found = []
    for (year, group_after, group), row in known.items():
        first = known.get((academic_year_before(year), before, group))
        if group_after == after == before + 1 and first is not None:
            pct = float(first["persistent_pct"]), float(row["persistent_pct"])
            found.append(
                NationalMove("persistent", academic_year_before(year), year, group, *pct, False, row["source"])
            )
    return tuple(found)
