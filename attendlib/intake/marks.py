"""From marks to sums of sessions: per pupil and school, by half-term and by week, each code by its date."""

from collections.abc import Iterator

import duckdb

from attendlib.facts.codes import KINDS, codes
from attendlib.intake.rules import ACADEMIC_YEAR_OF
from attendlib.intake.tidy import counted
from attendlib.records.study import Study

Connection = duckdb.DuckDBPyConnection

SESSIONS = ("possible", "authorised", "unauthorised", *KINDS, "no_mark", "not_possible", "spells")
_POSSIBLE = ("present", "approved", "authorised", "unauthorised")
_LEFT_OUT = {
    "outside": "outside the calendar's half-terms, left out",
    "excluded": "on days the study file excludes, left out",
    "closed": "on days in closures, left out",
}


def terms(connection: Connection) -> None:
    """Makes `term`: each school's half-terms, its own rows of the calendar or else those for all schools."""
    connection.execute(
        """
        CREATE TABLE term AS
        WITH own AS (SELECT DISTINCT school, academic_year FROM calendar WHERE school IS NOT NULL)
        SELECT school, academic_year, half_term, start_date, end_date FROM calendar WHERE school IS NOT NULL
        UNION ALL
        SELECT place.school, c.academic_year, c.half_term, c.start_date, c.end_date
        FROM (SELECT school, academic_year FROM schools, (SELECT DISTINCT academic_year FROM calendar)) AS place
        ANTI JOIN own USING (school, academic_year)
        JOIN calendar AS c ON c.school IS NULL AND c.academic_year = place.academic_year
        """
    )


def tally(connection: Connection, study: Study) -> Iterator[str]:
    """Makes `tally` from `marks`, one row per pupil, school, half-term and week; yields a note for each kind of mark
    left out.

    A spell is a run of absent sessions (sessions that are not possible do not break it) and is counted where it
    starts, so spells add up. Source of every class of code: facts/codes.csv, by date.
    """
    _code_table(connection)
    _days(connection, study)
    yield from _left_out(connection)
    sums = ", ".join(f"sum({name})::INTEGER AS {name}" for name in SESSIONS)
    connection.execute(
        f"""
        CREATE TABLE tally AS
        SELECT pupil, school, academic_year, half_term, week, {sums},
               min(date) FILTER (possible = 1) AS first_date, max(date) FILTER (possible = 1) AS last_date
        FROM ({_sessions()}) GROUP BY ALL
        """
    )


def _sessions() -> str:
    """Every mark that counts, its class as 0 or 1 in each column, `spells` 1 where a run of absence starts."""
    before = (
        "lag(absent, 1, 0::TINYINT) OVER (PARTITION BY pupil, school, academic_year, possible ORDER BY date, session)"
    )
    return f"""
        SELECT * EXCLUDE (absent), (absent = 1 AND {before} = 0)::TINYINT AS spells
        FROM marks JOIN day USING (school, date) JOIN code_day USING (code, date) WHERE left_out IS NULL
        """


def _code_table(connection: Connection) -> None:
    """Makes `code_day`: what each code meant on each date that has marks."""
    rows = [
        (c.code, c.valid_from, c.valid_to, *(c.session == s for s in _POSSIBLE), *(c.kind == k for k in KINDS),
         c.session == "no_mark", c.session == "not_possible")
        for c in codes()
    ]  # fmt: skip
    flags = (*_POSSIBLE, *KINDS, "no_mark", "not_possible")
    connection.execute(
        f"CREATE TABLE code (code VARCHAR, first DATE, last DATE, {', '.join(f'{f} TINYINT' for f in flags)})"
    )
    connection.executemany(f"INSERT INTO code VALUES ({', '.join('?' * (3 + len(flags)))})", rows)
    connection.execute(
        f"""
        CREATE TABLE code_day AS
        SELECT code, date, ({" + ".join(_POSSIBLE)})::TINYINT AS possible,
               (authorised + unauthorised)::TINYINT AS absent, authorised,
               unauthorised, {", ".join(KINDS)}, no_mark, not_possible
        FROM (SELECT DISTINCT date FROM marks) JOIN code ON date >= first AND (last IS NULL OR date <= last)
        """
    )


def _days(connection: Connection, study: Study) -> None:
    """Makes `day`: each school's dates with marks, their half-term and week, and why a day is left out, if it is."""
    connection.execute("CREATE TABLE excluded (first DATE, last DATE)")
    for exclusion in study.exclude_dates:
        connection.execute("INSERT INTO excluded VALUES (?, ?)", exclusion.span())
    connection.execute(
        f"""
        CREATE TABLE day AS
        WITH seen AS (SELECT school, date, count(*) AS marks FROM marks GROUP BY ALL),
             dates AS (SELECT DISTINCT date FROM seen),
             off AS (SELECT DISTINCT date FROM dates JOIN excluded ON date BETWEEN first AND last),
             shut AS (SELECT DISTINCT school, date FROM closures)
        SELECT seen.school, seen.date, marks, {ACADEMIC_YEAR_OF.format(d="seen.date")} AS academic_year, half_term,
               date_trunc('week', seen.date)::DATE AS week,
               CASE WHEN half_term IS NULL THEN 'outside' WHEN off.date IS NOT NULL THEN 'excluded'
                    WHEN own.date IS NOT NULL OR everywhere.date IS NOT NULL THEN 'closed' END AS left_out
        FROM seen LEFT JOIN term ON term.school = seen.school AND seen.date BETWEEN start_date AND end_date
        LEFT JOIN off ON off.date = seen.date
        LEFT JOIN shut AS own ON own.date = seen.date AND own.school = seen.school
        LEFT JOIN (SELECT date FROM shut WHERE school IS NULL) AS everywhere ON everywhere.date = seen.date
        """
    )


def _left_out(connection: Connection) -> Iterator[str]:
    found = connection.execute(
        """SELECT left_out, sum(marks)::BIGINT, count(DISTINCT date), count(DISTINCT school) FROM day
        WHERE left_out IS NOT NULL GROUP BY 1 ORDER BY 1"""
    ).fetchall()
    for why, marks, dates, schools in found:
        yield f"{counted(marks, 'mark')} {_LEFT_OUT[why]} ({counted(dates, 'date')}, {counted(schools, 'school')})."
