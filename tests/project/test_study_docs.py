"""docs/study-file.md, the JSON Schema and the example studies say what the models say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from attendlib.records.schema import study_schema, study_schema_text
from attendlib.records.study import NOTEBOOKS, Assumed, Claim, Eligible, Exclusion, Randomise, Span, Study, Threshold

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "params").glob("*.yml"))
MODELS: dict[str, type[BaseModel]] = {
    "The study": Study,
    "Each entry of `exclude_dates`": Exclusion,
    "Each entry of `claims`": Claim,
    "`outcome` as a threshold": Threshold,
    "`eligible`": Eligible,
    "`assumed`": Assumed,
    "`randomise`": Randomise,
    "`{from, to}`": Span,
    **{f"`{name}`": model for name, model in NOTEBOOKS.items()},
}


def documented() -> dict[str, dict[str, str]]:
    """Each heading's table of keys: key to default, as written."""
    text = (ROOT / "docs" / "study-file.md").read_text(encoding="utf-8")
    sections = (section.partition("\n") for section in re.split(r"(?m)^#+ ", text))
    row = re.compile(r"(?m)^\| `(\w+)` \|[^|]*\| ([^|]*) \|")
    return {title: dict(row.findall(body)) for title, _, body in sections if row.search(body)}


def defaults(model: type[BaseModel]) -> dict[str, str]:
    """Each key as the study file spells it, and its default as JSON."""
    return {
        field.alias or name: "*required*" if field.is_required() else f"`{_plain(field.default)}`"
        for name, field in model.model_fields.items()
    }


def _plain(default: Any) -> str:
    return default if isinstance(default, str) else json.dumps(default)


def written(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_every_key_and_default_is_documented() -> None:
    assert documented() == {title: defaults(model) for title, model in MODELS.items()}


def test_schema_is_the_models() -> None:
    kept = (ROOT / "params" / "study.schema.json").read_text(encoding="utf-8")
    assert kept == study_schema_text(), "run `make schema`"


def test_schema_is_a_schema_without_loose_ends() -> None:
    schema = study_schema()
    Draft202012Validator.check_schema(schema)
    wanted = set(re.findall(r"#/\$defs/(\w+)", study_schema_text()))
    assert wanted == set(schema["$defs"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_studies_are_valid(path: Path) -> None:
    study = Study.model_validate(written(path))
    assert study.study == path.stem
    for name, parameters in study.notebooks.items():
        NOTEBOOKS[name].model_validate(parameters)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_studies_fit_the_schema(path: Path) -> None:
    as_json = json.loads(json.dumps(written(path), default=str))
    assert [error.message for error in Draft202012Validator(study_schema()).iter_errors(as_json)] == []


BASE = {"study": "a", "title": "A", "data": ".", "academic_year": "2024/25"}
DIP = {"before_year_group": 6, "after_year_group": 7}
BEYOND = [
    # notebooks, whether an editor accepts them
    ({"transition_dip": DIP}, True),
    ({"./probe.ipynb": {"anything": 1}}, True),
    ({"./probe.ipynb": None}, True),
    ({"transition_dip": {**DIP, "befor": 6}}, False),
    ({"transition_dip": {"before_year_group": 6}}, False),
    ({"transition_dip": {**DIP, "after_year_group": 14}}, False),
    ({"transition_dop": DIP}, False),
    ({}, False),
]


@pytest.mark.parametrize(("notebooks", "accepted"), BEYOND)
def test_schema_knows_each_notebooks_keys(notebooks: dict[str, Any], accepted: bool) -> None:
    assert Draft202012Validator(study_schema()).is_valid({**BASE, "notebooks": notebooks}) is accepted


def test_the_example_studies_are_there() -> None:
    wanted = {"demo-trust.yml", "star.yml", "impact-weighted.yml", "impact-half-terms.yml", "impact-earlier-cohort.yml",
              "impact-staggered.yml", "impact-cutoff.yml", "impact-series.yml", "impact-synthetic-control.yml",
              "impact-meta-analysis.yml"}  # fmt: skip
    assert wanted <= {path.name for path in EXAMPLES}
