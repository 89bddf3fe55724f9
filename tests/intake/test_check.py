"""Each thing that can be wrong with the data, and the words it is told in."""

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest
from smalltrust import CALENDAR, MARKS, PUPILS, SCHOOLS, STUDY, attendance, marks, study

from attendlib.intake import tidy
from attendlib.intake.check import Findings
from attendlib.intake.tables import check_study

IDENTIFIERS = ("A1", "A2", "B1", "H1", "H2", "Z9", "C1")


def findings(folder: Path, text: str = STUDY, **changed: str) -> Findings:
    return check_study(study(folder, text=text, **changed))


def told(folder: Path, text: str = STUDY, **changed: str) -> list[str]:
    return [str(problem) for problem in findings(folder, text, **changed).problems]


def test_the_small_trust_is_right(tmp_path: Path) -> None:
    assert findings(tmp_path) == Findings((), ())


NOT_MET = (
    "2 rows: 1 pupil not enrolled in that school in that academic year in pupils.csv. Add their rows to pupils.csv"
)
NO_NAMES = "none of its columns has a name this table uses. Name its columns"
REFUSALS = [  # table, its text, what the one message begins with
    ("schools", "", "schools.csv: the table is missing; every study needs it. Add it to the data folder with the"
     " columns"),
    ("marks", "", "marks.csv or attendance.csv: the table is missing; every study needs it."),
    ("calendar", "", "calendar.csv: the table is missing; marks need the dates of half-terms."),
    ("schools", SCHOOLS.replace(",phase", ",stage"), "schools.csv, column phase: the column is missing. Add it, or"
     " rename"),
    ("schools", SCHOOLS.replace("name,phase", "name,Name"), "schools.csv: columns that stand twice: name. Keep one"),
    ("schools", SCHOOLS.replace("primary", "infant"),
     "schools.csv, column phase: 1 row: not a value allowed here (such as infant). Use one of primary, secondary,"),
    ("schools", SCHOOLS.replace(",secondary", ","), "schools.csv, column phase: 1 row: empty where a value is needed."),
    ("schools", SCHOOLS + "999001,Ash Again,primary\n",
     "schools.csv: 2 rows: rows that share the same school; a row is a school. Keep one row of each."),
    ("schools", SCHOOLS + "all,Every,primary\n", "schools.csv, column school: 1 row: not usable as a school's"
     " identifier."),
    ("pupils", PUPILS.replace(",7,0", ",seven,0"), "pupils.csv, column year_group: 1 row: not a whole number. Use"
     " digits"),
    ("pupils", PUPILS.replace(",7,0", ",17,0"), "pupils.csv, column year_group: 1 row: not a year group. Use 0 for"),
    ("pupils", PUPILS.replace(",7,0", ",7,Y"), "pupils.csv, column fsm6: 1 row: not 0 or 1 (such as Y). Use 1 for yes"),
    ("pupils", PUPILS + "A1,999001,2024/25,6,1,H1,main\n",
     "pupils.csv: 2 rows: rows that share the same pupil, school, academic_year; a row is a pupil enrolled"),
    ("pupils", PUPILS.replace("B1,999002", "B1,999009") + "B1,999002,2024/25,7,0,H1,main\n",
     "pupils.csv, column school: 1 row: a school that is not in schools.csv. Add the school there"),
    ("pupils", PUPILS + "".join(f"C{n},999009,2024/25,7,0,,main\n" for n in range(5)),
     "pupils.csv, column school: 5 rows: a school that is not in schools.csv (such as 999009). Add the school there"),
    ("pupils", PUPILS.replace("pupil,school", "school,pupil"),
     "pupils.csv, column school: 3 rows: a school that is not in schools.csv. Add the school there"),
    ("pupils", PUPILS.split("\n", 1)[1], f"pupils.csv: {NO_NAMES} pupil, school, academic_year, year_group (in a CSV"),
    ("pupils", "Pupils of 2024,,,,,,\n" + PUPILS, f"pupils.csv: {NO_NAMES} pupil, school, academic_year, year_group"),
    ("pupils", PUPILS.split("\n", 1)[0] + "\n", "pupils.csv: the table has no rows. Add its rows"),
    ("pupils", "\n\n", "pupils.csv: the file is empty. Its first line must name the columns."),
    ("pupils", PUPILS.replace(",", ";"), "pupils.csv: its columns are not separated by commas. Save the file again"),
    ("pupils", PUPILS.replace(",", "|"), "pupils.csv: its columns are not separated by commas. Save the file again"),
    ("pupils", PUPILS.replace("\n", "\r\n", 2),
     "pupils.csv: it cannot be read: its lines do not all end alike, or a quote is not closed. Save the file again"),
    ("pupils", PUPILS.replace("A2,", '"A2,'), "pupils.csv: line 3 cannot be read. Each row needs as many cells"),
    ("pupils", PUPILS.replace("H2", "H\0"), "pupils.csv: line 3 holds a NUL character (perhaps UTF-16). Save the file"),
    ("pupils", PUPILS.replace("A2,999001,2024/25", "A2,999001,2024"),
     "pupils.csv, column academic_year: 1 row: not an academic year (such as 2024). Write it as 2024/25."),
    ("schools", SCHOOLS.replace("999001", "999 001"), "schools.csv, column school: 1 row: not usable as a school's"),
    ("schools", SCHOOLS + "abc,Elm,primary\nABC,Oak,primary\n",
     "schools.csv, column school: 2 rows: identifiers that differ only in capitals. Write each school in one way."),
    ("marks", marks("A1,999001,02/09/2024,AM,/"),
     "marks.csv, column date: 1 row: not a date (such as 02/09/2024). Write dates as 2024-09-02."),
    *(("marks", marks(f"A1,999001,{day},AM,/"), "marks.csv, column date: 1 row: not a date. Write dates as 2024-09-02.")
      for day in ("45537", "epoch", "-infinity", "2024-09-02 (BC)", "2024-09-02 08:40")),
    *(("marks", marks(f"A1,999001,{day},AM,/"), f"marks.csv, column date: 1 row: not a date (such as {day}). Write")
      for day in ("2024/09/02", "2024-9-2", "0000-00-00", "9999-12-31")),
    ("marks", marks("A1,999001,2023-10-02,AM,/"), f"marks.csv, column pupil: {NOT_MET.replace('2 rows', '1 row')}"),
    ("marks", marks("A1,999001,2024-10-28,AM,#"),
     "marks.csv, column date: no mark is on a day that counts. Check the years of calendar.csv"),
    ("marks", "date,session,A1,A2\n2024-09-02,AM,/,I\n", "marks.csv, column pupil: the column is missing. Add it"),
    ("marks", marks("A1,999001,2024-09-31,AM,/"), "marks.csv, column date: 1 row: not a date (such as 2024-09-31)."),
    ("marks", marks("A1,999001,2024-09-02,am,/"), "marks.csv, column session: 1 row: not a value allowed here"
     " (such as am)"),
    ("marks", marks("A1,999001,2024-09-02,AM,/", "A1,999001,2024-09-02,AM,I"),
     "marks.csv: 2 rows: rows that share the same pupil, school, date, session; a row is a pupil's session."),
    ("marks", marks("A1,999001,2024-09-02,AM,I01"), "marks.csv, column code: 1 row: a code that does not exist"
     " (such as I01)"),
    ("marks", marks("A1,999001,2024-09-02,AM,J"), "marks.csv, column code: 1 row: code J used after it ended on"
     " 2024-08-18."
     " Use J1 on those dates."),
    ("marks", marks("A1,999001,2024-09-02,AM,H"), "marks.csv, column code: 1 row: code H used after it ended on"
     " 2024-08-18."
     " Use C on those dates."),
    ("marks", marks("Z9,999001,2024-09-02,AM,/", "Z9,999001,2024-09-02,PM,/"), f"marks.csv, column pupil: {NOT_MET}"),
    ("marks", marks("A1,999002,2024-09-02,AM,/", "A1,999002,2024-09-02,PM,/"), f"marks.csv, column pupil: {NOT_MET}"),
    ("marks", "pupil,school,date,session,code\n", "marks.csv: the table has no rows. Add its rows"),
    ("marks", "pupil;school;date;session;code\n", "marks.csv: its columns are not separated by commas. Save the file"),
    ("marks", MARKS + "A1,999001,2024-09-04\n", "marks.csv: line 7 cannot be read. Each row needs as many cells"),
    ("calendar", CALENDAR.replace("2024/25,2", "2024/25,7"), "calendar.csv, column half_term: 1 row: not a half-term."),
    ("calendar", CALENDAR.replace("2024-11-04", "2024-10-21"),
     "calendar.csv, column end_date: 1 row: a half-term that overlaps the next one. End each half-term before"),
    ("calendar", CALENDAR.replace("2023/24", "2022/23"), "calendar.csv, column start_date: 1 row: a half-term that"
     " starts"
     " outside its academic year."),
    ("calendar", CALENDAR.replace("2024-12-20", "2025-12-20"),
     "calendar.csv, column end_date: 1 row: a half-term that ends outside its academic year. Correct"),
    ("calendar", CALENDAR.replace("2024/25,1,", "2024/25,5,"),
     "calendar.csv, column half_term: 1 row: a half-term that comes before one with the same or a lower number."),
    ("calendar", CALENDAR + "2024/25,2,2024-11-04,2024-12-20\n",
     "calendar.csv: 2 rows: rows that share the same academic_year, half_term; a row is a half-term. Keep one"),
    ("closures", "date,reason,school\n2024-09-02,snow,999003\n",
     "closures.csv, column school: 1 row: a school that is not in schools.csv (such as 999003)."),
    ("interventions", "intervention,school,pupil,start_date\ncalls,999001,Z9,2024-11-04\n",
     "interventions.csv, column pupil: 1 row: a pupil who is not in pupils.csv. Use the same identifiers"),
    ("interventions", "intervention,school,pupil,start_date\ncalls,999002,A1,2024-11-04\n",
     "interventions.csv, column school: 1 row: a pupil never enrolled in that school in pupils.csv. Name the school"),
    ("interventions", "intervention,school,year_group,start_date\ncalls,999002,17,2024-11-04\n",
     "interventions.csv, column year_group: 1 row: not a year group. Use 0 for Reception and 1 to 13."),
    ("interventions", "intervention,school,year_group,start_date\ncalls,999002,7,2024-11-04\ncalls,999002,8,\n",
     "interventions.csv, column year_group: 1 row: a year group with no pupil of that school in pupils.csv. Correct the"
     " school or the year group, or add its pupils to pupils.csv."),
    ("attainment", "pupil,academic_year,measure,value\nA1,2024/25,ks2_read,1_000\n",
     "attainment.csv, column value: 1 row: not a number. Use digits and a point."),
]  # fmt: skip


@pytest.mark.parametrize(("table", "text", "message"), REFUSALS)
def test_each_mistake_is_told_once(tmp_path: Path, table: str, text: str, message: str) -> None:
    found = findings(tmp_path, **{table: text})
    told_first, *more = map(str, found.problems)
    assert told_first.startswith(message)
    assert all("the column is missing" in line for line in (told_first, *more)) or not more
    said = " ".join([told_first, *more, *found.notes])
    assert not any(re.search(rf"\b{name}\b", said, re.IGNORECASE) for name in IDENTIFIERS)


COUNTED = [  # a row of attendance given directly, what the one message begins with
    ("A1,999001,2024/25,year,10,6,5", "attendance.csv, column possible: 1 row: more sessions absent (authorised +"),
    ("A1,999001,2024/25,year,10,-1,5", "attendance.csv, column authorised: 1 row: a count below 0. Counts are"
     " sessions"),
    ("A1,999001,2024/25,year,9.5,1,1", "attendance.csv, column possible: 1 row: not a whole number (such as 9.5)."),
    ("A1,999001,2024/25,autumn,10,1,1", "attendance.csv, column period: 1 row: not a period. Use 1 to 6"),
    ("A1,999001,2024/25,2024-09-03,10,1,1", "attendance.csv, column period: 1 row: a week that does not begin on a"
     " Monday"),
    ("A1,999001,2024/25,2025-09-01,10,1,1", "attendance.csv, column period: 1 row: a week outside its academic year."),
    ("A1,999001,2024/25,year,10,,1", "attendance.csv, column authorised: 1 row: empty where a value is needed."),
    ("A1,999001,2024/25,2024-09-02,16,1,1", "attendance.csv, column possible: 1 row: more sessions possible than two"),
    ("A1,999001,2024/25,year,733,1,1", "attendance.csv, column possible: 1 row: more sessions possible than two a"),
    ("Z9,999001,2024/25,year,10,1,1", "attendance.csv, column pupil: 1 row: 1 pupil not enrolled in that school in"),
    ("A1,999009,2024/25,year,10,1,1", "attendance.csv, column school: 1 row: a school that is not in schools.csv."),
    ("A1,999001,24/25,year,10,1,1", "attendance.csv, column academic_year: 1 row: not an academic year (such as"
     " 24/25)."),
]  # fmt: skip


@pytest.mark.parametrize(("row", "message"), COUNTED)
def test_counts_given_directly(tmp_path: Path, row: str, message: str) -> None:
    (found,) = told(tmp_path, marks="", attendance=attendance(row))
    assert found.startswith(message)


PARTS = [  # a count of 10 possible, 3 authorised, 2 unauthorised; the most it can be, what it is part of
    ("illness", 3, "authorised absence"), ("late_after", 2, "unauthorised absence"),
    ("unresolved", 2, "unauthorised absence"), ("holiday", 5, "absence"), ("spells", 5, "absence"),
    ("late_before", 5, "attendance"), ("offsite", 5, "attendance"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "most", "whole"), PARTS)
def test_a_count_is_no_more_than_what_it_is_part_of(tmp_path: Path, name: str, most: int, whole: str) -> None:
    columns = f"pupil,school,academic_year,period,possible,authorised,unauthorised,{name}"
    most_, more = (attendance(f"A1,999001,2024/25,1,10,3,2,{count}", columns=columns) for count in (most, most + 1))
    assert told(tmp_path, marks="", attendance=most_) == []
    (found,) = told(tmp_path, marks="", attendance=more)
    assert found.startswith(f"attendance.csv, column {name}: 1 row: more sessions of {name} than {whole}. Correct the")


def test_one_grain_for_each_pupil_school_and_year(tmp_path: Path) -> None:
    rows = attendance("A1,999001,2024/25,1,70,0,0", "A1,999001,2024/25,year,300,0,0", "A2,999001,2024/25,year,300,0,0")
    (found,) = told(tmp_path, marks="", attendance=rows)
    assert found.startswith(
        "attendance.csv, column period: 2 rows: more than one grain for the same pupil, school and year"
    )


def test_either_marks_or_counts(tmp_path: Path) -> None:
    (found,) = told(tmp_path, attendance=attendance("A1,999001,2024/25,year,300,0,0"))
    assert found.startswith(
        "attendance.csv, column pupil: 1 row: pupils who have marks in marks.csv for the same school"
    )


@pytest.mark.parametrize(
    ("notebook", "missing"),
    [("  attainment_link: {outcome: attainment8}", "attainment"),
     ("  intervention_impact: {intervention: calls, smallest_worthwhile_days: 2}", "interventions"),
     ("  trial_evaluation: {trial: clubs, design: pupil, control: usual, outcome: absence}", "allocation")],
)  # fmt: skip
def test_a_table_only_where_a_question_needs_it(tmp_path: Path, notebook: str, missing: str) -> None:
    (found,) = told(tmp_path, text=f"{STUDY}{notebook}\n")
    assert found.startswith(f"{missing}.csv: the table is missing; {notebook.split(':')[0].strip()} needs it.")


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    found = told(tmp_path, schools=SCHOOLS.replace("primary", "infant"), marks=marks("Z9,999001,2024-13-01,AM,QQ"))
    assert [line.split(":")[0] for line in found] == [
        "schools.csv, column phase", "marks.csv, column date", "marks.csv, column code",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["Pupil Name", "A123456789012", "Ada"])
def test_slipped_columns_show_no_name_and_no_identifier(tmp_path: Path, name: str) -> None:
    rows = PUPILS.replace("A1,", f"{name},").replace("999001,2024/25,6,1", f"999001,{name},6,1", 1)
    (found, *_) = told(tmp_path, pupils=rows, marks=MARKS.replace("A1,", f"{name},"))
    assert found.startswith("pupils.csv, column academic_year: 1 row: not an academic year. Write it as")
    assert name not in found


def test_a_short_word_in_a_slipped_column_is_not_shown(tmp_path: Path) -> None:
    (found,) = told(tmp_path, pupils=PUPILS.replace(",7,0", ",7,Amy"))
    assert found.startswith("pupils.csv, column fsm6: 1 row: not 0 or 1. Use 1 for yes")


def test_blanks_are_trimmed_and_codes_upper_cased(tmp_path: Path) -> None:
    rows = marks("A1 , 999001,2024-09-02,AM, i ", "A1,999001,2024-09-02,PM,\u00a0c1\u00a0")
    assert findings(tmp_path, marks=rows).problems == ()


def test_unused_columns_are_named(tmp_path: Path) -> None:
    text = SCHOOLS.replace("name,phase", "name,phase,head,fax").replace("ary\n", "ary,x,y\n")
    assert findings(tmp_path, schools=text).notes == ("schools.csv: columns not used and dropped: head, fax.",)


def test_marks_outside_the_half_terms_are_a_note(tmp_path: Path) -> None:
    text = MARKS + "A1,999001,2024-10-28,AM,#\nA1,999001,2024-10-28,PM,#\n"
    found = findings(tmp_path, marks=text)
    assert found == Findings((), ("2 marks outside the calendar's half-terms, left out (1 date, 1 school).",))


def test_results_of_unknown_pupils_are_a_note(tmp_path: Path) -> None:
    found = findings(tmp_path, attainment="pupil,academic_year,measure,value\nZ9,2024/25,ks2_read,104\n")
    assert found.problems == ()
    assert found.notes[0].startswith("1 result of pupils who are in no school of the pupils table")


def test_an_identifier_where_a_measure_should_be_is_not_shown(tmp_path: Path) -> None:
    link = STUDY.split("  transition_dip")[0] + "  attainment_link: {outcome: ks2}\n"
    slipped = "pupil,academic_year,value,measure\nks2,2024/25,1,A1\nks2,2024/25,2,A2\n"
    (found,) = told(tmp_path, text=link, attainment=slipped)
    assert found.endswith("names ks2, which the table attainment does not have. The data have none.")


def test_rows_and_columns_without_anything_are_left_out_and_counted(tmp_path: Path) -> None:
    text = SCHOOLS.replace("phase\n", "phase,,\n").replace("ary\n", "ary,,\n") + ",,,,\n,,,,\n"
    assert findings(tmp_path, schools=text).notes == (
        "schools.csv: 2 rows without any value, left out.",
        "schools.csv: columns not used and dropped: unnamed 4, unnamed 5.",
    )


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_any_line_end_will_do(tmp_path: Path, end: str) -> None:
    assert findings(tmp_path, pupils="\ufeff" + PUPILS.replace("\n", end)) == Findings((), ())


def test_capitals_in_a_files_name_do_not_matter(tmp_path: Path) -> None:
    small = study(tmp_path)
    (small.data_folder / "pupils.csv").rename(small.data_folder / "Pupils.CSV")
    assert check_study(small) == Findings((), ())


OTHER_FILES = [(b"PK\x03\x04", "an Excel workbook or a zip file"), (b"PAR1", "a Parquet file")]


@pytest.mark.parametrize(("start", "what"), OTHER_FILES)
def test_another_kind_of_file_named_csv(tmp_path: Path, start: bytes, what: str) -> None:
    small = study(tmp_path)
    (small.data_folder / "pupils.csv").write_bytes(start + bytes(range(256)))
    (found,) = check_study(small).problems
    assert str(found).startswith(f"pupils.csv: the file is {what}, not UTF-8 text. Save the file again as CSV UTF-8")


def test_a_file_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> list[str]:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(tidy, "csv_columns", refuse)
    (found, *_) = told(tmp_path)
    assert found == "schools.csv: the file cannot be opened. Close it elsewhere; allow reading it."


ENCODINGS = [
    ("utf-16", "schools.csv: the file is UTF-16, not UTF-8 text. Save the file again as CSV UTF-8"),
    ("utf-16-le", "schools.csv: line 1 holds a NUL character (perhaps UTF-16). Save the file again as CSV UTF-8"),
    ("cp1252", "schools.csv: line 2 is not UTF-8 text (perhaps Windows-1252). Save the file again as CSV UTF-8"),
]


@pytest.mark.parametrize(("encoding", "message"), ENCODINGS)
def test_not_utf8(tmp_path: Path, encoding: str, message: str) -> None:
    small = study(tmp_path)
    (small.data_folder / "schools.csv").write_text(SCHOOLS.replace("Ash", "Café"), encoding)
    assert str(check_study(small).problems[0]).startswith(message)


def test_a_utf8_byte_order_mark_is_harmless(tmp_path: Path) -> None:
    small = study(tmp_path)
    (small.data_folder / "schools.csv").write_text(SCHOOLS, "utf-8-sig")
    assert check_study(small).problems == ()


def test_parquet_with_types_is_read_as_the_same_text(tmp_path: Path) -> None:
    small = study(tmp_path)
    folder = small.data_folder
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * REPLACE (year_group::DOUBLE AS year_group, fsm6 = 1 AS fsm6) FROM '{folder}/pupils.csv') "
            f"TO '{folder}/pupils.parquet'"
        )
        (folder / "marks").mkdir()
        connection.execute(f"COPY (FROM '{folder}/marks.csv') TO '{folder}/marks/part.parquet'")
    assert str(check_study(small).problems[0]).startswith(
        "pupils.csv: the table pupils is there twice, as pupils.csv and"
    )
    (folder / "pupils.csv").unlink()
    (folder / "marks.csv").unlink()
    assert check_study(small).problems == ()


ZONED = "times with a time zone, so the date depends on the reader"
TYPES = [  # columns changed, what the one message says
    ("school::DOUBLE AS school", "pupils.parquet, column school: numbers with a decimal point, or true and false,"),
    ("[pupil] AS pupil", "pupils.parquet, column pupil: values that are not text, numbers or dates. Write the column"),
    ("DATE '2024-09-01' AS academic_year", "pupils.parquet, column academic_year: 3 rows: not an academic year. Write"),
    ("year_group + 0.5 AS year_group", "pupils.parquet, column year_group: 3 rows: not a whole number (such as"),
    ("'nan'::DOUBLE AS fsm6", "pupils.parquet, column fsm6: 3 rows: not 0 or 1. Use 1 for yes"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "message"), TYPES)
def test_parquet_with_wrong_types(tmp_path: Path, changed: str, message: str) -> None:
    small = study(tmp_path)
    folder = small.data_folder
    with duckdb.connect() as connection:
        rows = f"SELECT * REPLACE ({changed}) FROM '{folder}/pupils.csv'"
        connection.execute(f"COPY ({rows}) TO '{folder}/pupils.parquet'")
    (folder / "pupils.csv").unlink()
    (found,) = check_study(small).problems
    assert str(found).startswith(message)


def test_parquet_dates_may_have_no_time_zone(tmp_path: Path) -> None:
    small = study(tmp_path)
    folder = small.data_folder
    for kind, said in (
        ("TIMESTAMP", []),
        ("TIMESTAMPTZ", ["times with a time zone, so the date depends on the reader"]),
    ):
        with duckdb.connect() as connection:
            rows = f"SELECT * REPLACE (date::{kind} AS date) FROM '{folder}/marks.csv'"
            connection.execute(f"COPY ({rows}) TO '{folder}/marks.parquet'")
        aside = (folder / "marks.csv").rename(folder / "marks.old")
        assert [problem.what for problem in check_study(small).problems] == said
        aside.rename(folder / "marks.csv")


def test_a_file_that_is_not_parquet(tmp_path: Path) -> None:
    small = study(tmp_path, schools="")
    (small.data_folder / "schools.parquet").write_text("no")
    (found,) = check_study(small).problems
    assert str(found) == "schools.parquet: not a readable Parquet file. Write it again as Parquet or as CSV UTF-8."


def test_no_folder(tmp_path: Path) -> None:
    small = study(tmp_path, text=STUDY.replace("data/small", "data/absent"))
    (found,) = check_study(small).problems
    assert str(found) == "absent: there is no such data folder. Check `data` in the study file."


def test_codes_before_they_began(tmp_path: Path) -> None:
    (found,) = told(
        tmp_path,
        pupils=PUPILS.replace("A1,999001,2024/25", "A1,999001,2023/24"),
        marks=marks("A1,999001,2024-06-05,AM,J1"),
    )
    began = date(2024, 8, 19)
    assert found == f"marks.csv, column code: 1 row: code J1 used before it began on {began}. Use J on those dates."
