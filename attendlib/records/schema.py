"""The study file's JSON Schema, made from its models, so that an editor completes and checks a study as it is typed."""

import json
from typing import Any

from attendlib.records.study import NOTEBOOKS, Study

_REFERENCES = "#/$defs/{model}"


def study_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a study file: every key of `Study`, every notebook's keys under `notebooks`.

    A notebook given as a path (`./probe.ipynb`) takes any keys: its own parameters cell names them.
    """
    schema = Study.model_json_schema(ref_template=_REFERENCES)
    definitions = schema.setdefault("$defs", {})
    for model in NOTEBOOKS.values():
        own = model.model_json_schema(ref_template=_REFERENCES)
        definitions |= own.pop("$defs", {})
        definitions[model.__name__] = own
    schema["properties"]["notebooks"] = {
        "type": "object",
        "minProperties": 1,
        "description": "The notebooks to run, each with its parameters",
        "properties": {name: {"$ref": f"#/$defs/{model.__name__}"} for name, model in NOTEBOOKS.items()},
        "patternProperties": {r"^\./|\.ipynb$": {"type": ["object", "null"]}},
        "additionalProperties": False,
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def study_schema_text() -> str:
    """The schema as `params/study.schema.json` holds it: keys sorted, two spaces, a last newline."""
    return json.dumps(study_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
