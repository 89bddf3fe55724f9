"""The synthetic trust as files: the same bytes every time, tidy tables, an English calendar, valid codes."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from trusts import digests, query

from attendlib.errors import StudyError
from attendlib.facts.codes import meaning_on
from attendlib.intake.study import read_study
from attendlib.intake.synthetic.write import Truth, write_trust
from attendlib.intake.tables import check_study
from attendlib.records.tables import TABLES

Made = tuple[Path, Truth]
FILES = (
    "attainment.csv", "calendar.csv", "closures.csv", "interventions.csv", "marks.parquet", "pupils.csv",
    "schools.csv", "truth.json",
)  # fmt: skip


def test_same_arguments_same_bytes(small: Made, tmp_path: Path) -> None:
    write_trust(tmp_path, schools=3, pupils=660)
    assert digests(tmp_path) == digests(small[0])
    assert tuple(digests(tmp_path)) == FILES


def test_another_process_same_bytes(small: Made, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from attendlib.intake.synthetic.write import write_trust\n"
        f"write_trust(Path({str(tmp_path)!r}), schools=3, pupils=660)"
    )
    other = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code], check=True, env=other)
    assert digests(tmp_path) == digests(small[0])


def test_another_seed_another_trust(small: Made, tmp_path: Path) -> None:
    write_trust(tmp_path, schools=3, pupils=660, seed=1)
    same = {name for name, digest in digests(tmp_path).items() if digests(small[0])[name] == digest}
    assert same <= {"calendar.csv", "schools.csv"}


def test_check_finds_nothing_wrong(small: Made, tmp_path: Path) -> None:
    study = tmp_path / "study.yml"
    lines = ("study: invented", "title: Invented", f"data: {small[0]}", 'academic_year: "2024/25"')
    study.write_text(
        "\n".join((*lines, "notebooks: {transition_dip: {before_year_group: 6, after_year_group: 7}}", "")),
        encoding="utf-8",
    )
    assert check_study(read_study(study)).problems == ()


@pytest.mark.parametrize("table", ["schools", "pupils", "attainment", "interventions", "calendar", "closures", "marks"])
def test_columns_and_keys_are_the_tidy_ones(small: Made, table: str) -> None:
    known, rows = TABLES[table], query(small[0], f"SELECT * FROM {{{table}}}")
    assert set(rows) <= set(known.names())
    assert {c.name for c in known.columns if c.required} <= set(rows)
    assert not rows.duplicated([c for c in known.key if c in rows]).any()


def test_marks_are_sorted_within_each_school_and_year(small: Made) -> None:
    rows = query(small[0], "SELECT * FROM {marks}")
    order = rows.assign(year=rows.date >= "2024-08-01").sort_values(["year", "school", "pupil", "date", "session"])
    assert (order.index == rows.index).all()


def test_a_year_is_190_days_in_six_half_terms(small: Made) -> None:
    sql = """SELECT academic_year, school, count(DISTINCT date) AS days, count(DISTINCT half_term) AS terms
             FROM {marks} JOIN {calendar} ON date BETWEEN start_date::DATE AND end_date::DATE
             WHERE code <> '#' GROUP BY ALL"""
    found = query(small[0], sql)
    assert len(found) == 6
    assert set(found.days) == {190}
    assert set(found.terms) == {6}


def test_a_training_day_is_marked_closed_and_every_mark_falls_in_a_half_term(small: Made) -> None:
    closed = query(small[0], "SELECT DISTINCT date FROM {marks} WHERE code = '#' ORDER BY 1").date.astype(str)
    assert list(closed) == ["2023-10-30", "2024-11-04"]
    outside = query(
        small[0],
        """SELECT count(*) AS n FROM {marks} WHERE NOT EXISTS (SELECT 1 FROM {calendar}
           WHERE date BETWEEN start_date::DATE AND end_date::DATE)""",
    )
    assert outside.n[0] == 0


def test_every_code_is_in_force_on_its_first_and_last_date(large: Made) -> None:
    spans = query(large[0], "SELECT code, min(date) a, max(date) b FROM {marks} WHERE code <> '' GROUP BY 1")
    wrong = [
        r.code
        for r in spans.itertuples()
        for d in (r.a, r.b)
        if meaning_on(r.code, date.fromisoformat(str(d)[:10])) is None
    ]
    assert wrong == []
    assert {"J", "H", "Y"} <= set(spans.code[spans.b < "2024-08-19"])
    assert {"J1", "C1", "C2", "K", "Y4"} <= set(spans.code[spans.a >= "2024-08-19"])
    assert {"L", "U", "B", "V", "W", "#", "X", "D"} <= set(spans.code)


def test_identifiers_are_no_upns_and_follow_no_order(small: Made) -> None:
    rows = query(small[0], "SELECT pupil, school FROM {pupils} WHERE academic_year = '2023/24'")
    assert rows.pupil.str.fullmatch("S[0-9a-f]{9}").all()
    by_name = rows.sort_values("pupil").school
    assert 0.3 < (by_name.to_numpy()[1:] == by_name.to_numpy()[:-1]).mean() < 0.5  # chance: 3/8 for 1:1:2


def test_pupils_move_up_and_say_where_they_came_from(small: Made) -> None:
    sql = """SELECT a.year_group::INT AS g1, b.year_group::INT AS g2, a.school AS s1, b.school AS s2,
             b.previous_school AS came FROM {pupils} a JOIN {pupils} b USING (pupil)
             WHERE a.academic_year < b.academic_year"""
    rows = query(small[0], sql)
    assert (rows.g2 == rows.g1 + 1).all()
    moved = rows[rows.g1 == 6]
    assert (moved.came == moved.s1).all()
    assert set(moved.s2) == {"999003"}
    assert len(moved) > 50  # of 60 in Year 6


def test_a_mid_year_leaver_has_no_marks_after_leaving(small: Made) -> None:
    sql = """SELECT count(*) AS late FROM {marks} m JOIN {pupils} p ON m.pupil = p.pupil AND m.school = p.school
             WHERE (p.academic_year = '2024/25') = (m.date >= '2024-08-01')
             AND (m.date > p.leaving_date::DATE OR m.date < p.entry_date::DATE)"""
    assert query(small[0], sql).late[0] == 0
    assert query(small[0], "SELECT count(leaving_date) AS n FROM {pupils}").n[0] > 5


def test_a_missing_result_is_a_row_with_a_reason(small: Made) -> None:
    rows = query(small[0], "SELECT * FROM {attainment}")
    assert (rows.value.isna() == rows.reason.notna()).all()
    assert 5 < rows.value.isna().sum() < 0.2 * len(rows)
    assert set(rows.measure) == {"ks2_read", "ks2_maths", "ks2_average", "maths", "attainment8"}


def plain(value: object) -> bool:
    """Whether a value is of the kinds JSON has, all the way down."""
    if isinstance(value, dict):
        return all(type(k) is str and plain(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return type(value) in (str, int, float, bool, type(None))


def test_truth_is_plain_numbers(small: Made) -> None:
    assert plain(small[1].values)
    assert plain(json.loads((small[0] / "truth.json").read_text(encoding="utf-8"), parse_constant=complex))


def test_truth_is_what_was_returned(small: Made) -> None:
    written = json.loads((small[0] / "truth.json").read_text(encoding="utf-8"))
    assert written["settings"]["pupils"] == small[1].shape.pupils == 660
    marks = query(small[0], "SELECT count(*) AS n FROM {marks}").n[0]
    assert sum(row["mark_rows"] for row in written["sessions"]) == marks
    first = query(small[0], "SELECT count(*) AS n FROM {pupils} WHERE academic_year = '2023/24' AND entry_date IS NULL")
    assert first.n[0] == 660


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"schools": 1}, "schools"), ({"pupils": 20}, "pupils"), ({"seed": -1}, "seed"), ({"effect_days": 400.0}, "days")],
)
def test_nonsense_is_refused_before_anything_is_written(wrong: dict, named: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=named):
        write_trust(tmp_path / "new", **wrong)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("schools", "pupils"), [(2, 60), (5, 400), (7, 1000)])
def test_any_number_of_schools(schools: int, pupils: int, tmp_path: Path) -> None:
    write_trust(tmp_path, schools=schools, pupils=pupils)
    assert query(tmp_path, "SELECT count(DISTINCT phase) AS n FROM {schools}").n[0] == 2
    assert query(tmp_path, "SELECT count(DISTINCT year_group) AS n FROM {pupils}").n[0] == 11
