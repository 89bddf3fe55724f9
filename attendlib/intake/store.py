"""The store: a study's checked data as Parquet, made again only when the data or what shapes them changed."""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import duckdb
from filelock import FileLock

from attendlib.errors import DataError, Problem, StudyError
from attendlib.intake.check import missing_tables
from attendlib.intake.digests import folder_digest, school_digests
from attendlib.intake.names import check_names, known_names
from attendlib.intake.pseudonyms import fingerprint, read_key
from attendlib.intake.study import StudyFile
from attendlib.intake.tables import STORED, prepare, under_pseudonyms
from attendlib.intake.tidy import Source, connect, locate, quoted
from attendlib.records.study import ALL

_FORMAT = 3  # raised whenever the store's tables change their form, or the checks before it
_STATE = "store.json"
PARTITIONED = ("pupils", "attendance")
_ROWS = 122_880  # rows of a Parquet row group, fixed so that the bytes are


class SchoolRow(NamedTuple):
    """A school of the data: its identifier, its name, its phase."""

    school: str
    name: str
    phase: str


@dataclass(frozen=True, slots=True)
class Store:
    """Where a study's data are kept. `digest` stands for all of it, `school_digests` for every row of any pupil ever
    in that school, `last_dates` (ISO) has each school's last date of attendance; `notes` say what was left out or
    dropped on the way in."""

    folder: Path
    digest: str
    school_digests: Mapping[str, str]
    schools: tuple[SchoolRow, ...]
    last_dates: Mapping[str, str]
    notes: tuple[str, ...]


def ensure_store(study_file: StudyFile) -> Store:
    """The study's store, imported first if files, key or study changed. Raises DataError with every problem found,
    StudyError where the study names a school the data do not have."""
    sources, problems = locate(study_file.data_folder)
    if problems:
        raise DataError(problems)
    key = read_key(study_file.key_file)
    state = _current(study_file, sources, key)
    if state is None:
        study_file.store_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(study_file.store_folder / ".lock"):
            state = _current(study_file, sources, key) or _import(study_file, sources, key)
    store = _as_store(study_file.store_folder, state)
    wrong = (*_unknown_schools(study_file, store), *check_names(study_file, state["names"]))
    if wrong:
        raise StudyError(wrong)
    return store


def schools_in(store: Store) -> tuple[SchoolRow, ...]:
    """Every school of the data, in order of its identifier."""
    return store.schools


def study_schools(study_file: StudyFile, store: Store) -> tuple[SchoolRow, ...]:
    """The schools that get pages: those the study lists, or all."""
    chosen = study_file.study.schools
    return tuple(row for row in store.schools if chosen == ALL or row.school in chosen)


def data_to(store: Store, school: str | None = None) -> str:
    """The last date with attendance (ISO) of one school, or of all; empty where only year totals are known."""
    return max((last for name, last in store.last_dates.items() if school in (None, name)), default="")


def academic_years(store: Store) -> tuple[str, ...]:
    """Every academic year of which pupils or attendance are held, in order."""
    folders = (path for table in PARTITIONED for path in (store.folder / table).glob("year=*"))
    return tuple(sorted({path.name.removeprefix("year=").replace("-", "/") for path in folders}))


def table_files(
    store: Store, table: str, *academic_years: str, schools: Collection[str] | None = None
) -> tuple[Path, ...]:
    """The Parquet files of a table, or of some academic years and schools of it; the first may hold no rows, only the
    columns."""
    folder = store.folder / table
    if table not in PARTITIONED:
        return (folder / "all.parquet",)
    years = [academic_year.replace("/", "-") for academic_year in academic_years] or ["*"]
    found = sorted(path for year in years for path in folder.glob(f"year={year}/urn=*/*.parquet"))
    wanted = (path for path in found if schools is None or school_of(path) in schools)
    return (folder / "columns.parquet", *wanted)


def school_of(path: Path) -> str:
    """The school of a file of a partitioned table."""
    return unquote(path.parent.name.removeprefix("urn="))


def read_sql(store: Store, table: str, *academic_years: str, schools: Collection[str] | None = None) -> str:
    """SQL that reads a table of the store, or some academic years and schools of it (of the partitioned tables)."""
    files = ", ".join(quoted(path) for path in table_files(store, table, *academic_years, schools=schools))
    return f"read_parquet([{files}], hive_partitioning=false)"


def _unknown_schools(study_file: StudyFile, store: Store) -> Iterator[Problem]:
    known = {row.school for row in store.schools}
    wanted = () if study_file.study.schools == ALL else study_file.study.schools
    unknown = [school for school in wanted if school not in known]
    if unknown:
        remedy = f"The data have {', '.join(sorted(known)[:12])}{' …' if len(known) > 12 else ''}."
        what = f"`schools` names {', '.join(unknown)}, not in the data"
        yield Problem(study_file.path.name, what, remedy)


def _files(sources: Mapping[str, Source]) -> dict[str, Path]:
    return {f"{s.table}:{path.name}:{i}": path for s in sources.values() for i, path in enumerate(s.files)}


def _stat(sources: Mapping[str, Source]) -> dict[str, list[int]]:
    return {name: [path.stat().st_size, path.stat().st_mtime_ns] for name, path in _files(sources).items()}


def _contents(sources: Mapping[str, Source]) -> dict[str, str]:
    return {name: _sha256(path) for name, path in _files(sources).items()}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _keys(study_file: StudyFile, sources: Mapping[str, Source], key: bytes) -> dict[str, Any]:
    """What shapes the store beside the files: the store's form, the source, the days left out, the key."""
    study = study_file.study
    days = [[str(day) for day in exclusion.span()] for exclusion in study.exclude_dates]
    lacking = [problem.where for problem in missing_tables(study, tuple(sources))]
    return {"format": _FORMAT, "duckdb": duckdb.__version__, "source": study.source, "exclude_dates": days,
            "key": fingerprint(key), "lacking": lacking}  # fmt: skip


def _current(study_file: StudyFile, sources: Mapping[str, Source], key: bytes) -> dict[str, Any] | None:
    """The state of the store if it still holds: names, sizes and times first, then the files' contents."""
    state = _read_state(study_file.store_folder)
    if state is None or state["keys"] != _keys(study_file, sources, key):
        return None
    if not (study_file.store_folder / state["folder"]).is_dir():
        return None
    stat = _stat(sources)
    if state["stat"] == stat:
        return state
    if state["contents"] != _contents(sources):
        return None
    state = {**state, "stat": stat}
    _write_state(study_file.store_folder, state)
    return state


def _read_state(folder: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads((folder / _STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return state


def _write_state(folder: Path, state: Mapping[str, Any]) -> None:
    aside = folder / f".{_STATE}.{secrets.token_hex(4)}"
    aside.write_text(json.dumps(state, indent=1), encoding="utf-8")
    os.replace(aside, folder / _STATE)


def _as_store(folder: Path, state: Mapping[str, Any]) -> Store:
    schools = tuple(SchoolRow(*row) for row in state["schools"])
    return Store(
        folder / state["folder"], state["digest"], state["school_digests"], schools, state["last_dates"],
        tuple(state["notes"]),
    )  # fmt: skip


def _import(study_file: StudyFile, sources: Mapping[str, Source], key: bytes) -> dict[str, Any]:
    """Reads, checks and writes the data aside, then puts folder and state in place; earlier folders but one go."""
    home = study_file.store_folder
    before = {"keys": _keys(study_file, sources, key), "stat": _stat(sources), "contents": _contents(sources)}
    aside = home / f".new-{secrets.token_hex(4)}"
    aside.mkdir(mode=0o700)
    try:
        with connect(aside / "spill") as connection:
            findings = prepare(connection, study_file)
            if findings.problems:
                raise DataError(findings.problems)
            under_pseudonyms(connection, key)
            _write(connection, aside)
            schools, by_school = _schools(connection), school_digests(connection)
            last_dates, names = _last_dates(connection), known_names(connection)
        shutil.rmtree(aside / "spill", ignore_errors=True)
        digest = folder_digest(aside)
        _put(aside, home / digest[:16])
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    state = {**before, "folder": digest[:16], "digest": digest, "school_digests": by_school,
             "schools": schools, "last_dates": last_dates, "names": names, "notes": list(findings.notes)}  # fmt: skip
    earlier = _read_state(home)
    _write_state(home, state)
    _tidy_up(home, {digest[:16], earlier["folder"] if earlier else ""})
    return state


def _put(aside: Path, place: Path) -> None:
    """A folder is named by what it holds, so one that is already there is the same."""
    if not place.exists():
        os.replace(aside, place)


def _tidy_up(home: Path, keep: set[str]) -> None:
    for folder in home.iterdir():
        if folder.is_dir() and folder.name not in keep:
            shutil.rmtree(folder, ignore_errors=True)


def _write(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Each table as Parquet, its rows in order; the large ones a file for each academic year and school."""
    form = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROWS}"
    for table in STORED:
        (folder / table).mkdir()
        if table not in PARTITIONED:
            connection.execute(f"COPY stored_{table} TO {quoted(folder / table / 'all.parquet')} ({form})")
            continue
        connection.execute(
            f"COPY (FROM stored_{table} LIMIT 0) TO {quoted(folder / table / 'columns.parquet')} ({form})"
        )
        rows = f"SELECT *, replace(academic_year, '/', '-') AS \"year\", school AS \"urn\" FROM stored_{table}"
        connection.execute(
            f'COPY ({rows}) TO {quoted(folder / table)} ({form}, PARTITION_BY ("year", "urn"), OVERWRITE_OR_IGNORE)'
        )


def _schools(connection: duckdb.DuckDBPyConnection) -> tuple[SchoolRow, ...]:
    found = connection.execute("SELECT school, name, phase FROM stored_schools ORDER BY school").fetchall()
    return tuple(SchoolRow(*row) for row in found)


def _last_dates(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The last date of each school's marks, else the end of its last half-term or week; none from year totals."""
    found = connection.execute(
        """
        SELECT school, coalesce(max(last_date), max(period_end) FILTER (grain <> 'year')) AS last
        FROM stored_attendance GROUP BY 1 HAVING last IS NOT NULL ORDER BY 1
        """
    ).fetchall()
    return {school: str(last) for school, last in found}
