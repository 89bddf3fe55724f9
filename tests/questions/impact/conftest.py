"""A small invented trust with every awkward intervention in it."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest
from trust import STUDY, Trust

from attendlib.intake.synthetic.write import write_trust

START = "2025-01-06"
CLAIMS = """
claims:
  - {says: "82% improved"}
  - {says: "0.4% of Year 8 absence"}
  - {says: "It made all the difference to everyone"}
"""


@pytest.fixture(scope="session")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """Three schools; interventions everyone, late, group, whole, other, staggered, nobody_starts beside tutor_calls."""
    folder = tmp_path_factory.mktemp("awkward")
    write_trust(folder / "data", schools=3, pupils=1100)
    pupils = pd.read_csv(folder / "data" / "pupils.csv", dtype=str)
    calls = pd.read_csv(folder / "data" / "interventions.csv", dtype=str)
    calls = calls[calls["intervention"] == "tutor_calls"]
    extra = pd.concat([calls.assign(year_group=None), *_awkward(pupils[pupils["academic_year"] == "2024/25"], calls)])
    extra.to_csv(folder / "data" / "interventions.csv", index=False, quoting=csv.QUOTE_MINIMAL)
    _with_households(pupils, calls).to_csv(folder / "data" / "pupils.csv", index=False)
    study = folder / "params" / "study.yml"
    study.parent.mkdir()
    study.write_text(STUDY.format(audience="internal") + CLAIMS, encoding="utf-8")
    return Trust(study, json.loads((folder / "data" / "truth.json").read_text(encoding="utf-8")))


def _awkward(now: pd.DataFrame, calls: pd.DataFrame) -> list[pd.DataFrame]:
    own = calls[calls["start_date"].notna()]
    return [
        _rows(now, "everyone", START),
        _rows(now.iloc[::3], "late", "2026-01-05"),
        pd.DataFrame({"intervention": ["group"], "school": ["999003"], "year_group": ["9"], "start_date": [START]}),
        pd.DataFrame({"intervention": ["whole"], "school": ["999001"], "start_date": [START]}),
        _rows(own, "other", "2025-02-03"),
        own.assign(
            intervention="staggered", end_date=None, start_date=[f"2025-{1 + i % 4:02d}-13" for i in range(len(own))]
        ),
        own.assign(
            intervention="after_the_first_day", end_date=None, referred_date="2025-03-10", start_date="2025-03-17"
        ),
    ]


def _rows(pupils: pd.DataFrame, name: str, start: str) -> pd.DataFrame:
    return pupils[["school", "pupil"]].assign(intervention=name, start_date=start, status="started")


def _with_households(pupils: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Everyone alone, save the first ten eligible pupils never referred: each lives with a referred one."""
    homes = pupils["pupil"].map(lambda pupil: f"H{pupil}")
    here = calls["school"] == "999003"
    referred = list(calls.loc[calls["referred_date"].notna() & here, "pupil"])
    beside = list(calls.loc[calls["referred_date"].isna() & here, "pupil"])[:10]
    moved = dict(zip(beside, (f"H{pupil}" for pupil in referred), strict=False))
    return pupils.assign(household=homes.where(~pupils["pupil"].isin(moved), pupils["pupil"].map(moved)))


@pytest.fixture
def keys() -> dict[str, object]:
    """The study's own choices."""
    return {
        "intervention": "tutor_calls",
        "smallest_worthwhile_days": 2.0,
        "eligible": {"absence_pct_at_least": 10, "window": {"from": "2024-09-01", "to": "2024-12-20"}},
        "baseline": {"from": "2024-01-08", "to": "2024-07-24"},
        "outcome": {"from": "2025-01-06", "to": "2025-07-22"},
    }


def folder_of(trust: Trust) -> Path:
    """Where the trust lies."""
    return trust.study.parent
