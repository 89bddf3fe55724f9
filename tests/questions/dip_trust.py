"""A trust for questions of moving up, written as sessions by half-term: every part of it can be changed or left out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from attendlib.intake.load import STUDY_VARIABLE, Pupils, load
from attendlib.questions.transition_dip import transition_dip
from attendlib.records.answer import Answer

SECONDARY = "999101"
COUNTS = ["pupil", "school", "academic_year", "period", "possible", "authorised", "unauthorised"]
Change = Callable[[pd.DataFrame, pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]


@dataclass(frozen=True)
class Made:
    """`movers` pupils a cohort go up to one secondary from `primaries` schools, each with `stayers` a year younger."""

    movers: int = 60
    stayers: int = 15
    primaries: int = 4
    years: tuple[str, ...] = ("2023/24", "2024/25")
    halves: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    extra_points: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)
    study: str = ""
    change: Change | None = None


def write(folder: Path, made: Made) -> Path:
    """The study file of a trust as `made`, its tidy folder beside it."""
    rng = np.random.default_rng(11)
    pupils, sessions = [], []
    for step, (first, second) in enumerate(zip(made.years, made.years[1:], strict=False)):
        for name, n, before, after in (("m", made.movers, 6, 7), ("s", made.stayers * made.primaries, 5, 6)):
            for place in range(n):
                pupil, home = f"{name}{step}p{place}", f"99900{1 + place % made.primaries}"
                fsm, rate = int(rng.random() < 0.3), float(rng.beta(1.5, 22))
                there = SECONDARY if name == "m" else home
                for year, group, school in ((first, before, home), (second, after, there)):
                    pupils.append([pupil, school, year, group, fsm, "F" if place % 2 else "M", "N"])
                    more = made.extra_points / 100 if group == 7 else 0.0
                    for half in made.halves:
                        absent = int(rng.binomial(60, min(rate + more, 1)))
                        sessions.append([pupil, school, year, str(half), 60, absent, 0])
    roll = pd.DataFrame(pupils, columns=["pupil", "school", "academic_year", "year_group", "fsm6", "sex", "sen"])
    roll = roll.drop_duplicates(["pupil", "school", "academic_year"])
    counts = pd.DataFrame(sessions, columns=COUNTS)
    if made.change:
        roll, counts = made.change(roll, counts)
    return _files(folder, made, roll, counts)


def _files(folder: Path, made: Made, roll: pd.DataFrame, counts: pd.DataFrame) -> Path:
    data = folder / "data"
    data.mkdir(parents=True)
    roll.to_csv(data / "pupils.csv", index=False)
    counts.to_csv(data / "attendance.csv", index=False)
    schools = [f"99900{1 + place},Primary {1 + place},primary" for place in range(made.primaries)]
    schools += [f"{SECONDARY},Upper School,secondary", "999102,Other Upper School,secondary"]
    (data / "schools.csv").write_text("\n".join(["school,name,phase", *schools, ""]), encoding="utf-8")
    terms = [
        f"{year},{half},{int(year[:4]) + (half > 2)}-{month:02d}-01,{int(year[:4]) + (half > 2)}-{month:02d}-28"
        for year in made.years
        for half, month in ((1, 9), (2, 11), (3, 1), (4, 3), (5, 5), (6, 6))
    ]
    (data / "calendar.csv").write_text(
        "\n".join(["academic_year,half_term,start_date,end_date", *terms, ""]), encoding="utf-8"
    )
    study = folder / "study.yml"
    study.write_text(
        f'study: dip\ntitle: A trust of counts\ndata: data\nkey_file: key\nacademic_year: "{made.years[-1]}"\n'
        f"{made.study}notebooks:\n  transition_dip: {{before_year_group: 6, after_year_group: 7, by: fsm6}}\n",
        encoding="utf-8",
    )
    return study


def pupils_of(folder: Path, made: Made, monkeypatch: pytest.MonkeyPatch, school: str = SECONDARY) -> Pupils:
    """The secondary's pupils, as a notebook loads them."""
    monkeypatch.setenv(STUDY_VARIABLE, str(write(folder, made)))
    return load(school)


def ask(folder: Path, made: Made, monkeypatch: pytest.MonkeyPatch, school: str = SECONDARY) -> Answer:
    """The answer on the secondary's page."""
    keys = {"before_year_group": 6, "after_year_group": 7, "by": "fsm6", **made.settings}
    return transition_dip(pupils_of(folder, made, monkeypatch, school), **keys)
