"""A trust for questions of support, written as sessions by half-term: how many pupils each school has on each side."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from attendlib.intake.load import STUDY_VARIABLE, load
from attendlib.questions.intervention_impact import intervention_impact
from attendlib.records.answer import Answer

YEARS = ("2023/24", "2024/25")
MONTHS = (9, 11, 1, 3, 5, 6)
WINDOW, OUTCOME = {"from": "2024-09-01", "to": "2024-12-20"}, {"from": "2025-01-01", "to": "2025-07-22"}
KEYS: dict[str, Any] = {
    "intervention": "mentors",
    "smallest_worthwhile_days": 2.0,
    "eligible": {"absence_pct_at_least": 10, "window": WINDOW},
    "baseline": {"from": "2024-01-01", "to": "2024-07-24"},
    "outcome": OUTCOME,
}
SPREAD = {"referred": (0.15, 0.45), "compared": (0.2, 0.4), "earlier": (0.2, 0.4)}


@dataclass(frozen=True)
class Sides:
    """A school's pupils: referred (of them `never` started), compared, earlier pupils of its year, under the rule."""

    referred: int = 0
    compared: int = 0
    earlier: int = 0
    never: int = 0
    under: int = 0


def write_schools(folder: Path, schools: dict[str, Sides], audience: str = "internal", more: str = "") -> Path:
    """The study file of such a trust, its tidy folder beside it. Absence eases for all but one pupil in three."""
    rng = np.random.default_rng(5)
    roll: list[list[Any]] = []
    sessions: list[list[Any]] = []
    listed: list[list[Any]] = []
    for school, sides in schools.items():
        for kind in ("referred", "compared", "earlier", "under"):
            n = getattr(sides, kind)
            spread = np.linspace(*SPREAD.get(kind, (0.02, 0.05)), n)
            for place, rate in enumerate(spread):
                pupil = f"{school}{kind}{place}"
                after = rate * (1.2 if place % 3 == 2 else 0.7)
                _pupil(pupil, school, kind == "earlier", rate, after, rng, roll, sessions)
                if kind == "referred":
                    start = None if place < sides.never else "2025-01-06"
                    listed.append(
                        [pupil, school, "mentors", "2024-12-17", start, "referred" if start is None else "started"]
                    )
    data = folder / "data"
    data.mkdir(parents=True)
    columns = ["pupil", "school", "academic_year", "year_group"]
    pd.DataFrame(roll, columns=columns).to_csv(data / "pupils.csv", index=False)
    columns = ["pupil", "school", "academic_year", "period", "possible", "authorised", "unauthorised"]
    pd.DataFrame(sessions, columns=columns).to_csv(data / "attendance.csv", index=False)
    columns = ["pupil", "school", "intervention", "referred_date", "start_date", "status"]
    pd.DataFrame(listed, columns=columns).to_csv(data / "interventions.csv", index=False)
    names = pd.DataFrame({"school": [*schools], "name": [f"School {school}" for school in schools]})
    names.assign(phase="secondary").to_csv(data / "schools.csv", index=False)
    return _study(folder, audience, more)


def _pupil(
    pupil: str, school: str, earlier: bool, rate: float, after: float, rng: np.random.Generator,
    roll: list[list[Any]], sessions: list[list[Any]],
) -> None:  # fmt: skip
    for year in YEARS[:1] if earlier else YEARS:
        roll.append([pupil, school, year, 8 if earlier or year == YEARS[1] else 7])
        for half in range(1, 7):
            chosen = half <= 2 and (earlier or year == YEARS[1])
            absent = round(60 * rate) if chosen else min(int(rng.binomial(60, after)), 60)
            sessions.append([pupil, school, year, half, 60, absent // 2, absent - absent // 2])


def _study(folder: Path, audience: str, more: str) -> Path:
    terms = [
        f"{year},{half},{int(year[:4]) + (half > 2)}-{month:02d}-01,{int(year[:4]) + (half > 2)}-{month:02d}-20"
        for year in YEARS
        for half, month in enumerate(MONTHS, 1)
    ]
    (folder / "data" / "calendar.csv").write_text(
        "\n".join(["academic_year,half_term,start_date,end_date", *terms, ""]), encoding="utf-8"
    )
    study = folder / "study.yml"
    study.write_text(
        f"study: sides\ntitle: Schools by sides\ndata: data\nkey_file: key\naudience: {audience}\n"
        f'academic_year: "{YEARS[1]}"\n{more}notebooks:\n'
        "  intervention_impact: {intervention: mentors, smallest_worthwhile_days: 2.0}\n",
        encoding="utf-8",
    )
    return study


def ask_page(study: Path, page: str, patch: pytest.MonkeyPatch, **changed: Any) -> Answer:
    """The answer on one page."""
    patch.setenv(STUDY_VARIABLE, str(study))
    return intervention_impact(load(page), **{**KEYS, **changed})


def ask_each(study: Path, schools: dict[str, Sides], patch: pytest.MonkeyPatch, **changed: Any) -> dict[str, Answer]:
    """The answer on each school's page, and on that of all."""
    return {page: ask_page(study, page, patch, **changed) for page in (*schools, "all")}
