"""Names a study uses that must be in the data: measures, interventions, trials, columns of the pupils table."""

import difflib
from collections.abc import Iterator, Mapping, Sequence

import duckdb

from attendlib.errors import Problem
from attendlib.intake.study import StudyFile
from attendlib.records.study import (
    AttainmentLink,
    InterventionImpact,
    Strict,
    Threshold,
    TransitionDip,
    TrialEvaluation,
)
from attendlib.records.tables import TABLES

Names = Mapping[str, Sequence[str]]
_ABSENCE = "absence"  # a trial's outcome or baseline that is attendance, no measure
_SHOWN = 12  # names in a message
_NOT_GROUPS = ("pupil", "school", "academic_year", "household")


def known_names(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """What the data have: `attainment` measures, `interventions`, trials of `allocation`, `pupils` columns with values.

    A name that is a pupil's identifier is left out: columns may have slipped, and names are shown in messages.
    """
    columns = [name for name in TABLES["pupils"].names() if name not in _NOT_GROUPS]
    filled = ", ".join(f'count("{name}")' for name in columns)
    counts = connection.execute(f"SELECT {filled} FROM pupils").fetchone()
    return {
        "attainment": _distinct(connection, "measure", "attainment"),
        "interventions": _distinct(connection, "intervention", "interventions"),
        "allocation": _distinct(connection, "trial", "allocation"),
        "pupils": [name for name, count in zip(columns, counts or (), strict=True) if count],
    }


def check_names(study_file: StudyFile, names: Names) -> Iterator[Problem]:
    """A problem for each name the study gives that the data do not have."""
    for key, table, used in _used(study_file):
        if used not in names[table]:
            nearest = difflib.get_close_matches(used, names[table], n=1, cutoff=0.5)
            meant = f"Did you mean {nearest[0]}? " if nearest else ""
            more = " …" if len(names[table]) > _SHOWN else ""
            have = f"The data have {', '.join(names[table][:_SHOWN]) or 'none'}{more}."
            what = f"`notebooks.{key}` names {used}, which the table {table} does not have"
            yield Problem(study_file.path.name, what, meant + have)


def _distinct(connection: duckdb.DuckDBPyConnection, column: str, table: str) -> list[str]:
    no_pupil = (
        f"{column} NOT IN (SELECT pupil FROM pupils UNION ALL SELECT household FROM pupils WHERE household IS NOT NULL)"
    )
    found = connection.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {no_pupil} ORDER BY 1").fetchall()
    return [row[0] for row in found]


def _used(study_file: StudyFile) -> Iterator[tuple[str, str, str]]:
    """Key, table and name of each name that must be in the data."""
    for notebook, parameters in study_file.notebooks.items():
        if isinstance(parameters, Strict):
            for key, table, name in _named(parameters):
                if name:
                    yield f"{notebook}.{key}", table, name


def _named(parameters: Strict) -> Iterator[tuple[str, str, str | None]]:
    """Key, table and name of each key of a notebook that takes a name; the name is None where none is given."""
    match parameters:
        case AttainmentLink(outcome=outcome):
            yield "outcome", "attainment", outcome.measure if isinstance(outcome, Threshold) else outcome
            yield "prior", "attainment", parameters.prior
            yield from (("adjust_for", "pupils", column) for column in parameters.adjust_for)
        case TransitionDip():
            yield "by", "pupils", parameters.by
        case InterventionImpact():
            yield "intervention", "interventions", parameters.intervention
        case TrialEvaluation():
            yield "trial", "allocation", parameters.trial
            yield "compliance", "interventions", parameters.compliance
            for key, measure in (("outcome", parameters.outcome), ("baseline", parameters.baseline)):
                yield key, "attainment", None if measure == _ABSENCE else measure
            yield from (("secondary", "attainment", name) for name in parameters.secondary if name != _ABSENCE)
