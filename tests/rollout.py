"""A small trust in which year groups or schools begin at different times: attendance by half-term or week, no marks."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from attendlib.intake.load import STUDY_VARIABLE, Pupils, load

HALF_TERMS = {
    "2023/24": ("2023-09-04", "2023-10-30", "2024-01-08", "2024-02-19", "2024-04-15", "2024-06-03"),
    "2024/25": ("2024-09-02", "2024-11-04", "2025-01-06", "2025-02-24", "2025-04-28", "2025-06-02"),
}
STARTS = ("2024-11-04", "2025-01-06", "2025-02-24", "")
SCHOOLS = {f"99900{n}": "primary" if n <= 4 else "secondary" for n in range(1, 9)}
YEAR_GROUPS = {"primary": (1, 2, 3, 4), "secondary": (7, 8, 9, 10)}
PUPILS, POSSIBLE = 12, 60
STUDY = """study: rollout
title: A small trust
data: ../data
academic_year: "2024/25"
key_file: ../pseudonym.key
audience: {audience}
notebooks:
  intervention_impact: {{intervention: club, smallest_worthwhile_days: 2.0, design: staggered}}
"""
Starts = Mapping[tuple[str, int], str]


def spread() -> dict[tuple[str, int], str]:
    """Each year group's start, ages and schools spread over all four."""
    groups = [(school, year) for school, phase in SCHOOLS.items() for year in YEAR_GROUPS[phase]]
    return {(school, year): STARTS[(int(school) + year) % 4] for school, year in groups}


def rollout(
    folder: Path, starts: Starts, *, fewer: int = 0, missing: tuple[str, ...] = (),
    joined: Mapping[str, str] | None = None, also: Mapping[str, Starts] | None = None,
    weeks: int = 0, named: bool = False, audience: str = "internal", only: tuple[str, ...] = (),
) -> Path:  # fmt: skip
    """A study in `folder`: `fewer` of 60 sessions absent once a group has begun, none of `missing` half-terms held.

    `joined` are schools' hub dates; with `weeks`, attendance is by week and that many are held; `named` adds one pupil
    by name; `only` are the schools that are there. `also` are further interventions, without any benefit. The same seed
    each time.
    """
    rng = np.random.default_rng(20250912)
    there = only or tuple(SCHOOLS)
    groups = [(school, year) for school in there for year in YEAR_GROUPS[SCHOOLS[school]]]
    data = folder / "data"
    data.mkdir(parents=True)
    schools = pd.DataFrame({"school": there, "name": [f"School {s}" for s in there]})
    schools = schools.assign(phase=[SCHOOLS[s] for s in there], joined_hub=[(joined or {}).get(s, "") for s in there])
    schools.to_csv(data / "schools.csv", index=False)
    calendar = [
        (year, half, first, (date.fromisoformat(first) + timedelta(days=33)).isoformat())
        for year, halves in HALF_TERMS.items()
        for half, first in enumerate(halves, 1)
    ]
    pd.DataFrame(calendar, columns=["academic_year", "half_term", "start_date", "end_date"]).to_csv(
        data / "calendar.csv", index=False
    )
    who = [(f"{s}{g:02d}{y[:4]}{i:02d}", s, y, g) for s, g in groups for y in HALF_TERMS for i in range(PUPILS)]
    pupils = pd.DataFrame(who, columns=["pupil", "school", "academic_year", "year_group"])
    pupils.to_csv(data / "pupils.csv", index=False)
    _attendance(pupils, starts, fewer, set(missing), weeks, rng).to_csv(data / "attendance.csv", index=False)
    every = {"club": starts, **(also or {})}
    rows = [
        (name, s, str(g), day, "") for name, own in every.items() for (s, g), day in own.items() if day and s in there
    ]
    rows += [("by_name", who[0][1], "", STARTS[0], who[0][0])] if named else []
    columns = ["intervention", "school", "year_group", "start_date", "pupil"]
    pd.DataFrame(rows, columns=columns).to_csv(data / "interventions.csv", index=False)
    study = folder / "params" / "study.yml"
    study.parent.mkdir()
    study.write_text(STUDY.format(audience=audience), encoding="utf-8")
    return study


def _attendance(
    pupils: pd.DataFrame, starts: Starts, fewer: int, missing: set[str], weeks: int, rng: np.random.Generator
) -> pd.DataFrame:
    """A row per pupil and half-term or week; primary and secondary schools have seasons of their own."""
    rows = []
    for (school, group, year), part in pupils.groupby(["school", "year_group", "academic_year"]):
        for place, (name, first) in enumerate(_periods(str(year), weeks)):
            if f"{year}-{name}" in missing:
                continue
            season = (place % 6) * (1 if group < 7 else 2)
            begun = bool(starts.get((school, group))) and first >= starts[school, group]
            expected = 8 + season + int(group) % 3 - fewer * begun
            absent = rng.binomial(POSSIBLE, expected / POSSIBLE, len(part))
            possible = 10 if weeks else POSSIBLE
            absent = np.minimum(absent // (6 if weeks else 1), possible)
            rows += [(p, school, year, name, possible, a, 0) for p, a in zip(part["pupil"], absent, strict=True)]
    columns = ["pupil", "school", "academic_year", "period", "possible", "authorised", "unauthorised"]
    return pd.DataFrame(rows, columns=columns)


def _periods(year: str, weeks: int) -> list[tuple[str, str]]:
    if not weeks:
        return [(str(half), first) for half, first in enumerate(HALF_TERMS[year], 1)]
    if year != "2024/25":
        return []
    mondays = [date(2024, 9, 2) + timedelta(weeks=n) for n in range(weeks)]
    return [(day.isoformat(), day.isoformat()) for day in mondays]


def loaded(study: Path, school: str, monkeypatch: pytest.MonkeyPatch) -> Pupils:
    """The pupils of a page, as a notebook loads them."""
    monkeypatch.setenv(STUDY_VARIABLE, str(study))
    return load(school)
