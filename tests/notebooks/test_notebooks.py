"""The notebooks: thin, clean, one h1, and their parameters exactly those of the study's models."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from attendlib.intake.share import share
from attendlib.records.study import NOTEBOOKS

PATHS = sorted(share("notebooks").glob("*.ipynb"))
HEADINGS = ["Question", "Answer", "Method", "Provenance"]


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    return [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == kind]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def parameters(path: Path) -> dict[str, Any]:
    first = cells(path, "code")[0]
    assert first["metadata"]["tags"] == ["parameters"]
    tree = ast.parse(source(first))
    return {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body}  # type: ignore[attr-defined]


def test_every_question_has_a_notebook() -> None:
    assert [path.stem for path in PATHS] == sorted(NOTEBOOKS)


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_parameters_are_those_of_the_model(path: Path) -> None:
    found, model = parameters(path), NOTEBOOKS[path.stem]
    assert list(found) == ["school", *model.model_fields]
    assert isinstance(found["school"], str)
    for name, field in model.model_fields.items():
        if not field.is_required() and name not in ("prior", "adjust_for", "by"):
            assert found[name] == field.get_default(call_default_factory=True), name
    model.model_validate({name: value for name, value in found.items() if name != "school"})


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_thin_clean_and_in_order(path: Path) -> None:
    code = cells(path, "code")
    prose = "\n".join(source(cell) for cell in cells(path, "markdown"))
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    assert max(len(ast.parse(source(cell)).body) for cell in code[1:]) <= 3  # a call may give each key a line
    assert not any(re.search(r"^\s*(def|for|while|class) ", source(cell), re.MULTILINE) for cell in code)
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1
    assert re.findall(r"^## (.*)$", prose, re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_every_parameter_is_passed_on_under_its_own_name(path: Path) -> None:
    calls = "\n".join(source(cell) for cell in cells(path, "code")[1:])
    for name in parameters(path):
        assert (name == "school" and "al.load(school)" in calls) or f"{name}={name}" in calls, name
