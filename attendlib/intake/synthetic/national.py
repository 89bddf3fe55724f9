"""The national figures a synthetic trust is calibrated to, as arrays."""

import csv
from functools import cache
from importlib.resources import files
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CELLS = tuple((fsm, sen, sex) for fsm in (0, 1) for sen in (0, 1) for sex in (0, 1))
"""A pupil's group in the national bands: FSM, any SEN, sex (1 is female)."""

_NEVER = 0.003  # one session of 380 is 0.0026: below it a pupil misses nothing
_RATES = (_NEVER, 0.05, 0.10, 0.20, 0.50)
_NEVER_SHARE = 0.05  # about 1 in 20 miss nothing (8.2% of Year 6 before the pandemic, FFT Education Datalab)


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a facts file, each with its `source`."""
    text = (files("attendlib.facts") / name).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def persistent(year_group: str = "all", fsm: str = "all", sen: str = "all", sex: str = "all") -> float:
    """Percent of pupils of mainstream schools with 10% absence or more, 2022/23. Errors: KeyError."""
    return float(_national()[year_group, fsm, sen, sex]["persistent_pct"])


def cell_shares(year_group: int) -> Floats:
    """The share of a year group in each of CELLS, adding to 1."""
    counts = np.array([float(_cell(year_group, cell)["enrolments"]) for cell in CELLS])
    return counts / counts.sum()


def plan_share() -> float:
    """The share of pupils with SEN who have a plan (E rather than K), mainstream schools."""
    plan, support = (float(_national()["all", "all", sen, "all"]["enrolments"]) for sen in ("E", "K"))
    return plan / (plan + support)


def absence_rate(year_group: Ints, cell: Ints, z: Floats) -> Floats:
    """The absence rate (0 to 1) at normal score z among pupils of the same year group and cell."""
    out = np.zeros(len(z))
    for g, c in np.unique(np.stack([year_group, cell], axis=1), axis=0):
        chosen = (year_group == g) & (cell == c)
        out[chosen] = _at_score(z[chosen], *_knots(int(g), int(c)))
    return out


def per_thousand(academic_year: str, phase: str) -> dict[str, float]:
    """Sessions with each code per 1,000 possible. Source: facts/code_mix.csv."""
    chosen = (r for r in rows("code_mix.csv") if (r["academic_year"], r["phase"]) == (academic_year, phase))
    return {r["code"]: float(r["per_1000_possible"]) for r in chosen}


@cache
def _national() -> dict[tuple[str, str, str, str], dict[str, str]]:
    kept = (r for r in rows("national_absence.csv") if r["scope"] == "mainstream")
    return {(r["year_group"], r["fsm"], r["sen"], r["sex"]): r for r in kept}


def _cell(year_group: int, cell: tuple[int, int, int]) -> dict[str, str]:
    fsm, sen, sex = cell
    return _national()[str(year_group), str(fsm), ("none", "any")[sen], "MF"[sex]]


@cache
def _knots(year_group: int, cell: int) -> tuple[Floats, Floats]:
    """Where the log odds of absence stand at the normal scores the national shares give."""
    row = _cell(year_group, CELLS[cell])
    above = [float(row[c]) / 100 for c in ("persistent_pct", "over_20_pct", "severe_pct")]
    below = [_NEVER_SHARE, float(row["under_5_pct"]) / 100, *(1 - a for a in above)]
    rates = np.array(_RATES)
    return np.array([NormalDist().inv_cdf(b) for b in below]), np.log(rates / (1 - rates))


def _at_score(z: Floats, knots: Floats, logits: Floats) -> Floats:
    """Straight lines between the knots; the last one goes on above them, below them is no absence."""
    slope = (logits[-1] - logits[-2]) / (knots[-1] - knots[-2])
    logit = np.interp(z, knots, logits) + np.maximum(z - knots[-1], 0) * slope
    return np.where(z < knots[0], 0.0, 1 / (1 + np.exp(-logit)))
