"""Whether the run kept to a plan frozen before outcomes were read: for the page's checks."""

from collections.abc import Callable, Mapping
from typing import Any

from attendlib.intake.earlier import AWAITED
from attendlib.intake.load import Pupils
from attendlib.intake.protocol import departures, notebooks_of, plan_of, read_protocol, studies_of
from attendlib.records.answer import Check

NAME = "Kept to a plan fixed beforehand"


Chosen = Mapping[str, Any]


def protocol_check(pupils: Pupils, notebook: str, outcome_from: Callable[[Chosen], str | None]) -> Check:
    """For information: frozen or not, before outcomes were held or not, kept to or what changed.

    Compared are the choices of `notebook`, those of the whole study, how a trial is drawn (`randomise`) and which
    earlier studies are put together (`studies`), each by its file.
    `outcome_from` takes what was frozen for the notebook to the outcome's first day (ISO), '' where none is named, or
    None where the days of attendance held do not tell whether the outcome was.
    """
    frozen = read_protocol(pupils.study_file)
    if frozen is None:
        text = "No plan was frozen (`attend protocol`): nothing shows that choices were made before outcomes were read."
        return Check(NAME, None, text)
    found = list(departures(_shared(frozen.plan, notebook), _shared(plan_of(pupils.study_file), notebook)))
    parts = [f"Plan {frozen.sha256[:12]}.", _when(frozen.data_to, outcome_from(_keys(frozen.plan, notebook) or {})),
             *_studies(frozen.plan)]  # fmt: skip
    if not frozen.untouched:
        parts.append("Its file was edited after it was frozen, so it shows nothing.")
    parts.append(f"Changed since: {'; '.join(found)}." if found else "The run kept to it.")
    return Check(NAME, None, " ".join(parts))


def _shared(plan: Chosen, notebook: str) -> dict[str, Any]:
    return {**plan, "notebooks": {notebook: _keys(plan, notebook)}}


def _studies(plan: Chosen) -> list[str]:
    """How many earlier studies' results were held, and so could have been read, when the plan was frozen."""
    studies = studies_of(plan)
    held = sum(file != AWAITED for file in studies.values())
    read = "those could have been read" if held else "none could have been read here"
    return [f"Files of {held} of {len(studies)} earlier studies were held then: {read}."] if studies else []


def _keys(plan: Chosen, notebook: str) -> Chosen | None:
    keys = notebooks_of(plan).get(notebook)
    return keys if isinstance(keys, Mapping) else None


def _when(data_to: str, first: str | None) -> str:
    held = f"attendance up to {data_to}" if data_to else "no attendance by date"
    if first is None:
        return f"It was frozen when {held} was held; whether results were held then is not recorded."
    if not data_to or not first:
        return f"It was frozen when {held} was held."
    if data_to < first:
        return f"It was frozen when {held} was held: before the outcome began."
    return f"It was frozen when {held} was held already, so outcomes could have been read."
