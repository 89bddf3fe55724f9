"""Pupils persistently absent last year: those who were not this year beside those who were, described and no more."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from attendlib.disclosure import withheld
from attendlib.facts.definitions import FEWEST_SESSIONS_BANDED, PERSISTENT_PCT
from attendlib.questions.common import independent, row_of
from attendlib.questions.link.asked import Asked
from attendlib.questions.link.contrast import unit_of
from attendlib.questions.link.design import SPARE_PUPILS, held_alike
from attendlib.questions.link.gradient import figure_row, gives_away, outcome_of, share_row
from attendlib.records.answer import Row, Scope
from attendlib.stats.fit import contrast
from attendlib.stats.ols import ols
from attendlib.stats.shares import mean_interval

MOVED_UP_YEAR_GROUP = 7  # their last year was in another phase, so they say nothing of what happens to stayers
LAST_YEAR_EDGES_PCT = (10.0, 12.5, 15.0, 20.0, 30.0, 100.1)
FEWEST_REFERENCE = 20  # pupils of other year groups in a band of last year's absence


def improver_rows(frame: pd.DataFrame, others: pd.DataFrame, scope: Scope, asked: Asked) -> tuple[Row, ...]:
    """`result_by_pattern`, `prior_by_pattern`, `improved_share`, `improved_expected` and `improver_difference`.

    Persistently absent is 10% or more. Withheld where the bands of the gradient would give a rest away.
    """
    known = (frame["last_possible"] >= FEWEST_SESSIONS_BANDED).to_numpy()
    was = known & _persistent(frame["last_absent"], frame["last_possible"])
    now = _persistent(frame["absent"], frame["possible"])
    improved, both = was & ~now, was & now
    if not was.any():
        return ()
    y = outcome_of(frame, asked)
    if min(int(improved.sum()), int(both.sum())) < asked.fewest:
        return ()
    hidden = any(gives_away(y[inside], asked) for inside in (improved, both, now & ~both, ~now & ~improved))
    rows = _pattern_rows(y, {"improved": improved, "both": both, "others": ~was}, scope, asked)
    return (
        *(withheld(row) if hidden else row for row in rows),
        *(_prior_rows(frame, {"improved": improved, "both": both}, scope) if asked.prior else ()),
        share_row(int(improved.sum()), int(was.sum()), "improved_share", scope),
        *_expected(frame[was], others, scope, asked),
        *(() if hidden else _difference(frame[was].assign(improved=improved[was].astype(float)), scope, asked)),
    )


def _prior_rows(frame: pd.DataFrame, patterns: dict[str, np.ndarray], scope: Scope) -> list[Row]:
    label = {"unit": "points", "method": "mean, t interval"}
    prior = frame["prior"].astype(float)
    return [
        row_of(mean_interval(prior[inside].to_numpy()), "prior_by_pattern", scope, group=f"pattern={name}", **label)
        for name, inside in patterns.items()
    ]


def _pattern_rows(y: pd.Series, patterns: dict[str, np.ndarray], scope: Scope, asked: Asked) -> list[Row]:
    return [
        figure_row(y[inside], "result_by_pattern", scope, f"pattern={name}", asked) for name, inside in patterns.items()
    ]


def _persistent(absent: pd.Series, possible: pd.Series) -> np.ndarray:
    return (100 * absent >= PERSISTENT_PCT * possible).to_numpy(dtype=bool)


def _expected(was: pd.DataFrame, others: pd.DataFrame, scope: Scope, asked: Asked) -> list[Row]:
    """The share that would be under 10% this year if these pupils fared as pupils of other year groups with as much
    absence last year did: direct standardisation over bands of last year's absence, narrow ones joined."""
    reference = others[
        (others["last_possible"] >= FEWEST_SESSIONS_BANDED)
        & (others["possible"] >= FEWEST_SESSIONS_BANDED)
        & (others["year_group"] != MOVED_UP_YEAR_GROUP)
    ]
    reference = reference[_persistent(reference["last_absent"], reference["last_possible"])]
    if len(reference) < FEWEST_REFERENCE:
        return []
    edges = _edges(_last_pct(reference))
    band_of = [np.digitize(_last_pct(rows), edges[1:-1]) for rows in (was, reference)]
    improved = ~_persistent(reference["absent"], reference["possible"])
    value, variance = 0.0, 0.0
    for place in range(len(edges) - 1):
        weight = float((band_of[0] == place).mean())
        share, n = float(improved[band_of[1] == place].mean()), int((band_of[1] == place).sum())
        value, variance = value + weight * share, variance + weight**2 * share * (1 - share) / n
    reach = float(ndtri(0.975)) * variance**0.5
    low, high = (100 * float(np.clip(value + side * reach, 0, 1)) for side in (-1, 1))
    return [
        Row(
            "improved_expected", scope, value=100 * value, low=low, high=high, confidence_pct=95.0, unit="percent",
            n=len(reference), method="share among other year groups, standardised to last year's absence",
        )
    ]  # fmt: skip


def _last_pct(frame: pd.DataFrame) -> np.ndarray:
    return (100 * frame["last_absent"] / frame["last_possible"]).to_numpy(dtype=float)


def _edges(percents: np.ndarray) -> list[float]:
    """Edges of LAST_YEAR_EDGES_PCT with neighbours joined until each band holds enough reference pupils."""
    kept = [LAST_YEAR_EDGES_PCT[0]]
    for edge in LAST_YEAR_EDGES_PCT[1:-1]:
        if _held(percents, kept[-1], edge) >= FEWEST_REFERENCE:
            kept.append(edge)
    if len(kept) > 1 and _held(percents, kept[-1], LAST_YEAR_EDGES_PCT[-1]) < FEWEST_REFERENCE:
        kept.pop()
    return [*kept, LAST_YEAR_EDGES_PCT[-1]]


def _held(percents: np.ndarray, low: float, high: float) -> int:
    return int(((percents >= low) & (percents < high)).sum())


def _difference(was: pd.DataFrame, scope: Scope, asked: Asked) -> list[Row]:
    """Results of those who improved less those who did not: raw, then held alike and at equal absence last year."""
    was = was.reset_index(drop=True)
    base = pd.DataFrame({"constant": 1.0, "improved": was["improved"]})
    last = pd.Series(_last_pct(was), name="last_pct")
    alike = pd.concat([base, last.to_frame(), held_alike(was, asked)], axis=1)
    return [*_improved(was, base, "raw", scope, asked), *_improved(was, alike, "adjusted", scope, asked)]


def _improved(was: pd.DataFrame, X: pd.DataFrame, model: str, scope: Scope, asked: Asked) -> Sequence[Row]:
    design = independent(X)
    if len(was) < design.shape[1] + SPARE_PUPILS:
        return ()
    cluster = was["school"].to_numpy() if scope == "all" else None
    found = contrast(ols(outcome_of(was, asked), design, cluster=cluster), {"improved": 1.0})
    method = "OLS, HC2" if scope == "school" else "OLS, clustered by school, CR2"
    label = {"model": model, "unit": unit_of(asked), "method": method}
    return (row_of(found, "improver_difference", scope, **label),)
