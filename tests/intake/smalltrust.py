"""A trust small enough to count by hand: two schools, a few pupils, tables written as the text of their CSV."""

from pathlib import Path

from attendlib.intake.study import StudyFile, read_study

SCHOOLS = """school,name,phase
999001,Ash Primary,primary
999002,Beech High,secondary
"""
PUPILS = """pupil,school,academic_year,year_group,fsm6,household,enrolment
A1,999001,2024/25,6,1,H1,main
A2,999001,2024/25,6,0,H2,main
B1,999002,2024/25,7,0,H1,main
"""
CALENDAR = """academic_year,half_term,start_date,end_date
2023/24,6,2024-06-03,2024-07-24
2024/25,1,2024-09-02,2024-10-25
2024/25,2,2024-11-04,2024-12-20
"""
MARKS = """pupil,school,date,session,code
A1,999001,2024-09-02,AM,/
A1,999001,2024-09-02,PM,\\
A1,999001,2024-09-03,AM,I
A2,999001,2024-09-02,AM,/
B1,999002,2024-09-02,AM,U
"""
TABLES = {"schools": SCHOOLS, "pupils": PUPILS, "calendar": CALENDAR, "marks": MARKS}
STUDY = """study: small
title: Two small schools
data: ../data/small
academic_year: "2024/25"
key_file: ../key/pseudonym.key
notebooks:
  transition_dip: {before_year_group: 6, after_year_group: 7, by: fsm6}
"""


def study(folder: Path, tables: dict[str, str] | None = None, text: str = STUDY, **changed: str) -> StudyFile:
    """A study in `folder` on the small trust, tables replaced or added by name; an empty text leaves a table out."""
    data = folder / "data" / "small"
    data.mkdir(parents=True, exist_ok=True)
    for name, rows in ({**TABLES, **changed} if tables is None else tables).items():
        (data / f"{name}.csv").unlink(missing_ok=True)
        if rows:
            (data / f"{name}.csv").write_text(rows, encoding="utf-8", newline="")
    return read_study(written(folder, text))


def written(folder: Path, text: str) -> Path:
    """The study file itself."""
    path = folder / "params" / "small.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def marks(*rows: str) -> str:
    """A marks table from rows written `pupil,school,date,session,code`."""
    return "\n".join(["pupil,school,date,session,code", *rows, ""])


def attendance(*rows: str, columns: str = "pupil,school,academic_year,period,possible,authorised,unauthorised") -> str:
    """An attendance table from rows."""
    return "\n".join([columns, *rows, ""])
