"""Ordinary least squares with small-sample robust standard errors, from rows or from per-group sums.

| vcov | what it is | degrees of freedom |
|---|---|---|
| CR2 (clusters' default) | Bell-McCaffrey bias-reduced | Satterthwaite, for each contrast its own |
| CR0, CR1, CR1S, CR3 | none; G/(G-1); G(n-1)/((G-1)(n-k)); leave one cluster out | G - 1 |
| HC2 (default without clusters) | each row its own cluster | Satterthwaite, for each contrast its own |
| HC0, HC1, HC3 | none; n/(n-k); leave one row out | n - k |
| classical | one error variance | n - k |

Weights are inverse-probability (sampling or balancing) weights: they say how many rows one stands for, not how
precise it is, so the working model keeps equal error variances, as clubSandwich does for `lm(weights=)`; hence
no classical variance with weights.

Fixed effects too many for columns are taken off instead (`inside`): estimates, CR2 or HC2 and degrees of freedom are
those of a fit with a column for each.
"""

from dataclasses import replace

import numpy as np

from attendlib.stats.fit import Fit, Sample, build_fit
from attendlib.stats.inputs import Labels, Matrix, Rows, Values, read_rows
from attendlib.stats.sandwich import (
    Kind,
    Squeezed,
    Working,
    adjust,
    spread,
    squeeze_rows,
    squeeze_small,
    squeeze_sums,
)
from attendlib.stats.sums import GroupSums, sums_by_code

CLUSTERED = ("CR0", "CR1", "CR1S", "CR2", "CR3")
KINDS: dict[str, Kind] = {"CR2": "2", "HC2": "2", "CR3": "3", "HC3": "3"}
BY_ROW = ("HC0", "HC1", "HC2", "HC3", "classical")
# A column whose part independent of the others is smaller than this (relative) counts as repeated.
REPEATED_IN_ROWS = 1e-9
REPEATED_IN_SUMS = 1e-6
UNCHANGING = 1e-9  # what is left of a column inside cells, relatively, when it does not vary there


def ols(
    y: Values,
    X: Matrix,
    cluster: Labels | None = None,
    vcov: str | None = None,
    weights: Values | None = None,
    confidence_pct: float = 95,
    inside: Labels | None = None,
) -> Fit:
    """Least squares of `y` (n,) on `X` (n, k), used as given: add your own constant.

    `vcov` None is CR2 with `cluster` (n,), HC2 without; the module's table names the others and the degrees of
    freedom each uses; `weights` are inverse-probability weights. `inside` (n,) names the fixed effect each row has,
    which the constant belongs to: leave it out. Raises ValueError for missing values, no more rows than columns and
    fixed effects, repeated columns (named), one cluster, or a variance that does not fit the clusters.
    """
    rows = less_effects(read_rows(y, X, cluster, weights, inside))
    if inside is not None and vcov not in (None, "CR2", "HC2"):
        raise ValueError(f"vcov {vcov!r} is not for fixed effects taken off: CR2 or HC2")
    kind = _kind(vcov, rows.codes is not None, rows.weights is not None)
    root = whitener(rows)
    coef = np.zeros(rows.x.shape[1])
    left = rows.y
    for _ in range(2):  # the second pass removes the first one's rounding
        step = root @ ((rows.x @ root).T @ _weighted(left, rows.weights))
        coef, left = coef + step, left - rows.x @ step
    return fit_from_residuals(rows, coef, left, root, kind, confidence_pct)


def fit_from_residuals(
    rows: Rows, coef: np.ndarray, residual: np.ndarray, root: np.ndarray, vcov: str, confidence_pct: float = 95
) -> Fit:
    """The Fit of coefficients already found; root root' is (X'WX) inverse, residuals (n,) are y - X coef."""
    z = rows.x @ root
    if rows.codes is None:
        squeezed = squeeze_rows(z, rows.weights, residual, rows.cells)
    elif rows.cells is not None or np.bincount(rows.codes).max() <= z.shape[1]:
        # Rows themselves are fewer than any rotation of them, and keep their cells.
        squeezed = squeeze_small(z, rows.weights, residual, rows.codes, rows.cells)
    else:
        both = z if rows.weights is None else np.hstack([z, z * rows.weights[:, None]])
        _, xx, xe, _ = sums_by_code(residual, both, rows.codes)
        squeezed = squeeze_sums(xx, xe, z.shape[1])
    sample = Sample(rows.names, len(z), rows.n_groups, rows.notes)
    return _robust_fit(coef, squeezed, root, float(residual @ residual), sample, vcov, confidence_pct)


def less_effects(rows: Rows) -> Rows:
    """The rows less their cells' means, where they have cells. ValueError naming columns that only cells tell apart."""
    if rows.cells is None:
        return rows
    both = np.column_stack([rows.y, rows.x])
    means = np.column_stack([np.bincount(rows.cells, column) for column in both.T])
    left = both - (means / np.bincount(rows.cells)[:, None])[rows.cells]
    sizes = np.sqrt((rows.x * rows.x).sum(axis=0)), np.sqrt((left[:, 1:] ** 2).sum(axis=0))
    same = [name for name, before, after in zip(rows.names, *sizes, strict=True) if after <= UNCHANGING * before]
    if same:
        raise ValueError(f"columns that do not vary inside the fixed effects: {', '.join(same)}; leave them out")
    return replace(rows, y=left[:, 0], x=left[:, 1:])


def ols_from_sums(sums: GroupSums, vcov: str | None = None, weighted: bool = False, confidence_pct: float = 95) -> Fit:
    """The same fit from per-group sums, each group a cluster: any CR kind (None is CR2) or "classical".

    With `weighted`, the sums are of the 2k columns of `with_weights(X, weights)`. Raises ValueError as `ols`.
    """
    kind = "CR2" if vcov is None else vcov
    if kind not in (*CLUSTERED, "classical") or (weighted and kind == "classical"):
        raise ValueError(f"{kind} cannot be had from {'weighted ' * weighted}sums; use one of {CLUSTERED}")
    n, groups, k = int(sums.n.sum()), len(sums.n), len(sums.columns) // (1 + weighted)
    if n <= k or groups < 2:
        raise ValueError(f"{n} rows in {groups} groups for {k} columns: give more rows, and at least 2 groups")
    xx, xy = _even_scale(sums, k) if weighted else (sums.xx, sums.xy)
    root = root_of_gram(xx[:, :k, -k:].sum(axis=0), sums.columns[:k])
    coef = root @ (root.T @ xy[:, -k:].sum(axis=0))
    turn = np.kron(np.eye(1 + weighted), root)
    xe = xy - xx[:, :, :k] @ coef
    squeezed = squeeze_sums(turn.T @ xx @ turn, xe @ turn, k)
    rss = float(sums.yy.sum() - coef @ (xy + xe)[:, :k].sum(axis=0))
    sample = Sample(sums.columns[:k], n, None if kind == "classical" else groups)
    return _robust_fit(coef, squeezed, root, rss, sample, kind, confidence_pct)


def with_weights(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """X (n, k) beside weights times X: the (n, 2k) columns whose group sums serve a weighted `ols_from_sums`."""
    return np.hstack([X, X * weights[:, None]])


def whitener(rows: Rows) -> np.ndarray:
    """The (k, k) matrix R with R R' = (X'WX) inverse. ValueError naming columns that repeat others."""
    x = rows.x if rows.weights is None else rows.x * np.sqrt(rows.weights)[:, None]
    return _inverse_factor(x, rows.names, REPEATED_IN_ROWS)


def _robust_fit(
    coef: np.ndarray,
    squeezed: Squeezed,
    root: np.ndarray,
    rss: float,
    sample: Sample,
    vcov: str,
    confidence_pct: float,
) -> Fit:
    n, k, groups = sample.n, len(sample.names), sample.n_groups
    fixed = None if vcov in ("CR2", "HC2") else float(n - k if groups is None else groups - 1)
    if vcov == "classical":
        working = Working(root, None, None, None, None, fixed)
        variance = max(rss, 0.0) / (n - k) * root @ root.T
    else:
        adjusted, ww, lost = adjust(squeezed, KINDS.get(vcov, "0"))
        working = Working(root, squeezed, adjusted, ww, lost, fixed)
        variance = _factor(vcov, n, k, groups) * root @ spread(adjusted, squeezed.e) @ root.T
    return build_fit(coef, variance, sample, working, vcov, confidence_pct)


def _kind(vcov: str | None, clustered: bool, weighted: bool) -> str:
    allowed = CLUSTERED if clustered else BY_ROW
    if vcov is None:
        return "CR2" if clustered else "HC2"
    if vcov not in allowed:
        raise ValueError(f"vcov {vcov!r} is not for rows {'with' if clustered else 'without'} clusters: {allowed}")
    if vcov == "classical" and weighted:
        raise ValueError("weights are inverse-probability weights: the classical variance does not hold; use HC2")
    return vcov


def _factor(vcov: str, n: int, k: int, groups: int | None) -> float:
    if vcov == "HC1":
        return n / (n - k)
    if groups is not None and vcov in ("CR1", "CR1S"):
        return groups / (groups - 1) * ((n - 1) / (n - k) if vcov == "CR1S" else 1.0)
    return 1.0


def _weighted(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    return values if weights is None else values * weights


def _even_scale(sums: GroupSums, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights rescaled to about mean 1, which changes no estimate and keeps both halves the same size."""
    plain = np.trace(sums.xx[:, :k, :k].sum(axis=0))
    scale = np.repeat([1.0, plain / np.trace(sums.xx[:, :k, k:].sum(axis=0))], k)
    return sums.xx * scale[:, None] * scale, sums.xy * scale


def root_of_gram(gram: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """As `whitener`, from X'X (k, k) alone."""
    sizes = np.sqrt(np.diag(gram))
    even = np.where(sizes > 0, sizes, 1.0)
    squares, axes = np.linalg.eigh((gram + gram.T) / 2 / np.outer(even, even))
    return _inverse_factor(np.sqrt(squares.clip(min=0))[:, None] * axes.T * even, names, REPEATED_IN_SUMS)


def _inverse_factor(x: np.ndarray, names: tuple[str, ...], tolerance: float) -> np.ndarray:
    """Inverse of the triangular factor of x, after checking that no column is a sum of those before it."""
    sizes = np.sqrt((x * x).sum(axis=0))
    empty = [name for name, size in zip(names, sizes, strict=True) if not size > 0]
    if empty:
        raise ValueError(f"columns that are 0 in every row: {', '.join(empty)}; leave them out")
    triangle = np.linalg.qr(x / sizes, mode="r")
    alone = np.abs(np.diag(triangle))
    repeated = [name for name, part in zip(names, alone, strict=True) if part < tolerance]
    if repeated:
        raise ValueError(f"columns that repeat a sum of earlier ones: {', '.join(repeated)}; leave them out")
    return np.linalg.inv(triangle) / sizes[:, None]
