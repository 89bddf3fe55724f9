"""The codes' classes add up DfE's own year totals: attendance, absence and possible sessions of every area."""

import csv
from collections.abc import Iterator
from datetime import date

import pytest
from shared import shared

from attendlib.facts.codes import codes, meaning_on

FILES = {"attendance_ytd_2023_24.csv": date(2023, 9, 4), "attendance_ytd_2024_25.csv": date(2024, 9, 2),
         "attendance_ytd_2025_26.csv": date(2025, 9, 1)}  # fmt: skip
CLASSES = ("present", "approved", "authorised", "unauthorised")
TOTALS = {
    "present": "present_sessions",
    "approved": "approved_educational_activity",
    "unauthorised": "unauthorised_absence",
}
# Codes DfE still receives and counts as they were until they ended. Its totals say so: J is in approved activity.
LEGACY = date(2024, 8, 18)

Numbers = dict[str, int]


def code_of(column: str) -> str:
    """The code in a column's name: reason_c2_authorised_temp_reduced_timetable is C2."""
    marks = {"reason_present_am": "/", "reason_present_pm": "\\"}
    return marks.get(column) or column.split("_")[1].upper()


def classes(columns: list[str], day: date) -> dict[str, str]:
    """Each reason column's class of session on `day`, or on the last day its code was in force."""
    known = {row.code for row in codes()}
    found = {}
    for column in columns:
        if column.startswith("reason_") and column != "reason_present":
            code = code_of(column)
            assert code in known, column
            row = meaning_on(code, day) or meaning_on(code, LEGACY)
            assert row is not None, column
            found[column] = row.session
    return found


def rows(name: str) -> tuple[list[tuple[str, Numbers, Numbers]], int]:
    """Each area's published totals and our sums by class, and how many areas are suppressed."""
    with shared(f"dfe/{name}").open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        published = list(reader)
        reasons = classes(list(reader.fieldnames or ()), FILES[name])
    whole = [
        row for row in published if all(row[column].strip().isdigit() for column in (*reasons, "possible_sessions"))
    ]
    return [(_area(row), _published(row), _summed(row, reasons)) for row in whole], len(published) - len(whole)


def _area(row: dict[str, str]) -> str:
    phase = row.get("school_type") or row["education_phase"]
    return f"{row['la_name'] or row['region_name'] or row['country_name']}, {phase}"


def _published(row: dict[str, str]) -> Numbers:
    names = (*TOTALS.values(), "authorised_absence", "overall_attendance", "overall_absence", "possible_sessions",
             "late_sessions")  # fmt: skip
    return {name: int(row[name]) for name in names}


def _summed(row: dict[str, str], reasons: dict[str, str]) -> Numbers:
    sums = {kind: sum(int(row[column]) for column, session in reasons.items() if session == kind) for kind in CLASSES}
    late = sum(int(row[column]) for column in reasons if code_of(column) in ("L", "U"))
    return {**sums, "late": late}


def differences(name: str) -> Iterator[tuple[str, int, float]]:
    """Areas whose authorised absence is not the sum of its reasons: how many sessions, what share of possible."""
    for area, published, summed in rows(name)[0]:
        gap = published["authorised_absence"] - summed["authorised"]
        if gap:
            yield area, gap, abs(gap) / published["possible_sessions"]


@pytest.mark.parametrize("name", FILES)
def test_classes_add_up_exactly(name: str) -> None:
    found, _ = rows(name)
    assert len(found) > 400
    for area, published, summed in found:
        for kind, column in TOTALS.items():
            assert summed[kind] == published[column], (area, kind)
        assert summed["late"] == published["late_sessions"], area
        assert summed["present"] + summed["approved"] == published["overall_attendance"], area
        assert published["overall_attendance"] + published["overall_absence"] == published["possible_sessions"], area


DIFFERENT = {"attendance_ytd_2023_24.csv": 135, "attendance_ytd_2024_25.csv": 56, "attendance_ytd_2025_26.csv": 51}
SUPPRESSED = {"attendance_ytd_2023_24.csv": 4, "attendance_ytd_2024_25.csv": 3, "attendance_ytd_2025_26.csv": 4}
LARGEST = {  # the area furthest out in each year, and by how many sessions
    "attendance_ytd_2023_24.csv": ("Oxfordshire, Secondary", 226),
    "attendance_ytd_2024_25.csv": ("Rochdale, Secondary", 382),
    "attendance_ytd_2025_26.csv": ("North Tyneside, Secondary", 28),
}


@pytest.mark.parametrize("name", FILES)
def test_authorised_absence_is_its_reasons_and_a_trace_of_old_codes(name: str) -> None:
    """Published totals hold a few sessions more, never fewer: old F codes, whose column DfE leaves out."""
    found = sorted(differences(name), key=lambda item: -item[2])
    print(f"{name}: authorised differs in {len(found)} areas of {len(rows(name)[0])}:")  # noqa: T201
    for area, gap, share in found:
        print(f"  {area}: {gap} sessions, {share:.2e} of possible")  # noqa: T201
    assert all(gap > 0 and share < 1e-4 for _, gap, share in found)
    assert len(found) == DIFFERENT[name]
    assert found[0][:2] == LARGEST[name]


@pytest.mark.parametrize("name", FILES)
def test_suppressed_areas_are_counted_not_summed(name: str) -> None:
    """Areas with one school reporting carry a mark instead of numbers; they are left out above, this many of them."""
    assert rows(name)[1] == SUPPRESSED[name] > 0
