"""Invented pupils at the level of their counts: what the expected absence is judged on, without two million marks."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.questions.dip.moves import with_rates

SESSIONS = 380


@dataclass(frozen=True)
class World:
    """How pupils are made. `dip` in points, without and with free school meals; `chosen` leans the movers towards a
    bad earlier year, so that they drift back by themselves; `base` log odds of absence (−5: most pupils near none)."""

    primaries: int = 8
    stayers: int = 40
    movers: int = 160
    dip: tuple[float, float] = (0.7, 2.7)
    chosen: float = 0.0
    base: float = -3.1
    school_years: float = 0.1


def make(world: World, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Stayers, movers, and what the move added to each mover's absence, in points: the realised truth."""
    rng = np.random.default_rng(seed)
    schools = np.repeat(np.arange(world.primaries), world.stayers)
    shock = rng.normal(0, world.school_years, world.primaries)[schools]
    stayers, _ = _pupils(world, rng, schools, shock, (0.0, 0.0))
    many = world.movers if world.chosen == 0 else 4 * world.movers
    movers, added = _pupils(world, rng, np.zeros(many, dtype=int), np.zeros(many), world.dip)
    if world.chosen:
        weight = 1 / (1 + np.exp(-world.chosen * (movers["before"].to_numpy() - 8)))
        kept = np.sort(rng.choice(many, world.movers, replace=False, p=weight / weight.sum()))
        movers, added = movers.iloc[kept].reset_index(drop=True), added.iloc[kept].reset_index(drop=True)
    return stayers.assign(school=[f"primary {s}" for s in schools]), movers.assign(school="secondary"), added


def _pupils(
    world: World, rng: np.random.Generator, schools: np.ndarray, shock: np.ndarray, dip: tuple[float, float]
) -> tuple[pd.DataFrame, pd.Series]:
    n = len(schools)
    fsm, steady = (rng.random(n) < 0.3).astype(int), rng.standard_normal(n)
    before = _absent(world, rng, fsm, steady, np.zeros(n))
    without = _absent(world, rng, fsm, steady, shock)
    extra = np.rint(np.array(dip)[fsm] / 100 * SESSIONS * rng.gamma(2, 0.5, n)).astype(int)
    after = np.minimum(without + extra, SESSIONS)
    frame = pd.DataFrame({"pupil": np.arange(n), "group": [f"fsm6={each}" for each in fsm]})
    counts = {"absent_before": before, "absent_after": after, "possible_before": SESSIONS, "possible_after": SESSIONS}
    frame = frame.assign(**counts)
    return with_rates(frame), pd.Series(100 * (after - without) / SESSIONS)


def _absent(
    world: World, rng: np.random.Generator, fsm: np.ndarray, steady: np.ndarray, shock: np.ndarray
) -> np.ndarray:
    """Sessions missed in a year: half of what makes a pupil differ lasts, absence comes in spells, 0 is the floor."""
    year = 0.7 * steady + 0.7 * rng.standard_normal(len(steady))
    rate = 1 / (1 + np.exp(-(world.base + 0.9 * year + 0.5 * fsm + shock)))
    return rng.binomial(SESSIONS, rng.beta(60 * rate, 60 * (1 - rate)))
