"""Filling gaps of an outcome and its baseline where whole groups were drawn: the groups' intercepts are drawn too.

A Gibbs sampler of two random-intercept models, of the outcome given the baseline and of the baseline given the outcome,
each beside the columns known of everyone. Coefficients are drawn with the intercepts integrated out, so a chain mixes
well however large the groups; the spread of the intercepts has a flat prior on its standard deviation (Gelman 2006). A
group without any known value gets an intercept from that spread. It holds where, among rows alike in the columns and
the group, the chance of a gap does not depend on the value that is missing.
Source: Schafer and Yucel (2002), J. Comp. Graph. Stat. 11(2); van Buuren (2018), Flexible Imputation of Missing Data.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.stats.inputs import Labels, Matrix, Values, read_columns, read_labels

WARM_UP = 200  # steps before the first filled copy
APART = 20  # steps between two copies
FEWEST_GROUPS = 4  # with a known value: fewer tell nothing of how far groups differ


@dataclass(slots=True)
class _Model:
    """One column's random-intercept model over the rows where it is known, and where its chain stands."""

    known: np.ndarray
    codes: np.ndarray
    groups: int
    within: float
    between: float


def impute_in_groups(
    outcome: Values, baseline: Values | None, X: Matrix, group: Labels, seed: int, m: int = 20
) -> tuple[tuple[pd.Series, pd.Series | None], ...]:
    """`m` pairs of outcome and baseline (n,) without gaps (NaN), from columns X (n, k, constant included, no gap).

    `baseline` None has none. The i-th pair does not depend on m. ValueError for no gap, for fewer than 4 groups with a
    known value, for fewer known values than columns plus 2 (each with the count), and for columns that the rows with a
    known value cannot tell apart.
    """
    x, _ = read_columns(X)
    codes = read_labels(group)
    y = np.asarray(outcome, dtype=float)
    values = [y] if baseline is None else [y, np.asarray(baseline, dtype=float)]
    index = outcome.index if isinstance(outcome, pd.Series) else pd.RangeIndex(len(y))
    if not any(np.isnan(column).any() for column in values):
        raise ValueError("neither outcome nor baseline has a gap to fill")
    models = [_start(column, codes, x, name) for column, name in zip(values, ("outcome", "baseline"), strict=False)]
    rng = np.random.default_rng(seed)
    filled = [np.where(a.known, v, v[a.known].mean()) for v, a in zip(values, models, strict=True)]
    sets = []
    for step in range(WARM_UP + 1 + (m - 1) * APART):
        for j, model in enumerate(models):
            others = np.column_stack([x, *(filled[i] for i in range(len(filled)) if i != j)])
            if not model.known.all():
                _step(model, filled[j], others, rng)
        if step >= WARM_UP and (step - WARM_UP) % APART == 0:
            pair = [pd.Series(column.copy(), index=index) for column in filled]
            sets.append((pair[0], pair[1] if len(pair) > 1 else None))
    return tuple(sets)


def _start(values: np.ndarray, codes: np.ndarray, x: np.ndarray, name: str) -> _Model:
    known = ~np.isnan(values)
    groups = len(np.unique(codes[known]))
    if groups < FEWEST_GROUPS:
        raise ValueError(f"{name} is known in {groups} groups: at least {FEWEST_GROUPS} are needed to fill it")
    least = x.shape[1] + 3
    if known.sum() < least:
        raise ValueError(f"{name} is known in {known.sum()} of {len(values)} rows: at least {least} are needed")
    if np.linalg.matrix_rank(x[known]) < x.shape[1]:
        raise ValueError(f"the rows with a known {name} cannot tell the columns apart")
    spread = float(values[known].var()) or 1.0
    return _Model(known, codes, int(codes.max()) + 1, 0.8 * spread, 0.2 * spread)


def _step(model: _Model, values: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> None:
    """One turn: coefficients, intercepts and both variances from the known rows, then new values for the gaps."""
    known, codes = model.known, model.codes[model.known]
    z, y = x[known], values[known]
    n = np.bincount(codes, minlength=model.groups).astype(float)
    ratio = model.between / model.within
    weight = ratio / (1 + ratio * n)
    sums = np.column_stack([np.bincount(codes, column, model.groups) for column in z.T])
    gram = z.T @ z - sums.T @ (sums * weight[:, None])
    pull = z.T @ y - sums.T @ (weight * np.bincount(codes, y, model.groups))
    root = np.linalg.cholesky(gram)
    b = np.linalg.solve(gram, pull) + model.within**0.5 * np.linalg.solve(root.T, rng.normal(size=len(pull)))
    left = y - z @ b
    intercepts = weight * np.bincount(codes, left, model.groups)
    intercepts += (model.within * weight) ** 0.5 * rng.normal(size=model.groups)
    seen = n > 0
    left -= intercepts[codes]
    model.within = float(left @ left / rng.chisquare(len(left)))
    model.between = float((intercepts[seen] ** 2).sum() / rng.chisquare(seen.sum() - 1))
    noise = model.within**0.5 * rng.normal(size=int((~known).sum()))
    values[~known] = x[~known] @ b + intercepts[model.codes[~known]] + noise
