"""The synthetic trust for tests: made once for all processes, asked through the same `load` the notebooks use."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from attendlib.intake.load import STUDY_VARIABLE, Pupils, load
from attendlib.intake.store import ensure_store
from attendlib.intake.study import read_study
from attendlib.intake.synthetic.write import write_trust

STUDY = """study: test-trust
title: An invented trust
data: ../data
academic_year: "2024/25"
key_file: ../pseudonym.key
audience: {audience}
notebooks:
  attainment_link: {{outcome: attainment8, prior: ks2_average, adjust_for: [fsm6, sen, sex, eal]}}
  transition_dip: {{before_year_group: 6, after_year_group: 7, by: fsm6}}
  intervention_impact:
    intervention: tutor_calls
    smallest_worthwhile_days: 2.0
    eligible: {{absence_pct_at_least: 10, window: {{from: 2024-09-01, to: 2024-12-20}}}}
    baseline: {{from: 2024-01-08, to: 2024-07-24}}
    outcome: {{from: 2025-01-06, to: 2025-07-22}}
"""


@dataclass(frozen=True)
class Trust:
    """A study on a synthetic trust, and what was planted in it."""

    study: Path
    truth: dict[str, Any]

    def pupils(self, school: str, monkeypatch: pytest.MonkeyPatch) -> Pupils:
        """The pupils of `school`, loaded as a notebook loads them."""
        monkeypatch.setenv(STUDY_VARIABLE, str(self.study))
        return load(school)


def make_trust(folder: Path, audience: str = "internal", **settings: Any) -> Trust:
    """A trust of the demo's shape in `folder`."""
    write_trust(folder / "data", **settings)
    study = folder / "params" / "study.yml"
    study.parent.mkdir()
    study.write_text(STUDY.format(audience=audience), encoding="utf-8")
    return _of(study)


def made_once(folder: Path) -> Trust:
    """That trust and its store, made by the first process that asks; the others wait, then find them."""
    study = folder / "params" / "study.yml"
    with FileLock(folder.with_suffix(".lock")):
        if not study.exists():
            make_trust(folder)
        ensure_store(read_study(study))
    return _of(study)


def _of(study: Path) -> Trust:
    truth = study.parents[1] / "data" / "truth.json"
    return Trust(study, json.loads(truth.read_text(encoding="utf-8")))
