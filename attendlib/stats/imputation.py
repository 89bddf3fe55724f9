"""Filling gaps several times over, and one answer with the gaps' uncertainty in it.

`impute_chained` draws each column with gaps from the others in turn. A column of many values is drawn from its normal
regression, so a bounded score may be filled from beyond its bounds: right for means and differences, not for shares.
One of few values (yes or no, a grade) gets, by predictive mean matching, the value of one of the five known rows whose
predictions lie nearest; for many values that is too short of donors where gaps are common. It all holds where, among
rows alike in the columns given, the chance of a gap does not depend on the value that is missing.
Source: van Buuren (2018), Flexible Imputation of Missing Data, 3.2, 3.4 and 4.5; Barnard and Rubin (1999).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.stats.fit import Estimate, t_interval

DONORS = 5
FEW = 12  # distinct values up to which a column is matched instead of drawn from a normal
RIDGE = 1e-5  # of each column's own size: keeps columns that nearly repeat others from breaking a draw


@dataclass(frozen=True, slots=True)
class Combined:
    """One estimate from `m` filled-in data sets, by Rubin's rules.

    `missing_information` is the share of what complete data would tell that the gaps take away; `increase` how much of
    the variance within fills the gaps add, relatively.
    """

    estimate: Estimate
    m: int
    missing_information: float
    increase: float


def combine_imputations(estimates: Sequence[Estimate]) -> Combined:
    """The estimates of the same quantity from m filled-in data sets as one, with Barnard and Rubin's df.

    Complete-data degrees of freedom are the least of the m. ValueError for fewer than 2, one without a standard error,
    or ones of different rows or confidence.
    """
    m = len(estimates)
    if m < 2:
        raise ValueError(f"{m} estimates: combining needs at least 2 filled-in data sets")
    if len({(e.n, e.confidence_pct) for e in estimates}) > 1:
        raise ValueError("the estimates differ in rows or in confidence: fill the gaps of one table, and fit it alike")
    value, se = np.array([e.value for e in estimates]), np.array([e.se for e in estimates])
    if not (np.isfinite(value).all() and np.isfinite(se).all() and (se > 0).all()):
        raise ValueError(f"{int((~(se > 0)).sum())} of {m} estimates have no standard error")
    within, between = float((se**2).mean()), float(value.var(ddof=1))
    total = within + (1 + 1 / m) * between
    part = (total - within) / total
    df = _barnard_rubin(m, part, min(e.df for e in estimates))
    one = estimates[0]
    p, low, high = t_interval(value.mean(), np.array(total**0.5), np.array(df), one.confidence_pct)
    pooled = Estimate(
        value=float(value.mean()),
        se=total**0.5,
        df=df,
        p=float(p),
        low=float(low),
        high=float(high),
        n=one.n,
        n_groups=one.n_groups,
        confidence_pct=one.confidence_pct,
        warnings=tuple(dict.fromkeys(note for e in estimates for note in e.warnings)),
    )
    increase = part / (1 - part)
    return Combined(pooled, m, (increase + 2 / (df + 3)) / (1 + increase), increase)


def impute_chained(table: pd.DataFrame, seed: int, m: int = 20, cycles: int = 10) -> tuple[pd.DataFrame, ...]:
    """`m` copies of `table` (n rows of numbers, gaps NaN) without gaps, the same for the same seed.

    Give every column of the analysis, its outcome included, and one column a school where schools differ. The i-th copy
    does not depend on m. ValueError for a column that is not numbers, has no known value, or fewer known rows than the
    table has columns plus 2, each with the count; and for no gap at all.
    """
    values = _read(table)
    gaps = np.isnan(values)
    streams = np.random.SeedSequence(seed).spawn(m)
    return tuple(
        pd.DataFrame(
            _fill(values, gaps, cycles, np.random.default_rng(stream)), index=table.index, columns=table.columns
        )
        for stream in streams
    )


def _barnard_rubin(m: int, part: float, complete: float) -> float:
    """Degrees of freedom when `part` of the variance is the gaps', and without gaps there are `complete`."""
    old = (m - 1) / part**2 if part > 0 else np.inf
    if np.isinf(complete):
        return float(old)
    observed = (complete + 1) / (complete + 3) * complete * (1 - part)
    return float(observed if np.isinf(old) else old * observed / (old + observed))


def _read(table: pd.DataFrame) -> np.ndarray:
    wrong = [str(name) for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    if wrong:
        raise ValueError(f"columns that are not numbers: {', '.join(wrong)}; make them 0 and 1 first")
    values = table.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(values).any():
        raise ValueError(f"{int(np.isinf(values).sum())} values are infinite")
    if not np.isnan(values).any():
        raise ValueError("the table has no gap to fill")
    least = values.shape[1] + 2
    for name, known in zip(table.columns, (~np.isnan(values)).sum(axis=0), strict=True):
        if known < least:
            raise ValueError(
                f"{name} is known in {known} of {len(values)} rows: at least {least} are needed to fill it"
            )
    return values


def _fill(values: np.ndarray, gaps: np.ndarray, cycles: int, rng: np.random.Generator) -> np.ndarray:
    """One filled copy: gaps start as draws of known values, then each column is drawn from the rest in turn."""
    filled = values.copy()
    columns = [j for j in np.argsort(gaps.sum(axis=0), kind="stable") if gaps[:, j].any()]
    for j in columns:
        filled[gaps[:, j], j] = rng.choice(values[~gaps[:, j], j], gaps[:, j].sum())
    for _ in range(cycles if len(columns) > 1 else 1):
        for j in columns:
            filled[gaps[:, j], j] = _draw(np.delete(filled, j, axis=1), values[:, j], gaps[:, j], rng)
    return filled


def _draw(others: np.ndarray, y: np.ndarray, gap: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Values for the gaps in y (n,), coefficients drawn first; matching sets them beside the known rows' own fit."""
    spread = others.std(axis=0)
    z = (others[:, spread > 0] - others[:, spread > 0].mean(axis=0)) / spread[spread > 0]
    x = np.column_stack([np.ones(len(z)), z])
    known = x[~gap]
    gram = known.T @ known
    gram += RIDGE * np.diag(np.diag(gram))
    best = np.linalg.solve(gram, known.T @ y[~gap])
    left = y[~gap] - known @ best
    free = max(len(known) - x.shape[1], 1)
    sigma = np.sqrt(left @ left / rng.chisquare(free))
    drawn = best + sigma * np.linalg.solve(np.linalg.cholesky(gram).T, rng.normal(size=len(best)))
    if len(np.unique(y[~gap])) > FEW:
        return x[gap] @ drawn + sigma * rng.normal(size=gap.sum())
    return y[~gap][_match(known @ best, x[gap] @ drawn, rng)]


def _match(known: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each wanted prediction, a row at random among the `DONORS` whose known predictions lie nearest."""
    order = np.argsort(known, kind="stable")
    ranked = known[order]
    near = np.searchsorted(ranked, wanted)[:, None] + np.arange(-DONORS, DONORS)
    distance = np.abs(ranked[near.clip(0, len(ranked) - 1)] - wanted[:, None])
    distance[(near < 0) | (near >= len(ranked))] = np.inf
    chosen = np.argsort(distance, axis=1, kind="stable")[:, : min(DONORS, len(ranked))]
    pick = rng.integers(0, chosen.shape[1], len(wanted))
    rows = np.arange(len(wanted))
    return order[near[rows, chosen[rows, pick]]]
