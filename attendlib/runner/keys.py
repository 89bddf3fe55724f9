"""When a report is up to date: digests of everything its page is made from."""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from attendlib.export.cells import source, tags
from attendlib.records.study import Study

PACKAGE = Path(__file__).resolve().parents[1]
DRIVER = ("runner", "export", "cli.py", "share")  # no notebook can import these; share holds the notebooks themselves
SETTLED_BY = ("runner/kernel.py", "runner/place.py")  # but for seeds, threads and settings, which these decide
FIGURES_FROM = (
    "diff-diff", "duckdb", "filelock", "ipykernel", "matplotlib", "nbclient", "numpy", "pandas", "papermill", "patsy",
    "pyarrow", "pydantic", "pyyaml", "scipy", "seaborn", "statsmodels",
)  # fmt: skip
PAGES_FROM = ("jinja2", "mistune", "nbconvert", "nbformat")
_NOT_CONTEXT = {"title", "data", "store", "key_file", "studies", "notebooks"}  # digests stand for data and results


def digest(value: Any) -> str:
    """sha256 of a value as canonical JSON."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def report_key(study: Study, plan: str, data: str, notebook: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """The digest of what decides a report's figures: cells, parameters, study, data, library, versions.

    `plan` stands for the frozen plan, `data` for the data in the report's scope.
    """
    cells = [(cell["cell_type"], source(cell), tags(cell)) for cell in notebook["cells"]]
    context = study.model_dump(mode="json", by_alias=True, exclude=_NOT_CONTEXT)
    asked = {"cells": cells, "parameters": dict(parameters), "study": context, "title": study.title}
    parts = asked | {"plan": plan, "data": data}
    library = [_sources(DRIVER, inside=False), _sources(SETTLED_BY, inside=True)]
    return digest(parts | {"library": library, "versions": versions(FIGURES_FROM)})


def page_key(key: str) -> str:
    """The digest of a page: its report's, plus the templates and what makes a page of a notebook."""
    return digest([key, _sources(("export",), inside=True), versions(PAGES_FROM)])


def sources() -> str:
    """The digest of the package's every file."""
    return _sources((), inside=False)


@cache
def _versions(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, version(name)) for name in names)


def versions(names: Iterable[str]) -> dict[str, str]:
    """Installed versions by package, and Python's own."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    return {"python": python} | dict(_versions(tuple(names)))


@cache
def _sources(parts: tuple[str, ...], inside: bool) -> str:
    """The digest of the package's own files: those that are, or are inside, the named parts, or all the others."""
    files = sorted(p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    names = {p: p.relative_to(PACKAGE).as_posix() for p in files}
    chosen = [p for p, name in names.items() if any(f"{name}/".startswith(f"{part}/") for part in parts) == inside]
    return digest([(names[p], hashlib.sha256(p.read_bytes()).hexdigest()) for p in chosen])
