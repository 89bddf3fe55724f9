"""OUT/index.html: every report with its status in words, what failed and why, and the study's choices."""

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


def index_html(study: Study, entries: Iterable[Entry], parameters: Mapping[str, Mapping[str, Any]]) -> str:
    """The index of these reports, schools by name; `parameters` are those used, by notebook's name."""
    entries = tuple(entries)
    counts = Counter(entry.status for entry in entries)
    return _template().render(
        title=study.title,
        css=page_css(),
        tally=[(words, counts[status]) for status, words in STATUS_WORDS.items() if counts[status]],
        failed=[entry for entry in entries if entry.status in FAILING],
        groups=_by_school(entries),
        words=STATUS_WORDS,
        all_schools=ALL,
        choices=study_choices(study, parameters),
    )


def study_choices(study: Study, parameters: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """What was chosen: where it holds (all pages or a notebook), its name, its value. Never a path."""
    chosen = study.model_dump(mode="json", by_alias=True, exclude=_NOT_A_CHOICE)
    lines = [("All pages", _LABELS.get(key, key), _text(value)) for key, value in chosen.items()]
    for notebook, values in parameters.items():
        lines += [(notebook, key, _text(value)) for key, value in values.items() if key != "school"]
    return lines


def _by_school(entries: tuple[Entry, ...]) -> list[tuple[str, str, list[Entry]]]:
    """(URN, name, reports) of all schools together, then of each school by name; never by a figure."""
    schools = {(entry.school != ALL, entry.school_name, entry.school) for entry in entries}
    return [
        (urn, name, sorted((e for e in entries if e.school == urn), key=lambda e: e.question))
        for _, name, urn in sorted(schools)
    ]


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
def _template() -> Template:
    loader = FileSystemLoader(TEMPLATES)
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("index.html.j2")
