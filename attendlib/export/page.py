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

from attendlib.export.cells import question_first
from attendlib.export.handed import handed_back
from attendlib.export.style import TEMPLATES, page_css
from attendlib.records.report import Report

AUDIENCES = {"internal": "staff of the school", "shareable": "anyone"}
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_ONE_AT_A_TIME = threading.Lock()  # a Jinja environment is shared by all threads that make reports


class _PageExporter(HTMLExporter):
    """nbconvert's exporter without its last step: re-reading the page to fill in missing alternative texts.

    Ours are never missing, and the step costs more than the rest and lowers the case of SVG's attributes.
    """

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        return TemplateExporter.from_notebook_node(self, nb, resources, **kw)


def page_html(saved: Mapping[str, Any], name: str, school: str, school_name: str) -> str:
    """The page of one saved notebook. Raises ReportError as `handed_back` does."""
    handed = handed_back(saved, school)
    asked, cells = question_first(saved, name)
    header = handed.header
    facts = {
        "question": asked,
        "school_name": header.school_name if header else school_name,
        "header": header,
        "data_to": _in_words(header.data_to) if header else "",
        "audience": AUDIENCES.get(header.audience, header.audience) if header else "",
        "headline": handed.headline,
        "css": page_css(),
    }
    with _ONE_AT_A_TIME:
        exporter = _exporter()
        exporter.register_filter("once_said", lambda html: _once_said(html, handed.headline))
        text, _ = exporter.from_notebook_node(from_dict({**saved, "cells": cells}), {"attend": facts})
    return re.sub(r"\n\s*\n+", "\n", str(text)).strip() + "\n"


def _once_said(html: str, headline: Report) -> str:
    """A fragment without what the summary at the top has said already: the headline's sentences, badge and steps."""
    for sentence in headline.sentences:
        html = html.replace(f"<p>{escape(sentence)}</p>", "", 1)
    steps = "".join(f"<li>{escape(step)}</li>" for step in headline.next_steps)
    html = html.replace(f"<h4>What to do next</h4><ul>{steps}</ul>", "", 1)
    return html.replace(f'<p class="badge">{escape(headline.verdict)}</p>', "", 1)


def _in_words(day: str) -> str:
    """'22 July 2025' for an ISO date; anything else stays as it is."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return day
    return f"{found.day} {MONTHS[found.month - 1]} {found.year}"


@cache
def _exporter() -> HTMLExporter:
    return _PageExporter(extra_template_basedirs=[str(TEMPLATES)], template_name="attendlib", exclude_anchor_links=True)
