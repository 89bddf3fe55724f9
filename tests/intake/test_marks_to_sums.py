"""From marks to sums, counted by hand."""

import random
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from smalltrust import PUPILS, STUDY, marks, study

from attendlib.facts.codes import codes, meaning_on
from attendlib.facts.definitions import is_persistently_absent
from attendlib.intake.store import ensure_store, read_sql

Sums = dict[str, object]


def periods(folder: Path, grain: str, text: str = STUDY, **changed: str) -> list[Sums]:
    """The rows of the store's attendance of one grain, in order, without pupils."""
    store = ensure_store(study(folder, text=text, **changed))
    with duckdb.connect() as connection:
        found = connection.execute(f"FROM {read_sql(store, 'attendance')} WHERE grain = '{grain}' ORDER BY ALL")
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def year(folder: Path, *codes: str, day: str = "2024-09-02", **changed: str) -> Sums:
    """One pupil's year, from one code a session beginning on `day`."""
    start = date.fromisoformat(day)
    rows = (f"A1,999001,{start + timedelta(i // 2)},{'AM' if i % 2 == 0 else 'PM'},{c}" for i, c in enumerate(codes))
    pupils = PUPILS + "A1,999001,2023/24,5,1,H1,main\n"
    (found,) = periods(folder, "year", marks=marks(*rows), pupils=pupils, **changed)
    return found


def counts(row: Sums, *names: str) -> tuple[object, ...]:
    return tuple(row[name] for name in names)


CODES = [  # code, day, possible, authorised, unauthorised, and the one further count that is 1
    ("/", "2024-09-02", 1, 0, 0, ""), ("\\", "2024-09-02", 1, 0, 0, ""), ("L", "2024-09-02", 1, 0, 0, "late_before"),
    ("U", "2024-09-02", 1, 0, 1, "late_after"), ("B", "2024-09-02", 1, 0, 0, "offsite"),
    ("I", "2024-09-02", 1, 1, 0, "illness"), ("G", "2024-09-02", 1, 0, 1, "holiday"),
    ("N", "2024-09-02", 1, 0, 1, "unresolved"), ("O", "2024-09-02", 1, 0, 1, ""), ("C2", "2024-09-02", 1, 1, 0, ""),
    ("D", "2024-09-02", 0, 0, 0, "not_possible"), ("X", "2024-09-02", 0, 0, 0, "not_possible"),
    ("Y3", "2024-09-02", 0, 0, 0, "not_possible"), ("", "2024-09-02", 0, 0, 0, "no_mark"),
    ("-", "2024-09-02", 0, 0, 0, "no_mark"),
    ("J", "2024-06-05", 1, 0, 0, ""),  # an interview was attendance until August 2024
    ("J1", "2024-09-02", 1, 1, 0, ""),  # and is authorised absence since
    ("H", "2024-06-05", 1, 1, 0, "holiday"), ("Y", "2024-06-05", 0, 0, 0, "not_possible"),
]  # fmt: skip
KINDS = ("late_before", "late_after", "illness", "offsite", "holiday", "unresolved", "no_mark", "not_possible")


@pytest.mark.parametrize(("code", "day", "possible", "authorised", "unauthorised", "kind"), CODES)
def test_each_code_by_its_date(
    tmp_path: Path, code: str, day: str, possible: int, authorised: int, unauthorised: int, kind: str
) -> None:
    row = year(tmp_path, code, day=day)
    expected = (possible, authorised, unauthorised, authorised + unauthorised)
    assert counts(row, "possible", "authorised", "unauthorised", "absent") == expected
    assert counts(row, *KINDS) == tuple(int(name == kind) for name in KINDS)


def test_codes_change_their_meaning_overnight(tmp_path: Path) -> None:
    """18 August 2024 is J's last day and 19 August J1's first: both inside a half-term made for the test."""
    calendar = "academic_year,half_term,start_date,end_date\n2024/25,1,2024-08-12,2024-10-25\n"
    row = year(tmp_path, "J", "J", "J1", "J1", "J1", day="2024-08-18", calendar=calendar)
    assert counts(row, "possible", "authorised", "absent") == (5, 3, 3)


@pytest.mark.parametrize(("absent", "persistent"), [(18, False), (19, True), (20, True)])
def test_persistent_absence_on_whole_sessions(tmp_path: Path, absent: int, persistent: bool) -> None:
    calendar = "academic_year,half_term,start_date,end_date\n2024/25,1,2024-09-02,2024-12-20\n"
    row = year(tmp_path, *["I"] * absent, *["/"] * (190 - absent), calendar=calendar)
    assert counts(row, "possible", "absent") == (190, absent)
    assert is_persistently_absent(absent, 190) is persistent


def test_half_terms_weeks_and_year_agree(tmp_path: Path) -> None:
    days = ("2024-10-18", "2024-10-21", "2024-10-25", "2024-11-04")
    text = marks(*(f"A1,999001,{day},AM,{code}" for day, code in zip(days, "I/O/", strict=True)))
    halves, weeks, years = (periods(tmp_path, grain, marks=text) for grain in ("half_term", "week", "year"))
    assert [counts(row, "period", "possible", "absent") for row in halves] == [("1", 3, 2), ("2", 1, 0)]
    assert [counts(row, "period", "possible", "absent") for row in weeks] == [
        ("2024-10-14", 1, 1), ("2024-10-21", 2, 1), ("2024-11-04", 1, 0),
    ]  # fmt: skip
    assert [counts(row, "period", "possible", "absent", "authorised") for row in years] == [("year", 4, 2, 1)]
    spans = [tuple(map(str, counts(row, "period_start", "period_end"))) for row in (halves[0], weeks[0], years[0])]
    assert spans == [("2024-09-02", "2024-10-25"), ("2024-10-14", "2024-10-18"), ("2024-09-01", "2025-08-31")]
    assert tuple(map(str, counts(years[0], "first_date", "last_date"))) == ("2024-10-18", "2024-11-04")


def test_random_marks_are_summed_as_a_loop_sums_them(tmp_path: Path) -> None:
    """Every code in force, both sides of August 2024: half-terms and weeks against a loop over the marks."""
    draw = random.Random(20240819)
    spans = ((date(2024, 6, 3), 24, "2023/24", "6"), (date(2024, 9, 2), 40, "2024/25", "1"))
    rows, halves, weeks = [], defaultdict(Counter), defaultdict(Counter)
    for first, days, academic_year, half_term in spans:
        for day in (first + timedelta(n) for n in range(days) if (first + timedelta(n)).weekday() < 5):
            held = [code.code for code in codes() if meaning_on(code.code, day) == code]
            for session in ("AM", "PM"):
                code = draw.choice(held)
                rows.append(f"A1,999001,{day},{session},{code}")
                meaning = meaning_on(code, day)
                assert meaning is not None
                monday = str(day - timedelta(day.weekday()))
                for where in (halves[academic_year, half_term], weeks[academic_year, monday]):
                    where[meaning.session] += 1
                    where[meaning.kind] += 1
    calendar = "academic_year,half_term,start_date,end_date\n2023/24,6,2024-06-03,2024-07-24\n"
    changed = {"calendar": calendar + "2024/25,1,2024-09-02,2024-10-25\n",
               "pupils": PUPILS + "A1,999001,2023/24,5,1,H1,main\n", "marks": marks(*rows)}  # fmt: skip
    for grain, expected in (("half_term", halves), ("week", weeks)):
        found = {(row["academic_year"], row["period"]): row for row in periods(tmp_path, grain, **changed)}
        assert found.keys() == expected.keys()
        for key, count in expected.items():
            possible = sum(count[name] for name in ("present", "approved", "authorised", "unauthorised"))
            assert counts(found[key], "possible", "authorised", "unauthorised", *KINDS) == (
                possible, count["authorised"], count["unauthorised"], *(count[name] for name in KINDS),
            )  # fmt: skip


SPELLS = [  # codes session by session, runs of absence
    ("////", 0), ("IIII", 1), ("I/I/", 2), ("/IIO", 1), ("I#I/", 1), ("I-I/", 1), ("#I/I", 2),
]  # fmt: skip


@pytest.mark.parametrize(("codes", "spells"), SPELLS)
def test_spells_are_runs_of_absence(tmp_path: Path, codes: str, spells: int) -> None:
    assert year(tmp_path, *codes)["spells"] == spells


def test_days_left_out_are_counted(tmp_path: Path) -> None:
    text = STUDY + "exclude_dates:\n  - {date: 2024-09-02, reason: phased start}\n"
    shut = "date,reason,school\n2024-09-03,flood,999001\n2024-09-04,strike,\n2024-09-05,flood,999002\n"
    days = ("2024-09-02", "2024-09-03", "2024-09-04", "2024-09-05", "2024-10-28")
    rows = marks(*(f"A1,999001,{day},AM,/" for day in days))
    (row,) = periods(tmp_path, "year", text=text, marks=rows, closures=shut)
    assert row["possible"] == 1
    assert ensure_store(study(tmp_path, {}, text=text)).notes == (
        "2 marks on days in closures, left out (2 dates, 1 school).",
        "1 mark on days the study file excludes, left out (1 date, 1 school).",
        "1 mark outside the calendar's half-terms, left out (1 date, 1 school).",
    )


def test_a_school_may_have_its_own_calendar(tmp_path: Path) -> None:
    calendar = (
        "academic_year,half_term,start_date,end_date,school\n"
        "2024/25,1,2024-09-02,2024-10-25,\n2024/25,1,2024-09-02,2024-10-18,999002\n"
    )
    text = marks("A1,999001,2024-10-21,AM,/", "B1,999002,2024-10-21,AM,/", "B1,999002,2024-10-17,AM,/")
    found = periods(tmp_path, "half_term", marks=text, calendar=calendar)
    assert sorted((row["school"], row["possible"], str(row["period_end"])) for row in found) == [
        ("999001", 1, "2024-10-25"), ("999002", 1, "2024-10-18"),
    ]  # fmt: skip
