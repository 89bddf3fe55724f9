"""What the tests of the synthetic trust count for themselves, from the files alone."""

import hashlib
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd

ABSENT = "('I','M','R','S','T','H','E','C','C1','J1','C2','G','U','O','N')"
OUTSIDE = "('','D','X','#','Y','Y2','Y3','Y4')"
YEAR = "CASE WHEN date < DATE '2024-08-01' THEN '2023/24' ELSE '2024/25' END"


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def query(folder: Path, sql: str) -> pd.DataFrame:
    """The answer of a query that names its tables {marks}, {pupils} and so on."""
    names = ("schools", "pupils", "attainment", "interventions", "calendar", "closures")
    csv = {n: f"read_csv('{folder / n}.csv', all_varchar=true)" for n in names}
    return duckdb.sql(sql.format(marks=f"'{folder / 'marks.parquet'}'", **csv)).df()


@cache
def pupil_years(folder: Path) -> pd.DataFrame:
    """A row for each enrolment with a possible session: absent and possible sessions, and the pupil's groups.

    Counted once for each folder, so not to be changed.
    """
    return query(
        folder,
        f"""WITH sums AS (SELECT pupil, school, {YEAR} AS academic_year,
                count(*) FILTER (code IN {ABSENT}) AS absent, count(*) FILTER (code NOT IN {OUTSIDE}) AS possible
                FROM {{marks}} GROUP BY ALL)
            SELECT sums.*, year_group::INT AS year_group, fsm, fsm6, sen, sex, phase
            FROM sums JOIN {{pupils}} USING (pupil, school, academic_year) JOIN {{schools}} USING (school)
            WHERE possible > 0 ORDER BY pupil, school, academic_year""",
    )
