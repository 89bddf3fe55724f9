"""Who is on the list of a trial to be drawn: enrolled, of the year group, meeting the rule, each with a block."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from attendlib.errors import DataError, Problem, StudyError
from attendlib.intake.study import StudyFile
from attendlib.intake.tidy import quoted
from attendlib.records.study import ALL, Eligible, Randomise
from attendlib.records.tables import TABLES

Connection = duckdb.DuckDBPyConnection

UNKNOWN = "unknown"  # a missing value is a block of its own, never quietly dropped
_NOT_BLOCKS = ("pupil", "household", "name", "academic_year")
_RANK = "CASE grain WHEN 'week' THEN 0 WHEN 'half_term' THEN 1 ELSE 2 END"


@dataclass(frozen=True, slots=True)
class Entry:
    """A pupil on the list, under the data's own identifier: the unit drawn, and the block it is drawn in."""

    unit: str
    pupil: str
    school: str
    block: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The list in order of school and pupil, and how many were left out for which reason."""

    entries: tuple[Entry, ...]
    left_out: Mapping[str, int]

    def blocks(self) -> dict[str, list[str]]:
        """Each block's units, in order."""
        found: dict[str, dict[str, None]] = {}
        for entry in self.entries:
            found.setdefault(entry.block, {})[entry.unit] = None
        return {block: list(found[block]) for block in sorted(found)}


def eligible_list(connection: Connection, study_file: StudyFile, keys: Randomise) -> Listed:
    """The list from the tables that `tables.prepare` made. Subsidiary enrolments do not count; pupils with a leaving
    date (up to `randomised_on`, where that is given) are left out and counted.

    Raises StudyError for a block column that cannot be one, DataError for pupils in two schools at once.
    """
    blocks = _block_columns(study_file, keys)
    _make_enrolled(connection, study_file, keys)
    left_out = {"Left the school": _count(connection, f"enrolled WHERE {_left(keys)}")}
    connection.execute(f"DELETE FROM enrolled WHERE {_left(keys)}")
    _refuse_two_schools(connection)
    if keys.eligible is not None:
        left_out |= _keep_eligible(connection, keys.eligible)
    return Listed(tuple(Entry(*row) for row in connection.execute(_entries_sql(keys, blocks)).fetchall()), left_out)


def _block_columns(study_file: StudyFile, keys: Randomise) -> list[str]:
    """SQL of each block column: of `schools`, or of `pupils` where pupils are drawn."""
    tables = {"schools": "s"} if keys.unit == "school" else {"pupils": "e", "schools": "s"}
    known = {
        name: f'{alias}."{name}"'
        for table, alias in reversed(tables.items())
        for name in TABLES[table].names()
        if name not in _NOT_BLOCKS
    }
    wrong = [name for name in keys.block if name not in known]
    if wrong:
        what = f"`randomise.block` names {', '.join(wrong)}, which is no column to draw {keys.unit}s in blocks of"
        raise StudyError([Problem(study_file.path.name, what, f"There are {', '.join(known)}.")])
    return [known[name] for name in keys.block]


def _make_enrolled(connection: Connection, study_file: StudyFile, keys: Randomise) -> None:
    year = keys.academic_year or study_file.study.academic_year
    group = "" if keys.year_group is None else f"AND year_group = {keys.year_group:d}"
    chosen = study_file.study.schools
    schools = "" if chosen == ALL else f"AND school IN ({', '.join(quoted(school) for school in chosen)})"
    connection.execute(
        f"""
        CREATE TABLE enrolled AS SELECT * FROM pupils
        WHERE academic_year = {quoted(year)} AND enrolment IS DISTINCT FROM 'subsidiary' {group} {schools}
        """
    )


def _left(keys: Randomise) -> str:
    if keys.randomised_on is None:
        return "leaving_date IS NOT NULL"
    return f"leaving_date <= DATE '{keys.randomised_on}'"


def _count(connection: Connection, what: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {what}").fetchone()
    assert found is not None
    return int(found[0])


def _refuse_two_schools(connection: Connection) -> None:
    twice = _count(connection, "(SELECT pupil FROM enrolled GROUP BY 1 HAVING count(*) > 1)")
    if twice:
        remedy = "Mark one enrolment main and the others subsidiary, or give leaving_date."
        raise DataError([Problem("pupils", "pupils enrolled in more than one school", remedy, "enrolment", twice)])


def _keep_eligible(connection: Connection, rule: Eligible) -> dict[str, int]:
    """Takes off those who do not meet the rule over its window, and those without a session in it."""
    first, last = rule.window.from_date, rule.window.to_date
    connection.execute(
        f"""
        CREATE TABLE looked_at AS
        WITH finest AS (SELECT pupil, school, academic_year, min({_RANK}) AS best FROM period GROUP BY ALL)
        SELECT pupil, sum(absent) AS absent, sum(possible) AS possible
        FROM period JOIN finest USING (pupil, school, academic_year)
        WHERE {_RANK} = best AND period_start >= DATE '{first}' AND period_end <= DATE '{last}'
        GROUP BY pupil HAVING sum(possible) > 0
        """
    )
    unseen = _count(connection, "enrolled ANTI JOIN looked_at USING (pupil)")
    meets = f"SELECT pupil FROM looked_at WHERE 100 * absent >= {rule.absence_pct_at_least!r} * possible"
    below = _count(connection, f"enrolled SEMI JOIN looked_at USING (pupil) WHERE pupil NOT IN ({meets})")
    connection.execute(f"DELETE FROM enrolled WHERE pupil NOT IN ({meets})")
    return {
        "No attendance in the window": unseen,
        f"Missed under {rule.absence_pct_at_least:g}% in the window": below,
    }


def _entries_sql(keys: Randomise, blocks: list[str]) -> str:
    unit = "e.school" if keys.unit == "school" else "e.pupil"
    labels = [f"coalesce({column}::VARCHAR, '{UNKNOWN}')" for column in blocks]
    block = " || ' / ' || ".join(labels) if labels else "''"
    return f"""
        SELECT {unit}, e.pupil, e.school, {block} FROM enrolled AS e LEFT JOIN schools AS s ON s.school = e.school
        ORDER BY e.school, e.pupil
        """
