"""Reads a study file: every key checked before anything runs, each complaint naming file, key and remedy."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, get_args

import platformdirs
import yaml
from pydantic import BaseModel, ValidationError

from attendlib.errors import Problem, StudyError
from attendlib.records.study import NOTEBOOKS, InterventionImpact, Strict, Study

Parameters = Strict | dict[str, Any]
_QUOTES = 'Write it as text, in quotes, such as "2024/25" or ["999001"].'
FEWEST_STUDIES = 2
DEEPEST = 50  # lists and keys in each other; a study file needs six
_PLAIN_VALUE = "Write it in quotes, as text, or as a number, yes or no, a list or keys and values."
_DEEP, _PLAIN_KEYS = "it is nested too deeply", "Keys and values are `key: value`."
_DOCS = "See docs/study-file.md for what the key takes."


@dataclass(frozen=True, slots=True)
class StudyFile:
    """A study as read: folders are absolute; `notebooks` has typed parameters, or a dict for a user's own notebook.

    `results` are the files of earlier studies' results.
    """

    study: Study
    path: Path
    data_folder: Path
    store_folder: Path
    key_file: Path
    notebooks: Mapping[str, Parameters]
    results: tuple[Path, ...] = ()


def read_study(path: Path) -> StudyFile:
    """The study file at `path`, its paths taken relative to it. Raises StudyError listing everything wrong."""
    written = _yaml(path)
    try:
        study = Study.model_validate(written)
    except ValidationError as error:
        asked = written.get("notebooks")
        inner = _wrong_parameters(path.name, asked) if isinstance(asked, dict) else []
        raise StudyError([*_problems(path.name, error, Study, written, ()), *inner]) from error
    folder = path.resolve().parent
    data = folder / study.data
    store = folder / study.store if study.store else data / ".attend" / study.study
    key = (
        folder / study.key_file if study.key_file else Path(platformdirs.user_config_dir("attendlib"), "pseudonym.key")
    )
    notebooks = _notebooks(path.name, study)
    return StudyFile(
        study, path.resolve(), data.resolve(), store.resolve(), key.resolve(), notebooks,
        _earlier(path, study, notebooks),
    )  # fmt: skip


def is_own_notebook(name: str) -> bool:
    """Whether a key of `notebooks` is a path to a user's notebook rather than the name of one of ours."""
    return name.startswith("./") or name.endswith(".ipynb")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which a key is a word and may stand once; read in C where the library has that."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As YAML has it. Raises MarkedYAMLError for a key that is a list or stands twice."""
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key that is not a word", problem_mark=key_node.start_mark)
            if key_node.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key `{key_node.value}` stands twice", problem_mark=key_node.start_mark
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def _yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise StudyError([Problem(path.name, "there is no such study file", "Check the name and the folder.")])
    try:
        text = path.read_text(encoding="utf-8")
        if _too_deep(text):
            raise StudyError([Problem(path.name, _DEEP, _PLAIN_KEYS)])
        written = yaml.load(text, Loader=_Loader)
    except UnicodeDecodeError as error:
        raise StudyError([Problem(path.name, "not UTF-8 text", "Save it again as UTF-8.")]) from error
    except yaml.YAMLError as error:
        raise StudyError([_not_yaml(path.name, error)]) from error
    except ValueError as error:  # what looks like a date and is none, such as 2024-13-05
        what = "it holds a date that does not exist"
        raise StudyError([Problem(path.name, what, "Write dates as 2024-09-02.")]) from error
    except RecursionError as error:  # keys that take in others (`<<`), one after another
        raise StudyError([Problem(path.name, _DEEP, _PLAIN_KEYS)]) from error
    except (LookupError, AttributeError, TypeError) as error:
        what = "a value is not what the `!!` before it says"
        raise StudyError([Problem(path.name, what, "Write values without `!!`.")]) from error
    if not isinstance(written, dict):
        raise StudyError([Problem(path.name, "holds no keys", "Start from params/demo-trust.yml.")])
    return written


def _too_deep(text: str) -> bool:
    """Whether lists and keys stand in each other beyond reason: read in C, some thousand of them would end the process.

    It looks no further than that: the time it takes to read them grows with the square of their number.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return True
    return False


def _not_yaml(name: str, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    line = f" at line {mark.line + 1}" if mark else ""
    what = getattr(error, "problem", None) or "unreadable"
    return Problem(
        name, f"not a readable study file{line}: {what}", "Correct that line; keys and values are `key: value`."
    )


def _notebooks(name: str, study: Study) -> dict[str, Parameters]:
    if problems := _wrong_parameters(name, study.notebooks):
        raise StudyError(problems)
    return {
        asked: dict(keys or {}) if is_own_notebook(asked) else NOTEBOOKS[asked].model_validate(keys or {})
        for asked, keys in study.notebooks.items()
    }


def _earlier(path: Path, study: Study, notebooks: Mapping[str, Parameters]) -> tuple[Path, ...]:
    """The file of each entry of `studies`: itself, or results.csv in that folder."""
    impact = notebooks.get("intervention_impact")
    put_together = isinstance(impact, InterventionImpact) and impact.design == "several_studies"
    what = ""
    if study.studies and not put_together:
        what = "`studies` is read by `design: several_studies` of intervention_impact alone"
    files = tuple(_results(path.resolve().parent / written) for written in study.studies)
    if put_together and len(set(files)) < FEWEST_STUDIES:
        what = f"`studies` names {len(set(files))}, and several are two or more"
    elif len(set(files)) < len(files):
        what = "`studies` names a file twice"
    if what:
        raise StudyError([Problem(path.name, what, _DOCS)])
    return files


def _results(place: Path) -> Path:
    return (place if place.suffix == ".csv" else place / "results.csv").resolve()


def _wrong_parameters(name: str, notebooks: Mapping[Any, Any]) -> list[Problem]:
    """What is wrong with each notebook's name and keys, as far as they are written as names and keys at all."""
    problems: list[Problem] = []
    for notebook, written in notebooks.items():
        if not isinstance(notebook, str) or not isinstance(written, dict | None):
            continue
        if is_own_notebook(notebook):
            problems.extend(_not_given(name, f"notebooks.{Path(notebook).name}", written or {}))
            continue
        if notebook not in NOTEBOOKS:
            problems.append(_unknown(name, "notebooks", notebook, tuple(NOTEBOOKS), "notebook"))
            continue
        try:
            NOTEBOOKS[notebook].model_validate(written or {})
        except ValidationError as error:
            place = ("notebooks", notebook)
            problems.extend(_problems(name, error, NOTEBOOKS[notebook], written or {}, place))
    return problems


def _not_given(name: str, place: str, written: dict[str, Any]) -> list[Problem]:
    """What of a notebook's own parameters cannot be given to it."""
    try:
        return list(_not_plain(name, place, written))
    except RecursionError:
        return [Problem(name, f"`{place}` holds itself, or is nested too deeply", _PLAIN_VALUE)]


def _not_plain(name: str, place: str, value: Any) -> Iterator[Problem]:
    """Each part of a notebook's own parameters that is no plain JSON value: a date, a set, a number without an end."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, str):
                yield from _not_plain(name, f"{place}.{key}", inner)
            else:
                yield Problem(name, f"`{place}.{key}`: a key must be text", "Write the key in quotes.")
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _not_plain(name, f"{place}, entry {number}", inner)
    elif not isinstance(value, str | int | float | None) or (isinstance(value, float) and not isfinite(value)):
        kind = "no finite number" if isinstance(value, float) else f"a {type(value).__name__}, as YAML reads it"
        yield Problem(name, f"`{place}` cannot be given to a notebook: it is {kind}", _PLAIN_VALUE)


def _problems(
    name: str, error: ValidationError, model: type[BaseModel], written: Any, place: tuple[str, ...]
) -> list[Problem]:
    """One problem for each key that is wrong; where a key may be of two kinds, what each kind asks for."""
    found: dict[tuple[Any, ...], list[Problem]] = {}
    for item in error.errors(include_url=False, include_input=False):
        keys = tuple(_real_keys(item["loc"], written))
        found.setdefault(keys, []).append(_problem(name, item, model, keys, place))
    deepest = [keys for keys in found if not any(len(k) > len(keys) and k[: len(keys)] == keys for k in found)]
    return [_either(found[keys]) for keys in deepest]


def _either(problems: Sequence[Problem]) -> Problem:
    first = problems[0]
    what = " or ".join(dict.fromkeys(problem.what for problem in problems))
    return Problem(first.where, what, first.remedy)


def _real_keys(loc: Sequence[int | str], written: Any) -> Iterator[int | str]:
    """The steps of `loc` that are keys in the file: pydantic also puts in the names of the types it tried."""
    for last, step in ((index == len(loc) - 1, step) for index, step in enumerate(loc)):
        if isinstance(written, Mapping) and (step in written or (last and _could_be_key(step))):
            yield step
            written = written.get(step)
        elif isinstance(written, list) and isinstance(step, int) and step < len(written):
            yield step
            written = written[step]


def _could_be_key(step: int | str) -> bool:
    return (
        isinstance(step, str)
        and step.replace("_", "").isalpha()
        and step.islower()
        and step not in ("str", "bool", "int")
    )


def _problem(
    name: str, item: Mapping[str, Any], model: type[BaseModel], keys: Sequence[Any], place: tuple[str, ...]
) -> Problem:
    path = ".".join(str(key) for key in (*place, *keys))
    kind = item["type"]
    if kind == "extra_forbidden":
        parent = ".".join(str(key) for key in (*place, *keys[:-1]))
        return _unknown(name, parent, str(keys[-1]), _allowed(model, keys[:-1]), "key")
    if kind == "missing":
        return Problem(name, f"`{path}` is missing", f"Add it. {_DOCS}")
    if kind in ("string_type", "literal_error") and "string" in item["msg"]:
        return Problem(name, f"`{path}` must be text", _QUOTES)
    if kind.startswith("date_"):
        return Problem(name, f"`{path}` is not a date", "Write dates as 2024-09-02.")
    message = item["msg"].removeprefix("Value error, ")
    return Problem(name, f"`{path}`: {message[0].lower()}{message[1:]}", _DOCS)


def _unknown(name: str, parent: str, key: str, allowed: tuple[str, ...], kind: str) -> Problem:
    nearest = difflib.get_close_matches(key, allowed, n=1, cutoff=0.5)
    path = f"{parent}.{key}" if parent else key
    meant = f"Did you mean `{nearest[0]}`? " if nearest else ""
    return Problem(name, f"`{path}` is not a known {kind}", f"{meant}Allowed here: {', '.join(allowed)}.")


def _allowed(model: type[BaseModel], keys: Sequence[Any]) -> tuple[str, ...]:
    """The keys allowed in the part of the file that `keys` lead to."""
    for key in keys:
        field = next((f for n, f in model.model_fields.items() if key in (n, f.alias)), None)
        inner = _model_in(field.annotation) if field else None
        model = inner or model
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model a field's annotation holds, through `| None`, `list[...]` and `Annotated`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
