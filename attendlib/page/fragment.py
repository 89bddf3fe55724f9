"""A story as an accessible piece of HTML: text, figures with alternative text, tables with captions and scopes."""

from html import escape

from attendlib.records.answer import Chart, Section, Story, Table


def fragment(story: Story, name: str) -> str:
    """The whole story under one h3; `name` starts every id in it, so that a page may hold several."""
    parts = [
        f"<h3>{escape(story.title)}</h3>",
        f'<p class="badge">{escape(story.badge)}</p>' if story.badge and story.badge != story.title else "",
        *(f"<p>{escape(sentence)}</p>" for sentence in story.sentences),
        *(figure_html(chart) for chart in story.charts),
        *(table_html(table, f"{name}-table-{number}") for number, table in enumerate(story.tables, 1)),
        *(_folded(section, f"{name}-more-{number}") for number, section in enumerate(story.sections, 1)),
        _listed("What this cannot show", story.caveats),
        _listed("What to do next", story.next_steps),
    ]
    return f'<div class="answer" id="{escape(name)}">' + "\n".join(part for part in parts if part) + "</div>"


def _folded(section: Section, name: str) -> str:
    """A section under its title, closed until asked for; no script is needed to open it."""
    parts = [
        f"<summary>{escape(section.title)}</summary>",
        *(f"<p>{escape(sentence)}</p>" for sentence in section.sentences),
        *(figure_html(chart) for chart in section.charts),
        *(table_html(table, f"{name}-table-{number}") for number, table in enumerate(section.tables, 1)),
    ]
    return "<details>" + "\n".join(parts) + "</details>"


def figure_html(chart: Chart) -> str:
    """The drawing, named for those who cannot see it, with its title below."""
    svg = chart.svg.replace("<svg ", f'<svg role="img" aria-label="{escape(chart.alt)}" ', 1)
    return f"<figure>{svg}<figcaption>{escape(chart.title)}</figcaption></figure>"


def table_html(table: Table, name: str) -> str:
    """A table in a region that scrolls and can be reached by keyboard; the first column heads its row."""
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
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<div class="table" role="region" tabindex="0" aria-labelledby="{escape(name)}"><table>'
        f'<caption id="{escape(name)}">{escape(table.caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>{note}"
    )


def _right(table: Table, column: str) -> str:
    return ' class="number"' if column in table.numeric else ""


def _listed(title: str, items: tuple[str, ...]) -> str:
    if not items:
        return ""
    return f"<h4>{title}</h4><ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"
