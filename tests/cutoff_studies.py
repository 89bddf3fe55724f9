"""Synthetic studies of a line that decided who was referred: whole sessions, mostly whole days, nobody alike by design.

Absence follows the same hidden score as `impact_studies`. Marks are kept by the day, so counts heap at even sessions;
one pupil in ten has fewer possible sessions than the rest. Everyone at or above 10% in the window is referred.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
from impact_studies import KEEPS, MEDIAN, SIGMA, SPELLS, STEADY, Floats
from scipy import stats

from attendlib.questions.common import rescaled, row_of
from attendlib.questions.impact.designs.cutoff import Fitted, fitted
from attendlib.questions.impact.threshold import Sides, placed
from attendlib.questions.impact.threshold_figures import fewer
from attendlib.questions.verdict import Design, Judged, decide
from attendlib.questions.windows import Windows, span
from attendlib.records.answer import Row

LINE = 10.0
OUTCOME, BASELINE = 230, 230  # possible sessions
PART_DAYS = 0.25  # of pupils have an odd half-day more or less
WINDOWS = Windows(
    span(date(2024, 9, 2), date(2024, 10, 25)),
    span(date(2024, 1, 8), date(2024, 7, 23)),
    span(date(2024, 11, 4), date(2025, 7, 21)),
)


@dataclass(frozen=True)
class Shape:
    """Pupils in all, possible sessions in the window, days a year planted above the line, share of exceptions."""

    pupils: int
    possible: int = 74
    days: float = 0.0
    exceptions: float = 0.0


def study(shape: Shape, seed: int) -> Sides:
    """One study's pupils, as the design has them."""
    rng = np.random.default_rng([seed, shape.pupils, shape.possible])
    n = shape.pupils
    trait, window = rng.standard_normal(n), rng.standard_normal(n)
    held = np.where(rng.random(n) < 0.1, shape.possible - rng.integers(1, 10, n), shape.possible)
    possible = {"window": held, "baseline": np.full(n, BASELINE), "outcome": np.full(n, OUTCOME)}
    passing = {"window": window, "baseline": _later(window, 3.0, rng), "outcome": _later(window, 2.5, rng)}
    frame = pd.DataFrame({"pupil": np.arange(n), "school": "1", "year_group": 8})
    for name, count in possible.items():
        score = np.sqrt(STEADY) * trait + np.sqrt(1 - STEADY) * passing[name]
        frame[f"possible_{name}"], frame[f"absent_{name}"] = count, _marks(score, count, rng)
    frame = placed(frame, LINE)
    follows = rng.random(n) >= shape.exceptions
    frame["treated"] = np.where(follows, frame["above"], 1 - frame["above"])
    wanted = np.floor(shape.days * OUTCOME / 190 + rng.random(n)) * frame["treated"]
    frame["fewer"] = np.minimum(wanted, frame["absent_outcome"])
    frame["absent_outcome"] -= frame["fewer"]
    for name in possible:
        frame[name] = frame[f"absent_{name}"] / frame[f"possible_{name}"]
    return Sides(frame, (), "school", WINDOWS, LINE, "internal")


def _later(window: Floats, half_terms: float, rng: np.random.Generator) -> Floats:
    kept = KEEPS**half_terms
    return kept * window + np.sqrt(1 - kept**2) * rng.standard_normal(len(window))


def _marks(score: Floats, possible: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rate = np.clip(MEDIAN * np.exp(SIGMA * score), 0.002, 0.95)
    days = rng.binomial(possible // 2, rng.beta(rate * SPELLS, (1 - rate) * SPELLS))
    odd = np.where(rng.random(len(rate)) < PART_DAYS, rng.choice([-1, 1], len(rate)), 0)
    return np.clip(2 * days + odd, 0, possible)


@cache
def realised_days(shape: Shape) -> float:
    """Days a year fewer that pupils at the line really have, once nobody can miss fewer than none: 400,000 pupils."""
    frame = study(Shape(400_000, shape.possible, shape.days), 0).frame
    return float(190 * (frame.loc[frame["steps"].between(0, 1), "fewer"] / OUTCOME).mean())


@dataclass(frozen=True)
class Outcome:
    """What one study says: its verdict, main in days a year, and whether before and after alone reads as benefit."""

    verdict: str
    main: Row
    naive: bool


def run(shape: Shape, seed: int, delta: float = 2.0, certainty: float = 0.75) -> Outcome:
    """A study through the page's own fit and rule, its design checks taken as passed."""
    found = study(shape, seed)
    made = fitted(found)
    main = days_of(made)
    check = main if made.wald is None else _days(made.rule.robust)
    verdict, _ = decide(Judged.of(main, check, delta), Design((), True), certainty)
    return Outcome(verdict, main, _before_after(found.frame))


def days_of(made: Fitted) -> Row:
    """Main in days a year."""
    return _days(made.main.robust)


def _days(estimate: object) -> Row:
    return rescaled(row_of(fewer(estimate), "points_fewer", "school"), 1.9, "days_fewer", "days a year")  # type: ignore[arg-type]


def _before_after(frame: pd.DataFrame) -> bool:
    own = frame[frame["above"] == 1]
    found = stats.ttest_rel(own["window"], own["outcome"])
    return bool(found.statistic > 0 and found.pvalue < 0.05)
