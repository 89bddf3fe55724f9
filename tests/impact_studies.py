"""Synthetic studies at the level of pupils' counts: three ways of being referred, with or without a planted benefit.

Absence follows a log-normal hidden score (median 5%, sigma 1.08, as national bands imply) that is part steady and part
passing; the passing part fades with distance in half-terms. Sessions come over-dispersed (beta-binomial).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from attendlib.questions.common import rescaled, row_of
from attendlib.questions.impact.models import CHECK, Model, main_model, overlapping, points_fewer
from attendlib.questions.verdict import Design, Judged, decide
from attendlib.records.answer import Row

Floats = NDArray[np.float64]
KINDS = ("recorded", "trait", "shock")
STEADY = 0.5  # share of the hidden score's variance that stays with the pupil
KEEPS = 0.75  # how much of the passing part is left a half-term later
MEDIAN, SIGMA = 0.05, 1.08
SPELLS = 25.0  # beta-binomial precision: about five times binomial variance over a term
POSSIBLE = {"window": 140, "baseline": 230, "outcome": 230}
LIMIT = 0.10
DRAWN = 16  # pupils drawn for each one needed: about one in four meets the rule


@dataclass(frozen=True)
class Shape:
    """What a study is: pupils on each side, the way of referral, days a year planted, distances in half-terms."""

    side: int
    kind: str = "recorded"
    days: float = 0.0
    to_baseline: float = 3.0
    to_outcome: float = 3.0


def study(shape: Shape, seed: int) -> pd.DataFrame:
    """One study's frame, as `models` wants it, and `untreated`: outcome absences had nothing been planted."""
    rng = np.random.default_rng([seed, shape.side, KINDS.index(shape.kind)])
    n = DRAWN * 2 * shape.side
    trait = rng.standard_normal(n)
    passing = _passing(n, shape, rng)
    absent = {
        name: _sessions(np.sqrt(STEADY) * trait + np.sqrt(1 - STEADY) * passing[name], POSSIBLE[name], rng)
        for name in POSSIBLE
    }
    met = absent["window"] >= LIMIT * POSSIBLE["window"]
    pull = {"recorded": _standard(absent["window"], met), "trait": trait, "shock": passing["window"]}[shape.kind]
    asked = rng.random(n) < 1 / (1 + np.exp(-1.2 * (pull - pull[met].mean())))
    rows = np.concatenate([np.flatnonzero(met & (asked == side))[: shape.side] for side in (True, False)])
    assert len(rows) == 2 * shape.side
    return _frame({name: values[rows] for name, values in absent.items()}, asked[rows], shape, rng)


def _passing(n: int, shape: Shape, rng: np.random.Generator) -> dict[str, Floats]:
    back, on = KEEPS**shape.to_baseline, KEEPS**shape.to_outcome
    window = rng.standard_normal(n)
    return {
        "window": window,
        "baseline": back * window + np.sqrt(1 - back**2) * rng.standard_normal(n),
        "outcome": on * window + np.sqrt(1 - on**2) * rng.standard_normal(n),
    }


def _sessions(score: Floats, possible: int, rng: np.random.Generator) -> Floats:
    rate = np.clip(MEDIAN * np.exp(SIGMA * score), 0.002, 0.95)
    return rng.binomial(possible, rng.beta(rate * SPELLS, (1 - rate) * SPELLS)).astype(float)


def _standard(values: Floats, met: NDArray[np.bool_]) -> Floats:
    return (values - values[met].mean()) / values[met].std()


def _frame(
    absent: dict[str, Floats], treated: NDArray[np.bool_], shape: Shape, rng: np.random.Generator
) -> pd.DataFrame:
    wanted = treated * shape.days * POSSIBLE["outcome"] / 190
    fewer = np.minimum(np.floor(wanted + rng.random(len(treated))), absent["outcome"])
    frame = pd.DataFrame({"treated": treated.astype(float), "untreated": absent["outcome"]})
    for name, values in absent.items():
        missed = values - fewer if name == "outcome" else values
        frame[f"absent_{name}"], frame[f"possible_{name}"] = missed, float(POSSIBLE[name])
        frame[name] = missed / POSSIBLE[name]
    return frame.assign(school="1", year_group=8)


def realised_days(frame: pd.DataFrame) -> float:
    """Days a year fewer that the referred pupils of this study really had."""
    fewer = (frame["untreated"] - frame["absent_outcome"]) / frame["possible_outcome"]
    return float(190 * fewer[frame["treated"] == 1].mean())


@dataclass(frozen=True)
class Outcome:
    """What one study says: its verdict, main in days a year, and whether before-after alone would claim a benefit."""

    verdict: str
    main: Row
    check: Row
    realised: float
    naive: bool


def run(shape: Shape, seed: int, delta: float = 2.0, certainty: float = 0.75) -> Outcome:
    """A study through the page's own models and rule, its design checks taken as passed."""
    frame = study(shape, seed)
    analysed = frame[overlapping(frame)].reset_index(drop=True)
    rows = [_days(analysed, model) for model in (main_model(True), CHECK)]
    judged = Judged.of(rows[0], rows[1], delta)
    verdict, _ = decide(judged, Design((), True), certainty)
    return Outcome(verdict, rows[0], rows[1], realised_days(frame), _before_after(frame))


def _days(frame: pd.DataFrame, model: Model) -> Row:
    row = row_of(points_fewer(frame, model, None), "points_fewer", "school")
    return rescaled(row, 1.9, "days_fewer", "days a year")


def _before_after(frame: pd.DataFrame) -> bool:
    """Whether a paired t test of the referred pupils alone reads as a benefit."""
    own = frame[frame["treated"] == 1]
    found = stats.ttest_rel(own["window"], own["outcome"])
    return bool(found.statistic > 0 and found.pvalue < 0.05)


def expected_above_zero(outcomes: list[Outcome]) -> float:
    """The share of intervals above zero that the formula behind the smallest detectable difference foretells."""
    se = np.array([outcome.main.se for outcome in outcomes], dtype=float)
    df = np.array([outcome.main.df for outcome in outcomes], dtype=float)
    true = np.array([outcome.realised for outcome in outcomes])
    return float(stats.t.sf(stats.t.ppf(0.975, df) - true / se, df).mean())
