"""A story as an accessible piece of HTML: text, figures with alternative text, tables with captions and scopes."""

import hashlib
from collections.abc import Iterable
from html import escape

from attendlib.page.download import csv_link
from attendlib.records.answer import OWN_RECORDS, Chart, Section, Story, Table
from attendlib.words.tables import CHECKS, STEPS

SOURCE_HERE = '<span class="source"></span>'  # the page, which knows study and date, writes the source in here


def fragment(story: Story, name: str) -> str:
    """The whole story under one h3; `name` starts every id in it, so that a page may hold several.

    In this order: answer, charts and the tables behind them, how sure, what it cannot show, what to do next, detail.
    """
    numbered = [(table, f"{name}-table-{number}") for number, table in enumerate(story.tables, 1)]
    behind = [table_html(table, key) for table, key in numbered if table.caption not in (CHECKS, STEPS)]
    support = [table_html(table, key) for table, key in numbered if table.caption in (CHECKS, STEPS) and table.cells]
    parts = [
        f"<h3>{escape(story.title)}</h3>",
        f'<p class="badge">{escape(story.badge)}</p>' if story.badge and story.badge not in story.title else "",
        *paragraphs(story.sentences),
        *(figure_html(chart) for chart in story.charts),
        *behind,
        *(["<h4>How sure are we?</h4>"] if story.sure or support else []),
        *paragraphs(story.sure),
        *support,
        _listed("What this cannot show", story.caveats),
        _listed("What to do next", story.next_steps),
        *(_folded(section, f"{name}-more-{number}") for number, section in enumerate(story.sections, 1)),
    ]
    return f'<div class="answer" id="{escape(name)}">' + "\n".join(part for part in parts if part) + "</div>"


def paragraphs(sentences: Iterable[str]) -> list[str]:
    """One paragraph a sentence."""
    return [f"<p>{escape(sentence)}</p>" for sentence in sentences]


def _folded(section: Section, name: str) -> str:
    """A section under its title, closed until asked for; no script is needed to open it."""
    parts = [
        f"<summary>{escape(section.title)}</summary>",
        *paragraphs(section.sentences),
        *(figure_html(chart) for chart in section.charts),
        *(table_html(table, f"{name}-table-{number}") for number, table in enumerate(section.tables, 1)),
    ]
    return "<details>" + "\n".join(parts) + "</details>"


def figure_html(chart: Chart) -> str:
    """The drawing under its title, named for those who cannot see it; it scrolls where the screen is narrow."""
    key = "f" + hashlib.sha256((chart.title + chart.alt).encode()).hexdigest()[:8]
    svg = chart.svg.replace("<svg ", f'<svg role="img" aria-label="{escape(chart.alt)}" ', 1)
    return (
        f'<figure><figcaption id="{key}">{escape(chart.title)}</figcaption>'
        f'<div class="chart" role="group" tabindex="0" aria-labelledby="{key}">{svg}</div></figure>'
    )


def table_html(table: Table, name: str) -> str:
    """A table that scrolls and can be reached by keyboard, its note, and its CSV; the first column heads its row."""
    heads = "".join(f'<th scope="col"{_right(table, column)}>{escape(column)}</th>' for column in table.columns)
    body = "".join(
        f'<tr><th scope="row">{escape(cells[0])}</th>'
        + "".join(
            f"<td{_right(table, column)}>{escape(cell)}</td>"
            for column, cell in zip(table.columns[1:], cells[1:], strict=True)
        )
        + "</tr>"
        for cells in table.cells
    )
    note = f"{escape(table.note)} " if table.note else ""
    return (
        f'<div class="table" role="group" tabindex="0" aria-labelledby="{escape(name)}"><table>'
        f'<caption id="{escape(name)}">{escape(table.caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
        f'<p class="note">{note}{_source(table)}{csv_link(table, name)}</p>'
    )


def _source(table: Table) -> str:
    if "Source: " in table.note:
        return ""  # other people's figures name their own
    if table.source == OWN_RECORDS:
        return SOURCE_HERE
    return f"Source: {escape(table.source)}" if table.source else ""


def _right(table: Table, column: str) -> str:
    return ' class="number"' if column in table.numeric else ""


def _listed(title: str, items: tuple[str, ...]) -> str:
    if not items:
        return ""
    return f"<h4>{title}</h4><ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"
