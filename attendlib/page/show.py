"""The three calls a notebook prints itself with: `header`, `show` and `provenance`."""

import importlib.metadata
from dataclasses import replace
from html import escape
from typing import Any

from IPython.display import display

from attendlib.facts.labels import AUDIENCES
from attendlib.intake.load import Pupils, current_study
from attendlib.intake.store import data_to
from attendlib.page.fragment import fragment, table_html
from attendlib.records.answer import Answer, Table
from attendlib.records.report import HEADER_MIME, PROVENANCE_MIME, RECORD_MIME, Header, Report
from attendlib.records.study import ALL
from attendlib.words.stories import tell
from attendlib.words.sure import how_sure
from attendlib.words.tables import steps_table

# Read when this is loaded, once for all kernels that are forked: it takes as long as a small query.
VERSIONS = {
    name: importlib.metadata.version(name) for name in ("attendlib", "duckdb", "numpy", "pandas", "scipy", "matplotlib")
}


def show(answer: Answer, *, headline: bool = True) -> None:
    """Print an answer: its sentences, verdict, charts, tables, checks and caveats, and hand its record on.

    Exactly one answer of a notebook is the headline: the page's summary, the index and results.csv come from it.
    """
    story = tell(answer)
    steps = (steps_table(answer.steps),) if answer.steps else ()
    story = replace(story, tables=(*story.tables, *steps), sure=story.sure or (how_sure(answer) if headline else ()))
    report = Report(
        question=answer.question,
        headline=headline,
        status=answer.status,
        verdict=story.badge,
        title=story.title,
        sentences=story.sentences,
        next_steps=story.next_steps,
        rows=answer.rows,
        tables=(*story.tables, *(table for section in story.sections for table in section.tables)),
        counts_lost=answer.steps,
        warnings=answer.reasons,
    )
    html = fragment(story, f"{answer.question.replace('_', '-')}-{answer.scope}")
    _emit(RECORD_MIME, report.model_dump(mode="json"), html, story.sentences[0])


def header(pupils: Pupils) -> None:
    """Print whose page this is, which data it rests on and who may read it."""
    study = pupils.study_file.study
    found = Header(
        school=pupils.school,
        school_name=pupils.school_name,
        study_title=study.title,
        academic_year=study.academic_year,
        data_to=data_to(pupils.store, None if pupils.school == ALL else pupils.school),
        audience=study.audience,
    )
    facts = {
        "School": found.school_name,
        "Study": found.study_title,
        "Academic year": found.academic_year,
        "Data up to": found.data_to,
        "For": AUDIENCES[found.audience],
    }
    html = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    text = f"{found.school_name}, {found.study_title}, data up to {found.data_to}"
    _emit(HEADER_MIME, found.model_dump(mode="json"), f'<dl class="header">{html}</dl>', text)


def provenance() -> None:
    """Print the study's choices and the versions the figures were made with: no path, no clock, no user."""
    study_file = current_study()
    study = study_file.study
    choices = {
        "study": study.study,
        "title": study.title,
        "academic_year": study.academic_year,
        "schools": study.schools if isinstance(study.schools, str) else f"{len(study.schools)} named",
        "audience": study.audience,
        "exclude_dates": "; ".join(f"{x.span()[0]} to {x.span()[1]}: {x.reason}" for x in study.exclude_dates)
        or "none",
        "seed": str(study.seed),
        **({"studies": f"{len(study.studies)} earlier ones"} if study.studies else {}),
    }
    for name, keys in study_file.notebooks.items():
        values = keys if isinstance(keys, dict) else keys.model_dump(mode="json", by_alias=True)
        chosen = [f"{key}: {_plain(value)}" for key, value in values.items() if value is not None]
        choices[name] = "; ".join(chosen)
    tables = (
        Table("What the study chose", ("Key", "Value"), tuple(choices.items())),
        Table("Versions", ("Package", "Version"), tuple(VERSIONS.items())),
    )
    html = "".join(table_html(table, f"provenance-{number}") for number, table in enumerate(tables, 1))
    _emit(PROVENANCE_MIME, {"choices": choices, "versions": VERSIONS}, html, "What the study chose, and versions")


def _plain(value: Any) -> str:
    """A choice as a reader would write it: a list with commas, a mapping as its keys and values, no null."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items() if inner is not None)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _emit(mime: str, data: dict[str, Any], html: str, text: str) -> None:
    display({mime: data, "text/html": html, "text/plain": text}, raw=True)
