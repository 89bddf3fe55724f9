"""Reading a notebook's cells: sources, tags, the question it asks, and the notebook bare of everything else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
INJECTED = "injected-parameters"
FOLDED = ("method", "provenance", "study choices")  # sections for those who want to look closer
_FIRST_HEADING = re.compile(r"^\s*#\s+(.+)\n?")
_SECTION_HEADING = re.compile(r"^\s*##\s+(.+)\n?")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a page: its title (none for what comes before the first `##`), an id, its cells, folded or not."""

    title: str
    key: str
    folded: bool
    cells: list[dict[str, Any]] = field(default_factory=list)


def tags(cell: Mapping[str, Any]) -> list[str]:
    """A cell's tags, in the order written."""
    return list(cell.get("metadata", {}).get("tags", []))


def source(cell: Mapping[str, Any]) -> str:
    """A cell's source as one text."""
    text = cell.get("source", "")
    return text if isinstance(text, str) else "".join(text)


def bare(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """The notebook as a template: no outputs, counts or injected cell; only kernel, tags and numbered cell ids kept."""
    cells = [cell for cell in notebook["cells"] if INJECTED not in tags(cell)]
    kernel = notebook.get("metadata", {}).get("kernelspec") or KERNEL
    return {
        "cells": [_bare_cell(number, cell) for number, cell in enumerate(cells, start=1)],
        "metadata": {"kernelspec": dict(kernel), "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def question_first(notebook: Mapping[str, Any], name: str) -> tuple[str, list[dict[str, Any]]]:
    """What a notebook asks (its first Markdown heading, else its name in words), and the cells without that heading."""
    cells = [dict(cell) for cell in notebook["cells"]]
    first = next((cell for cell in cells if cell["cell_type"] == "markdown"), None)
    heading = _FIRST_HEADING.match(source(first)) if first else None
    if first is None or heading is None:
        return name.replace("_", " ").capitalize(), cells
    first["source"] = source(first)[heading.end() :]
    return plain_title(heading.group(1)), cells


def parts(cells: list[dict[str, Any]]) -> list[Part]:
    """The cells by section: a Markdown cell that starts with `## …` opens one, and loses that heading."""
    found = [Part("", "", False)]
    for cell in cells:
        heading = _SECTION_HEADING.match(source(cell)) if cell["cell_type"] == "markdown" else None
        if heading:
            title = plain_title(heading.group(1))
            found.append(Part(title, _key(title, len(found)), title.casefold().startswith(FOLDED)))
            cell = {**cell, "source": source(cell)[heading.end() :].strip()}
        if cell["cell_type"] == "code" or source(cell).strip():
            found[-1].cells.append(cell)
    return [part for part in found if part.title or part.cells]


def plain_title(heading: str) -> str:
    """A Markdown heading without its marks."""
    return re.sub(r"[*_`]", "", heading).strip()


def _key(title: str, number: int) -> str:
    """An id that stands once on the page."""
    return f"part-{number}-" + (re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-") or "x")


def _bare_cell(number: int, cell: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "cell_type": cell["cell_type"],
        "id": f"cell-{number}",
        "metadata": {"tags": tags(cell)} if tags(cell) else {},
        "source": source(cell),
    }
    return kept | ({"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {})
