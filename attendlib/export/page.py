"""A saved notebook as one self-contained HTML page: no script, nothing fetched, no code shown."""

import re
import threading
from collections.abc import Mapping
from datetime import date
from functools import cache
from html import escape
from typing import Any

from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbformat import NotebookNode, from_dict

from attendlib.export.cells import Part, parts, question_first
from attendlib.export.glossary import glossary
from attendlib.export.handed import handed_back
from attendlib.export.style import TEMPLATES
from attendlib.facts.labels import AUDIENCES
from attendlib.records.report import HEADER_MIME, Header, Report

HOISTED = 5  # sentences of the headline that the summary holds; any more stay in their section
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_TAGS = re.compile(r"<[^>]+>")
_SOURCE = '<span class="source"></span>'
_ONE_AT_A_TIME = threading.Lock()  # a Jinja environment is shared by all threads that make reports


class _PageExporter(HTMLExporter):
    """nbconvert's exporter without its last step: re-reading the page to fill in missing alternative texts.

    Ours are never missing, and the step costs more than the rest and lowers the case of SVG's attributes.
    """

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        return TemplateExporter.from_notebook_node(self, nb, resources, **kw)

    def _preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Nothing to do, and so nothing to copy first."""
        return nb, resources


def page_html(saved: Mapping[str, Any], name: str, school: str, school_name: str) -> str:
    """The page of one saved notebook. Raises ReportError as `handed_back` does."""
    handed = handed_back(saved, school)
    asked, cells = question_first(saved, name)
    cells = [_told_once(cell, handed.headline, handed.header) for cell in cells]
    facts = {
        "question": asked,
        "school_name": handed.header.school_name if handed.header else school_name,
        "facts": _facts(handed.header),
        "headline": handed.headline,
        "hoisted": HOISTED,
        "parts": [part for part in parts(cells) if not part.title or _says_something(part)],
        "terms": glossary(_said(cells, handed.headline)),
    }
    with _ONE_AT_A_TIME:
        text, _ = _exporter().from_notebook_node(from_dict({**saved, "cells": []}), {"attend": facts})
    return re.sub(r"\n\s*\n+", "\n", str(text)).strip() + "\n"


def _says_something(part: Part) -> bool:
    """Whether a section has more than its title: an answer that the summary has told whole leaves nothing."""
    return any(
        cell["cell_type"] == "markdown" or any(output["data"].get("text/html") for output in cell.get("outputs", []))
        for cell in part.cells
    )


def _facts(header: Header | None) -> list[tuple[str, str]]:
    """What the summary says first: whose page it is, of which data, for whom."""
    if header is None:
        return []
    facts = [
        ("School", header.school_name),
        ("Study", header.study_title),
        ("Academic year", header.academic_year),
        ("Data up to", _in_words(header.data_to)),
        ("For", AUDIENCES.get(header.audience, header.audience)),
    ]
    return [(name, value) for name, value in facts if value]


def _told_once(cell: dict[str, Any], headline: Report, header: Header | None) -> dict[str, Any]:
    """A cell whose outputs leave out what the summary has said, and name their source."""
    if cell["cell_type"] != "code":
        return cell
    outputs = []
    for output in cell.get("outputs", []):
        if HEADER_MIME not in output["data"]:
            html = _sourced(_once_said(output["data"].get("text/html", ""), headline), header)
            outputs.append({"data": {"text/html": html}})
    return {**cell, "outputs": outputs}


def _once_said(html: str, headline: Report) -> str:
    """A fragment without what the summary at the top has said already: the headline's sentences, badge and steps."""
    for sentence in headline.sentences[:HOISTED]:
        html = html.replace(f"<p>{escape(sentence)}</p>", "", 1)
    steps = "".join(f"<li>{escape(step)}</li>" for step in headline.next_steps)
    html = html.replace(f"<h4>What to do next</h4><ul>{steps}</ul>", "", 1)
    html = html.replace(f'<p class="badge">{escape(headline.verdict)}</p>', "", 1)
    told_whole = _TAGS.sub("", html).strip() == escape(headline.title)
    return "" if told_whole else html


def _sourced(html: str, header: Header | None) -> str:
    if header is None:
        return html.replace(_SOURCE, "")
    until = f", up to {_in_words(header.data_to)}" if header.data_to else ""
    return html.replace(_SOURCE, f"Source: {escape(header.study_title)}, the schools’ own records{until}.")


def _said(cells: list[dict[str, Any]], headline: Report) -> str:
    """All the page's text, as HTML and Markdown."""
    outputs = [output["data"].get("text/html", "") for cell in cells for output in cell.get("outputs", [])]
    return "\n".join(
        [
            headline.title,
            *headline.sentences,
            *outputs,
            *(str(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"),
        ]
    )


def _in_words(day: str) -> str:
    """'22 July 2025' for an ISO date; anything else stays as it is."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return day
    return f"{found.day} {MONTHS[found.month - 1]} {found.year}"


@cache
def _exporter() -> HTMLExporter:
    return _PageExporter(
        extra_template_basedirs=[str(TEMPLATES)],
        template_name="attendlib",
        exclude_anchor_links=True,
        default_preprocessors=[],
    )
