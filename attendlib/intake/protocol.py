"""The frozen plan: what a study decided before outcomes were read, with a hash, and what changed since."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from attendlib.errors import Problem, StudyError
from attendlib.intake.earlier import AWAITED, earlier_files, shared_label
from attendlib.intake.study import StudyFile, is_own_notebook
from attendlib.records.study import Strict

NOTEBOOK_FILE = "notebook file"  # no parameter can be called so
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Protocol:
    """A frozen plan: the choices, the last day of attendance held when it was frozen (ISO, or empty), their sha256."""

    plan: Mapping[str, Any]
    data_to: str
    sha256: str

    @property
    def untouched(self) -> bool:
        """Whether the file still holds what was frozen."""
        return self.sha256 == _digest(self.plan, self.data_to)


def protocol_path(study_file: StudyFile) -> Path:
    """Where the plan is kept: the study's `protocol`, else `<study file>.protocol.json` beside the study file."""
    folder, named = study_file.path.parent, study_file.study.protocol
    return folder / named if named else folder / f"{study_file.path.stem}.protocol.json"


def plan_of(study_file: StudyFile) -> dict[str, Any]:
    """Everything a study decides that could change an answer, as plain JSON values.

    Earlier studies that it puts together are named under `studies`, each with its file's sha256 or as awaited. A
    notebook of one's own is named without its folder, its file's sha256 beside its parameters.
    """
    study = study_file.study
    kept = {"study", "academic_year", "schools", "exclude_dates", "seed", "randomise"}
    notebooks = {
        _stem(name): keys.model_dump(mode="json", by_alias=True)
        if isinstance(keys, Strict)
        else {**keys, **_file_of(study_file, name)}
        for name, keys in study_file.notebooks.items()
    }
    studies = {"studies": earlier_files(study_file)} if study_file.results else {}
    return {**study.model_dump(mode="json", by_alias=True, include=kept), "notebooks": notebooks, **studies}


def _stem(notebook: str) -> str:
    return Path(notebook).stem if is_own_notebook(notebook) else notebook


def _file_of(study_file: StudyFile, notebook: str) -> dict[str, str]:
    path = study_file.path.parent / notebook
    return {NOTEBOOK_FILE: hashlib.sha256(path.read_bytes()).hexdigest()} if path.is_file() else {}


def freeze(study_file: StudyFile, data_to: str) -> Path:
    """Writes the plan. The same plan again changes nothing; another one is refused, so that a plan is never lost.

    Raises StudyError where a different plan is frozen already, naming what differs.
    """
    path = protocol_path(study_file)
    frozen = read_protocol(study_file)
    plan = plan_of(study_file)
    if frozen is not None:
        found = list(departures(frozen.plan, plan))
        if found or not frozen.untouched:
            said = "; ".join(found) or "the file was edited after it was frozen"
            raise StudyError([Problem(path.name, f"another plan is frozen already: {said}",
                                      "Keep to it, or name a new file under `protocol` and say why.")])  # fmt: skip
        return path
    written = {"plan": plan, "data_to": data_to, "sha256": _digest(plan, data_to)}
    path.write_text(json.dumps(written, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_protocol(study_file: StudyFile) -> Protocol | None:
    """The frozen plan of a study, or None. Raises StudyError for a file that is not one."""
    path = protocol_path(study_file)
    if not path.is_file():
        return None
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        return Protocol(dict(written["plan"]), str(written["data_to"]), str(written["sha256"]))
    except (ValueError, KeyError, TypeError) as error:
        remedy = "Restore it, or freeze a plan in a new file with `attend protocol`."
        raise StudyError([Problem(path.name, "not a frozen plan", remedy)]) from error


def protocol_digest(study_file: StudyFile) -> str:
    """sha256 of the frozen plan's file, or nothing: a page that quotes the plan is out of date when it changes."""
    path = protocol_path(study_file)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def departures(frozen: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What differs from the frozen plan. An earlier study's file that was awaited then may be held now.

    Files of one label are compared as a set: their order in the study file says nothing. What an older plan did not
    hold, a notebook's file, is not compared; its notebooks are those of the same name, whatever their folder.
    """
    named, held = _by_label(studies_of(frozen)), _by_label(studies_of(now))
    pairs = {label: _unlike(named.get(label, []), held.get(label, [])) for label in {*named, *held}}
    before, after = (
        {
            f"{label}, {place}" if place > 1 else label: pair[side]
            for label, found in pairs.items()
            for place, pair in enumerate(found, 1)
        }
        for side in (0, 1)
    )
    chosen = notebooks_of(frozen)
    asked = {name: _as_held(chosen.get(name), keys) for name, keys in notebooks_of(now).items()}
    whole = {"studies": before, "notebooks": chosen}, {"studies": after, "notebooks": asked}
    yield from changes({**frozen, **whole[0]}, {**now, **whole[1]})


def _as_held(frozen: Any, now: Any) -> Any:
    """A notebook's keys now, without its file's sha256 where the frozen ones have none."""
    if not isinstance(frozen, Mapping) or not isinstance(now, Mapping) or NOTEBOOK_FILE in frozen:
        return now
    return {key: value for key, value in now.items() if key != NOTEBOOK_FILE}


def _by_label(studies: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, file in studies.items():
        found.setdefault(shared_label(name), []).append(file)
    return found


def _unlike(frozen: list[str], now: list[str]) -> list[tuple[str | None, str | None]]:
    """The files of one label that differ, each frozen with one held now; those awaited then are given one first."""
    then, since = Counter(frozen), Counter(now)
    gone, new = (sorted((one - other).elements()) for one, other in ((then, since), (since, then)))
    awaited = min(gone.count(AWAITED), len(new))
    for _ in range(awaited):
        gone.remove(AWAITED)
    return list(zip_longest(gone, new[awaited:]))


def studies_of(plan: Mapping[str, Any]) -> dict[str, str]:
    """The earlier studies that a plan names, each with its file's sha256 or AWAITED; none in a plan without any."""
    studies = plan.get("studies")
    return {str(name): str(file) for name, file in studies.items()} if isinstance(studies, Mapping) else {}


def notebooks_of(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The keys frozen for each notebook by its name; an older plan names one's own by path."""
    notebooks = plan.get("notebooks")
    return {_stem(str(name)): keys for name, keys in notebooks.items()} if isinstance(notebooks, Mapping) else {}


def changes(frozen: Mapping[str, Any], now: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """'certainty_pct: 75 when frozen, 80 now' for each choice that differs, all the way down."""
    for key in sorted({*frozen, *now}):
        before, after = frozen.get(key), now.get(key)
        name = f"{place}.{key}" if place else str(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from changes(before, after, name)
        elif before != after:
            yield f"{name}: {_said(before)} when frozen, {_said(after)} now"


def _said(value: Any) -> str:
    if isinstance(value, str) and _SHA256.fullmatch(value):
        return f"file {value[:8]}"
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


def _digest(plan: Mapping[str, Any], data_to: str) -> str:
    text = json.dumps([plan, data_to], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
