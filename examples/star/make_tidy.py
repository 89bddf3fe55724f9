"""Makes a tidy folder from the public-use student file of Project STAR.

    python examples/star/make_tidy.py STAR.csv data/star

README.md beside this file says where the file comes from and what each column becomes. Nothing is guessed and nothing
is dropped unsaid: the script prints what it wrote and what it left out.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

Pupil = dict[str, str]  # a row of the public file, by column
Rows = list[dict[str, str | int]]  # rows of a tidy table, by column


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade of the public file: the prefix of its columns, the year it was, and what was recorded in it."""

    name: str
    prefix: str
    year_group: int
    academic_year: str
    columns: tuple[str, ...]  # recorded in this grade, besides school, class type and the two scores


_ALL = ("tchid", "freelunch", "present", "absent")
GRADES = (
    Grade("kindergarten", "gk", 0, "1985/86", (*_ALL, "speced")),
    Grade("grade 1", "g1", 1, "1986/87", _ALL),
    Grade("grade 2", "g2", 2, "1987/88", ()),
    Grade("grade 3", "g3", 3, "1988/89", _ALL),
)
SCORES = {"maths": "tmathss", "reading": "treadss"}
PUPIL_COLUMNS = ("stdntid", "gender", "race", "birthmonth")
NEEDED = (
    *PUPIL_COLUMNS,
    *(g.prefix + c for g in GRADES for c in ("schid", "classtype", *SCORES.values(), *g.columns)),
)

SEX = {"MALE": "M", "FEMALE": "F"}
FREE_LUNCH = {"FREE LUNCH": "1", "NON-FREE LUNCH": "0"}
SPECIAL = {"YES": "K", "NO": "N"}
ARMS = {"SMALL CLASS": "small", "REGULAR CLASS": "regular", "REGULAR + AIDE CLASS": "regular_with_aide"}
MONTHS = {
    "JANUARY": "1", "FEBRUARY": "2", "MARCH": "3", "ARPIL": "4", "APRIL": "4", "MAY": "5", "JUNE": "6", "JULY": "7",
    "AUGUST": "8", "SEPTEMBER": "9", "OCTOBER": "10", "NOVEMBER": "11", "DECEMBER": "12",
}  # fmt: skip  # ARPIL is how the public file spells it

SESSIONS_A_DAY = 2
SCHOOL_DAYS = 180  # Tennessee's school year; more days than these are kept and counted
SMALL_CLASS_START = "1986-09-01"  # the file has no dates: the first of the month in which grade 1 began


def read(path: Path) -> list[Pupil]:
    """Every pupil of the public file. Stops where a needed column is missing or a value is not one of the file's."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in NEEDED if name not in (reader.fieldnames or [])]
        if missing:
            sys.exit(f"{path.name}: no column {', '.join(missing)}. README.md lists the columns needed.")
        return list(reader)


def code(codes: dict[str, str], text: str, column: str) -> str:
    """The tidy code of a label; empty stays empty; a label nobody has seen before stops the script."""
    if text and text not in codes:
        sys.exit(f"column {column}: {text!r} is not one of {', '.join(codes)}. Export the file with its value labels.")
    return codes.get(text, "")


def whole(text: str, column: str) -> int:
    """A count of days; anything but digits stops the script."""
    if not text.isdecimal():
        sys.exit(f"column {column}: {text!r} is not a whole number of days.")
    return int(text)


def enrolled(pupils: list[Pupil]) -> Iterable[tuple[Pupil, Grade, str]]:
    """Each pupil in each grade with a school, and that school's id."""
    return ((p, g, p[g.prefix + "schid"]) for g in GRADES for p in pupils if p[g.prefix + "schid"])


def recorded(pupil: Pupil, grade: Grade, column: str) -> str:
    """The pupil's value in that grade, empty where the grade does not have the column."""
    return pupil[grade.prefix + column] if column in grade.columns else ""


def schools(pupils: list[Pupil]) -> Rows:
    """One row a school that any pupil went to in kindergarten to grade 3."""
    ids = sorted({school for _, _, school in enrolled(pupils)})
    return [{"school": school, "name": f"STAR school {school}", "phase": "primary"} for school in ids]


def enrolments(pupils: list[Pupil]) -> Rows:
    """One row a pupil and grade."""
    return [
        {
            "pupil": pupil["stdntid"],
            "school": school,
            "academic_year": grade.academic_year,
            "year_group": grade.year_group,
            "sex": code(SEX, pupil["gender"], "gender"),
            "fsm": code(FREE_LUNCH, recorded(pupil, grade, "freelunch"), grade.prefix + "freelunch"),
            "sen": code(SPECIAL, recorded(pupil, grade, "speced"), grade.prefix + "speced"),
            "ethnicity": pupil["race"].capitalize(),
            "birth_month": code(MONTHS, pupil["birthmonth"], "birthmonth"),
            "class": recorded(pupil, grade, "tchid"),
        }
        for pupil, grade, school in enrolled(pupils)
    ]


def attendance(pupils: list[Pupil], notes: Counter[str]) -> Rows:
    """One row a pupil and grade whose days present and absent are both recorded; two sessions to a day."""
    rows: Rows = []
    for pupil, grade, school in enrolled(pupils):
        present, absent = recorded(pupil, grade, "present"), recorded(pupil, grade, "absent")
        reason = left_out(grade, present, absent)
        if reason:
            notes[f"{grade.name}: {reason}, left out"] += 1
            continue
        days_absent = whole(absent, grade.prefix + "absent")
        days = whole(present, grade.prefix + "present") + days_absent
        notes[f"{grade.name}: more than {SCHOOL_DAYS} days recorded, kept"] += days > SCHOOL_DAYS
        rows.append(
            {
                "pupil": pupil["stdntid"],
                "school": school,
                "academic_year": grade.academic_year,
                "period": "year",
                "possible": SESSIONS_A_DAY * days,
                "authorised": SESSIONS_A_DAY * days_absent,
                "unauthorised": 0,
            }
        )
    return rows


def left_out(grade: Grade, present: str, absent: str) -> str:
    """Why a pupil's days in a grade cannot be used, or empty."""
    if "present" not in grade.columns:
        return "attendance was not recorded"
    if not present or not absent:
        return "days present or days absent missing"
    return "no day recorded" if {present, absent} == {"0"} else ""


def attainment(pupils: list[Pupil], notes: Counter[str]) -> Rows:
    """One row a pupil, grade and subject; a missing score is a row with no value and the reason."""
    rows: Rows = []
    for pupil, grade, school in enrolled(pupils):
        for measure, column in SCORES.items():
            value = pupil[grade.prefix + column]
            notes[f"{grade.name}: no {measure} score recorded, row kept with no value"] += not value
            reason = "" if value else "no score recorded"
            year = grade.academic_year
            rows.append(
                {"pupil": pupil["stdntid"], "academic_year": year, "measure": measure, "value": value, "school": school,
                 "reason": reason}
            )  # fmt: skip
    return rows


def interventions(pupils: list[Pupil]) -> Rows:
    """One row a pupil in a larger class in kindergarten and a small class in grade 1, at the grade-1 school."""
    arms = (
        (p, code(ARMS, p["gkclasstype"], "gkclasstype"), code(ARMS, p["g1classtype"], "g1classtype")) for p in pupils
    )
    return [
        {
            "intervention": "small_class_grade_1",
            "school": pupil["g1schid"],
            "pupil": pupil["stdntid"],
            "start_date": SMALL_CLASS_START,
            "status": "started",
        }
        for pupil, before, after in arms
        if before not in ("", "small") and after == "small"
    ]


def allocation(pupils: list[Pupil]) -> Rows:
    """Two trials: `star_k`, one row a pupil in kindergarten with the class type drawn there; `star_entry`, one row a
    pupil whenever they joined, small class or larger, as drawn on joining. Pupils were drawn within their school."""
    kindergarten: Rows = [
        {
            "trial": "star_k",
            "pupil": pupil["stdntid"],
            "school": pupil["gkschid"],
            "arm": code(ARMS, pupil["gkclasstype"], "gkclasstype"),
            "block": pupil["gkschid"],
        }
        for pupil in pupils
        if pupil["gkclasstype"]
    ]
    return [*kindergarten, *(row for pupil in pupils for row in on_joining(pupil))]


def on_joining(pupil: Pupil) -> Rows:
    """The lot drawn in the first grade with a class type: the block is that school in that grade."""
    grade = next((g for g in GRADES if pupil[g.prefix + "classtype"] and pupil[g.prefix + "schid"]), None)
    if grade is None:
        return []
    school = pupil[grade.prefix + "schid"]
    drawn = code(ARMS, pupil[grade.prefix + "classtype"], grade.prefix + "classtype")
    return [
        {
            "trial": "star_entry",
            "pupil": pupil["stdntid"],
            "school": school,
            "arm": "small" if drawn == "small" else "larger",
            "block": f"{school} year {grade.year_group}",
        }
    ]


def tidy(pupils: list[Pupil]) -> tuple[dict[str, Rows], Counter[str]]:
    """Every table of the tidy folder, and what was left out or is odd, counted."""
    notes: Counter[str] = Counter()
    notes["pupils with no school in any grade, left out"] = len(pupils) - len(
        {p["stdntid"] for p, _, _ in enrolled(pupils)}
    )
    for grade in GRADES:
        unplaced = (p for p in pupils if not p[grade.prefix + "schid"])
        values = [grade.prefix + c for c in (*SCORES.values(), *grade.columns)]
        notes[f"{grade.name}: values for a pupil with no school, left out"] = sum(
            any(p[c] for c in values) for p in unplaced
        )
    tables = {
        "schools": schools(pupils),
        "pupils": enrolments(pupils),
        "attendance": attendance(pupils, notes),
        "attainment": attainment(pupils, notes),
        "interventions": interventions(pupils),
        "allocation": allocation(pupils),
    }
    return tables, +notes


def write(tables: dict[str, Rows], folder: Path) -> None:
    """One CSV file a table, rows sorted, so that the same input gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(sorted(rows, key=lambda row: [str(value) for value in row.values()]))


def main(arguments: list[str]) -> None:
    """Reads the file, writes the folder, prints what was written and what was left out."""
    if len(arguments) != 2:
        sys.exit("usage: python examples/star/make_tidy.py STAR.csv OUT_FOLDER")
    pupils = read(Path(arguments[0]))
    tables, notes = tidy(pupils)
    write(tables, Path(arguments[1]))
    print(f"read {len(pupils):,} pupils")
    for name, rows in tables.items():
        print(f"wrote {name}: {len(rows):,} rows")
    for note, count in notes.items():
        print(f"{count:,} {note}")


if __name__ == "__main__":
    main(sys.argv[1:])
