"""Codes, thresholds, bands and years, at their edges."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendlib.facts.codes import KINDS, SESSIONS, codes, meaning_on
from attendlib.facts.definitions import (
    BAND_EDGES_PCT,
    band,
    band_labels,
    is_absent_at_least,
    is_persistently_absent,
    is_severely_absent,
)
from attendlib.facts.years import academic_year_before, academic_year_of, is_academic_year, year_group_name

LAST_OF_OLD, FIRST_OF_NEW = date(2024, 8, 18), date(2024, 8, 19)

PERSISTENT = [  # absent, possible, at 10%, at 50%
    (18, 190, False, False), (19, 190, True, False), (20, 190, True, False),
    (94, 190, True, False), (95, 190, True, True), (38, 380, True, False), (37, 380, False, False),
    (0, 0, False, False), (0, 1, False, False), (1, 1, True, True), (1, 10, True, False), (29, 290, True, False),
]  # fmt: skip


@pytest.mark.parametrize(("absent", "possible", "persistent", "severe"), PERSISTENT)
def test_thresholds_on_whole_sessions(absent: int, possible: int, persistent: bool, severe: bool) -> None:
    assert is_persistently_absent(absent, possible) is persistent
    assert is_severely_absent(absent, possible) is severe


@pytest.mark.parametrize(("absent", "possible"), [(-1, 10), (11, 10), (1, 0)])
def test_more_absent_than_possible_is_refused(absent: int, possible: int) -> None:
    with pytest.raises(ValueError, match=f"{absent} absent sessions of {possible} possible"):
        is_absent_at_least(absent, possible, 10)
    with pytest.raises(ValueError, match=f"{absent} absent sessions of {possible} possible"):
        band(absent, possible)


BANDS = [(0, 100, 0), (49, 1000, 0), (50, 1000, 1), (99, 1000, 1), (100, 1000, 2), (150, 1000, 3), (200, 1000, 4),
         (499, 1000, 4), (500, 1000, 5), (1000, 1000, 5)]  # fmt: skip


@pytest.mark.parametrize(("absent", "possible", "expected"), BANDS)
def test_bands_are_half_open_and_the_last_closed(absent: int, possible: int, expected: int) -> None:
    assert band(absent, possible) == expected


def test_band_labels() -> None:
    assert band_labels() == (
        "0% to under 5%", "5% to under 10%", "10% to under 15%", "15% to under 20%", "20% to under 50%", "50% or more",
    )  # fmt: skip


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_third_band_begins_where_persistence_does(sessions: tuple[int, int]) -> None:
    absent, possible = sessions
    assert (band(absent, possible) >= BAND_EDGES_PCT.index(10)) is is_persistently_absent(absent, possible)


CHANGED = [  # code, class until 18 August 2024, class from 19 August 2024
    ("J", "approved", None), ("J1", None, "authorised"), ("H", "authorised", None), ("Y", "not_possible", None),
    ("C", "authorised", "authorised"), ("C1", None, "authorised"), ("C2", None, "authorised"), ("K", None, "approved"),
    ("Q", None, "not_possible"), ("Y1", None, "not_possible"), ("Y7", None, "not_possible"), ("U", "unauthorised",
    "unauthorised"), ("D", "not_possible", "not_possible"), ("L", "present", "present"), ("B", "approved", "approved"),
    ("N", "unauthorised", "unauthorised"), ("-", "no_mark", "no_mark"), ("#", "not_possible", "not_possible"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "before", "after"), CHANGED)
def test_codes_by_date(code: str, before: str | None, after: str | None) -> None:
    found = (meaning_on(code, LAST_OF_OLD), meaning_on(code, FIRST_OF_NEW))
    assert tuple(row and row.session for row in found) == (before, after)


def test_dual_registration_left_possible_sessions_in_2011() -> None:
    days = (date(2011, 8, 31), date(2011, 9, 1))
    assert [row.session for day in days if (row := meaning_on("D", day))] == ["approved", "not_possible"]


def test_no_code_means_two_things_on_one_day() -> None:
    edges = {row.valid_from for row in codes()} | {row.valid_to for row in codes() if row.valid_to}
    for day in edges:
        held = [r.code for r in codes() if r.valid_from <= day and (r.valid_to is None or day <= r.valid_to)]
        assert len(held) == len(set(held))


def test_every_row_of_the_codes_is_of_the_agreed_form() -> None:
    known = {row.code for row in codes()}
    for row in codes():
        assert row.session in SESSIONS
        assert row.kind in ("", *KINDS)
        assert row.source
        assert row.meaning
        assert not row.instead or set(row.instead.replace(" or", "").replace(" to", "").split()) <= known
        assert row.valid_to is None or row.valid_from <= row.valid_to


def test_thirty_four_codes_are_in_force() -> None:
    assert sum(meaning_on(code, FIRST_OF_NEW) is not None for code in {r.code for r in codes()} - {"-"}) == 34


YEARS = [("2024/25", True), ("1999/00", True), ("2024/26", False), ("2024-25", False), ("24/25", False), ("", False)]


@pytest.mark.parametrize(("text", "expected"), YEARS)
def test_academic_years(text: str, expected: bool) -> None:
    assert is_academic_year(text) is expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [(date(2024, 7, 31), "2023/24"), (date(2024, 8, 1), "2024/25"), (date(2000, 1, 1), "1999/00")],
)
def test_the_academic_year_of_a_date(day: date, expected: str) -> None:
    assert academic_year_of(day) == expected
    assert is_academic_year(expected)


def test_the_year_before_and_the_names_of_year_groups() -> None:
    assert (academic_year_before("2000/01"), year_group_name(0), year_group_name(6)) == (
        "1999/00",
        "Reception",
        "Year 6",
    )
