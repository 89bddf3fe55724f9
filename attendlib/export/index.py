"""OUT/index.html: every report with its status in words, what failed and why, and the study's choices.

Schools stand by name. A script, where it may run, adds search and sorting by name, phase and status: never by a figure
or a verdict, for this is no league table. Without it everything can be read.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from attendlib.export.entry import FAILING, STATUS_WORDS, Entry
from attendlib.export.style import TEMPLATES, page_css
from attendlib.records.study import ALL, Study

_NOT_A_CHOICE = {"study", "title", "data", "source", "store", "key_file", "notebooks"}
_LABELS = {
    "audience": "Who may see the pages",
    "academic_year": "Academic year",
    "schools": "Schools",
    "exclude_dates": "Dates left out",
    "seed": "Random seed",
}


def index_html(
    study: Study, entries: Iterable[Entry], parameters: Mapping[str, Mapping[str, Any]], *,
    phases: Mapping[str, str] | None = None, provenance: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """The index of these reports, schools by name; `parameters` are those used, by notebook's name.

    `phases` holds each school's phase by URN; `provenance` what the pages were made with (versions, digests of data and
    protocol), by name. Both may be left out.
    """
    entries = tuple(entries)
    counts = Counter(entry.status for entry in entries)
    script = _script()
    return _template().render(
        title=study.title,
        css=page_css(),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        tally=[(words, counts[status]) for status, words in STATUS_WORDS.items() if counts[status]],
        by_chance=by_chance(entries),
        failed=[entry for entry in entries if entry.status in FAILING],
        failing=FAILING,
        reports=_by_name(entries),
        words=STATUS_WORDS,
        phases=dict(phases or {}),
        all_schools=ALL,
        choices=study_choices(study, parameters),
        provenance=dict(provenance or {}),
    )


def by_chance(entries: Iterable[Entry]) -> tuple[int, float] | None:
    """How many reports rest on an interval, and how many of them chance alone would make find something.

    The second is their number times what their intervals leave out (5 in 100 for 95%): what is expected, at most, since
    a verdict may ask for more than its interval. None where no report gives such a verdict.
    """
    outside = [
        1 - confidence[0] / 100
        for entry in entries
        if entry.status == "done" and entry.verdict
        and (confidence := [row.confidence_pct for row in entry.rows if row.confidence_pct is not None])
    ]  # fmt: skip
    return (len(outside), sum(outside)) if outside else None


def study_choices(study: Study, parameters: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """What was chosen: where it holds (all pages or a notebook), its name, its value. Never a path."""
    chosen = study.model_dump(mode="json", by_alias=True, exclude=_NOT_A_CHOICE)
    lines = [
        ("All pages", _LABELS.get(key, key), _text(value))
        for key, value in chosen.items()
        if key in _LABELS or value not in (None, [], {})
    ]
    for notebook, values in parameters.items():
        lines += [(notebook, key, _text(value)) for key, value in values.items() if key != "school"]
    return lines


def _by_name(entries: tuple[Entry, ...]) -> list[Entry]:
    """All schools together first, then each school by name and its questions in order; never by a figure."""
    return sorted(entries, key=lambda e: (e.school != ALL, e.school_name, e.school, e.question, e.notebook))


def _text(value: Any) -> str:
    """A choice in plain text: nothing is 'none', a list is joined, a mapping reads `from 2024-09-03 to 2024-12-20`."""
    if value is None or value == []:
        return "none"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, dict):
        return " ".join(f"{key.replace('_', ' ')} {_text(item)}" for key, item in value.items() if item is not None)
    return str(value)


@cache
def _script() -> str:
    return (TEMPLATES / "index.js").read_text(encoding="utf-8").strip()


@cache
def _template() -> Template:
    loader = FileSystemLoader(TEMPLATES)
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("index.html.j2")
