"""Whether the run kept to a plan frozen before outcomes were read: for the page's checks."""

from collections.abc import Mapping
from typing import Any

from attendlib.intake.load import Pupils
from attendlib.intake.protocol import changes, plan_of, read_protocol
from attendlib.records.answer import Check

NAME = "Kept to a plan fixed beforehand"


def protocol_check(pupils: Pupils) -> list[Check]:
    """One check, for information: frozen or not, before outcomes were held or not, kept to or what changed."""
    frozen = read_protocol(pupils.study_file)
    if frozen is None:
        text = "No plan was frozen (`attend protocol`): nothing shows that choices were made before outcomes were read."
        return [Check(NAME, None, text)]
    now = plan_of(pupils.study_file)
    found = list(changes(_shared(frozen.plan), _shared(now)))
    parts = [f"Plan {frozen.sha256[:12]}."]
    parts.append(_when(frozen.data_to, _first_outcome_day(frozen.plan)))
    if not frozen.untouched:
        parts.append("Its file was edited after it was frozen, so it shows nothing.")
    parts.append(f"Changed since: {'; '.join(found)}." if found else "The run kept to it.")
    return [Check(NAME, None, " ".join(parts))]


def _shared(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {**plan, "notebooks": _only_ours(plan)}


def _only_ours(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    notebooks = plan.get("notebooks")
    keys = notebooks.get("intervention_impact") if isinstance(notebooks, dict) else None
    return {"intervention_impact": keys}


def _first_outcome_day(plan: Mapping[str, Any]) -> str:
    keys = _only_ours(plan)["intervention_impact"]
    outcome = keys.get("outcome") if isinstance(keys, dict) else None
    return str(outcome["from"]) if isinstance(outcome, dict) else ""


def _when(data_to: str, first: str) -> str:
    if not data_to:
        return "It was frozen when no attendance by date was held."
    if not first:
        return f"It was frozen when attendance up to {data_to} was held."
    if data_to < first:
        return f"It was frozen when attendance up to {data_to} was held: before the outcome began."
    return f"It was frozen when attendance up to {data_to} was held already, so outcomes could have been read."
