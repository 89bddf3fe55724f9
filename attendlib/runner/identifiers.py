"""What no output may hold: every pupil and household of the study's data, by identifier and by pseudonym."""

from pathlib import Path

from attendlib.errors import DataError
from attendlib.export.scan import Secrets, secrets
from attendlib.intake.pseudonyms import HOUSEHOLD, PUPIL, pseudonym, read_key
from attendlib.intake.study import StudyFile, is_own_notebook
from attendlib.intake.tidy import connect, locate, open_tables

_TABLES = ("pupils", "attainment", "interventions", "allocation")  # every pupil of marks or attendance is in pupils


def forbidden(study_file: StudyFile, out: Path | None = None) -> Secrets:
    """The study's identifiers, their pseudonyms, and this machine's folders, `out` among them. Raises DataError for
    unreadable data."""
    raw = _identifiers(study_file.data_folder)
    key = read_key(study_file.key_file)
    pseudonyms = {pseudonym(name, key, kind) for kind, names in raw.items() for name in names}
    own = [study_file.path.parent / name for name in study_file.notebooks if is_own_notebook(name)]
    known = (study_file.data_folder, study_file.store_folder, *(() if out is None else (out,)))
    files = (study_file.path, study_file.key_file, *study_file.results, *own)
    folders = {Path.home(), Path.cwd(), *known} | {file.resolve().parent for file in files}
    return secrets(set().union(*raw.values(), pseudonyms), folders)


def _identifiers(folder: Path) -> dict[str, set[str]]:
    sources, problems = locate(folder)
    if problems:
        raise DataError(problems)
    found: dict[str, set[str]] = {PUPIL: set(), HOUSEHOLD: set()}
    with connect() as connection:
        opened = open_tables(connection, {name: source for name, source in sources.items() if name in _TABLES})
        for table, columns in opened.columns.items():
            for kind in found.keys() & set(columns):
                rows = connection.execute(
                    f"SELECT DISTINCT {kind} FROM raw_{table} WHERE {kind} IS NOT NULL"
                ).fetchall()
                found[kind] |= {row[0] for row in rows}
    return found
