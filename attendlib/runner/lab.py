"""Copies of a study's notebooks to work on in JupyterLab, their parameters cells set to the study's values."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attendlib.export.cells import source, tags
from attendlib.export.clean import to_text
from attendlib.intake.share import checkout
from attendlib.intake.study import StudyFile
from attendlib.runner.templates import SCHOOL, TAG, templates


def copy_notebooks(study_file: StudyFile, school: str, folder: Path) -> tuple[list[Path], list[Path]]:
    """Writes each notebook of the study into `folder` for one school; returns the copies made and those already there.

    A copy already there is left as it is: it may hold the user's work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made, kept = [], []
    for template in templates(study_file):
        path = folder / f"{template.name}.ipynb"
        if path.exists():
            kept.append(path)
            continue
        values = {SCHOOL: school, **template.parameters}
        notebook = json.loads(json.dumps(template.notebook))
        for cell in notebook["cells"]:
            if TAG in tags(cell):
                cell["source"] = with_values(source(cell), values)
        path.write_text(to_text(notebook), encoding="utf-8")
        made.append(path)
    return made, kept


def with_values(cell: str, values: Mapping[str, Any]) -> str:
    """A parameters cell with these values in place of its own, comments and order kept."""
    lines = cell.splitlines(keepends=True)
    for node in reversed(ast.parse(cell).body):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.expr) and target.id in values:
            _put(lines, value, repr(values[target.id]))
    return "".join(lines)


def open_lab(study_file: StudyFile, folder: Path) -> int:
    """Starts JupyterLab on the folder with the study named; returns its exit code once it is closed."""
    environment = dict(os.environ) | {"ATTEND_STUDY": str(study_file.path)}
    if root := checkout():
        environment["PYTHONPATH"] = os.pathsep.join(p for p in (str(root), environment.get("PYTHONPATH", "")) if p)
    return subprocess.run([sys.executable, "-m", "jupyterlab", str(folder)], env=environment, check=False).returncode


def _put(lines: list[str], value: ast.expr, text: str) -> None:
    """Replaces an expression by its place; ast counts columns in UTF-8 bytes."""
    first, last = value.lineno - 1, (value.end_lineno or value.lineno) - 1
    before = lines[first].encode()[: value.col_offset].decode()
    after = lines[last].encode()[value.end_col_offset or 0 :].decode()
    lines[first : last + 1] = [before + text + after]
