"""The notebooks a study names: where each is, and whether its parameters cell takes what the study gives."""

import ast
import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attendlib.errors import Problem, StudyError
from attendlib.export.cells import bare, question_first, source, tags
from attendlib.intake.share import share
from attendlib.intake.study import StudyFile, is_own_notebook
from attendlib.records.study import PAGES, Strict

TAG = "parameters"
OWN_SCHOOL = "own-school"  # a second tag of the parameters cell, for notebooks of a user's own
SCHOOL = "school"


@dataclass(frozen=True, slots=True)
class Template:
    """One notebook of a study: `notebook` is bare, `parameters` all it is given but the school, `pages` its scopes.

    `own_school` is set where its pages rest on the data of their own school alone: only those of a school whose data
    changed are then run again. Ours set all schools beside, so they rest on the whole study.
    """

    name: str
    question: str
    notebook: Mapping[str, Any]
    parameters: Mapping[str, Any]
    pages: tuple[str, ...]
    own_school: bool = False


def templates(study_file: StudyFile) -> tuple[Template, ...]:
    """Every notebook of the study, in its order. Raises StudyError listing all that cannot be run."""
    found: list[Template] = []
    problems: list[Problem] = []
    for written, model in study_file.notebooks.items():
        try:
            found.append(_template(study_file, written, model))
        except StudyError as error:
            problems.extend(error.problems)
    names = [template.name for template in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        what = f"two notebooks share the name {', '.join(twice)}"
        problems.append(Problem(study_file.path.name, what, "Rename one: the name is the page's file name."))
    if problems:
        raise StudyError(problems)
    return tuple(found)


def read_notebook(path: Path) -> dict[str, Any]:
    """A notebook file, bare of outputs. Raises StudyError where it is missing or not a notebook."""
    try:
        return bare(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise StudyError([Problem(path.name, "there is no such notebook", "Check its name and folder.")]) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        what = "not a notebook that can be read"
        raise StudyError([Problem(path.name, what, "Save it again from JupyterLab.")]) from None


def declared(notebook: Mapping[str, Any], name: str) -> dict[str, bool]:
    """The names the parameters cell sets, and whether each has a value of its own there.

    Raises StudyError where there is no parameters cell, or it is not plain assignments.
    """
    cell = next((cell for cell in notebook["cells"] if TAG in tags(cell)), None)
    if cell is None:
        remedy = f"Tag the cell that sets them `{TAG}`."
        raise StudyError([Problem(name, "no cell is tagged as its parameters", remedy)])
    try:
        body = ast.parse(source(cell)).body
    except SyntaxError:
        raise StudyError([Problem(name, "its parameters cell is not Python", "Write `name = value` lines.")]) from None
    found = {node.target.id: node.value is not None for node in body if _annotated(node)}  # type: ignore[attr-defined]
    plain = [node for node in body if isinstance(node, ast.Assign)]
    return found | {target.id: True for node in plain for target in node.targets if isinstance(target, ast.Name)}


def _annotated(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def _template(study_file: StudyFile, written: str, model: Strict | dict[str, Any]) -> Template:
    own = is_own_notebook(written)
    path = study_file.path.parent / written if own else share("notebooks") / f"{written}.ipynb"
    given = dict(model) if isinstance(model, dict) else model.model_dump(mode="json", by_alias=True)
    notebook = read_notebook(path)
    problems = _mismatches(path.name, declared(notebook, path.name), given)
    if problems:
        raise StudyError(problems)
    name = path.stem
    own_school = own and any({TAG, OWN_SCHOOL} <= set(tags(cell)) for cell in notebook["cells"])
    return Template(name, question_first(notebook, name)[0], notebook, given, PAGES.get(written, (SCHOOL,)), own_school)


def _mismatches(name: str, cell: Mapping[str, bool], given: Mapping[str, Any]) -> list[Problem]:
    """Names given that the cell does not set, and names it sets to nothing that are not given."""
    unknown = [key for key in given if key not in cell or key == SCHOOL]
    missing = [key for key, has_value in cell.items() if not has_value and key not in given and key != SCHOOL]
    problems = [Problem(name, f"`{key}` is not a parameter of this notebook", _nearest(key, cell)) for key in unknown]
    problems += [
        Problem(name, f"`{key}` is missing", "Give it under the notebook in the study file.") for key in missing
    ]
    if SCHOOL not in cell:
        problems.append(Problem(name, "its parameters cell does not set `school`", 'Add the line `school = "all"`.'))
    return problems


def _nearest(key: str, cell: Mapping[str, bool]) -> str:
    allowed = [name for name in cell if name != SCHOOL]
    nearest = difflib.get_close_matches(key, allowed, n=1, cutoff=0.5)
    meant = f"Did you mean `{nearest[0]}`? " if nearest else ""
    return f"{meant}Its parameters are {', '.join(allowed) or 'none'}."
