"""Digests: whether the data in a school's scope, or in the whole study, are the same as before."""

import hashlib
from pathlib import Path

import duckdb


def folder_digest(folder: Path) -> str:
    """SHA-256 over every file's place and bytes, in order."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            whole.update(
                f"{path.relative_to(folder).as_posix()} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode()
            )
    return whole.hexdigest()


def school_digests(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """For each school a digest of every row of any pupil ever in it, of the schools they were in, and of the rows
    that belong to no pupil (calendar, closures, interventions for a school or year group).

    Rows are summed by 64 bits of their MD5, so their order does not matter.
    """
    connection.execute("CREATE TABLE ever AS SELECT DISTINCT school, pupil FROM stored_pupils")
    common = hashlib.sha256("".join(_common(connection, table) for table in ("calendar", "closures")).encode())
    parts: dict[str, list[str]] = {}
    for table in ("schools", "pupils", "attendance", "attainment", "interventions", "allocation"):
        for school, count, total in connection.execute(_scoped(table)).fetchall():
            parts.setdefault(school, []).append(f"{table} {count} {total}")
    common.update(_common(connection, "interventions", "WHERE pupil IS NULL").encode())
    start = common.hexdigest()
    return {
        school: hashlib.sha256("\n".join([start, *lines]).encode()).hexdigest()
        for school, lines in sorted(parts.items())
    }


def _row_hash(table: str) -> str:
    """Each row as one number, from its text in DuckDB, which quotes cells so that they cannot run together."""
    return f"md5_number_lower(t::VARCHAR)::HUGEINT AS hash FROM stored_{table} AS t"


def _common(connection: duckdb.DuckDBPyConnection, table: str, where: str = "") -> str:
    row = connection.execute(f"SELECT count(*), sum(hash) FROM (SELECT {_row_hash(table)} {where})").fetchone()
    return f"{table} {row}\n"


def _scoped(table: str) -> str:
    if table == "schools":
        mates = "SELECT DISTINCT ever.school AS scope, other.school FROM ever JOIN ever AS other USING (pupil)"
        rows = f"SELECT school, {_row_hash(table)}"
        return f"SELECT scope, count(*), sum(hash) FROM ({mates}) JOIN ({rows}) USING (school) GROUP BY 1"
    rows = f"SELECT pupil, count(*) AS rows, sum(hash) AS hash FROM (SELECT pupil, {_row_hash(table)}) GROUP BY 1"
    return f"SELECT ever.school, sum(rows), sum(hash) FROM ever JOIN ({rows}) USING (pupil) GROUP BY 1"
