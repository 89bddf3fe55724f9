"""Synthetic studies at the level of pupils' counts: three ways of being referred, with or without a planted benefit.

Absence follows a log-normal hidden score (median 5%, sigma 1.08, as national bands imply) that is part steady and part
passing; the passing part fades with distance in half-terms. Sessions come over-dispersed (beta-binomial).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
