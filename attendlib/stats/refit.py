"""One model fitted many times over from per-group sums: what permutations and bootstraps are made of.

A refit differs from the first fit only in who is treated, or in how often each group is counted. Both change
sums, never rows: with w = lambda / (1 + n lambda), A(lambda) = T - sum over groups of w S S' holds every cross
product of the model whitened by a random intercept of variance lambda times the residual's, where T = [X y]'[X y]
and S are a group's column sums. lambda = 0 is least squares.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

# Intraclass correlations at which the criterion is first looked at, before the slope's root is sought between them.
LOOK = np.array([0, 0.003, 0.01, 0.03, 0.07, 0.13, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9, 0.98, 0.999])
HIGHEST = 1 - 1e-9
MOST_STEPS = 80
SETTLED = 1e-12  # the last change in the intraclass correlation
REPEATED = 1e-9  # the smallest eigenvalue of the regressors' correlations that can be told from 0

Model: TypeAlias = Literal["random_intercept", "fixed_effects", "least_squares"]
Weighted: TypeAlias = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Sums of R data sets over d columns: regressors with the one of interest last, then the outcome.

    `total` (R, d, d) sums over all rows; `grouped` takes weights (R, G) to the weighted sum over groups of S S',
    shape (R, d, d); `n` (G,) rows a group; `counts` (R, G) or (1, G) how often each group is there.
    """

    total: np.ndarray
    grouped: Weighted
    n: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Refits:
    """R fits, each field (R,): the coefficient of interest, its model standard error, and both variances.

    `between` is the random intercept's variance, exactly 0 on the boundary and for least squares.
    """

    coef: np.ndarray
    se: np.ndarray
    between: np.ndarray
    within: np.ndarray


def refit(draws: Draws, model: Model) -> Refits:
    """Fit every draw: "least_squares", "fixed_effects" of the groups, or "random_intercept" by REML.

    Least squares and fixed effects assume one error variance for `se`. Columns that fixed effects swallow must not
    be among the draws'; `repeated` says which draws cannot be fitted.
    """
    if model == "random_intercept":
        icc = _optimum(draws)
        ratio = icc / (1 - icc)
        return _finish(_whitened(draws, ratio), ratio, _rows(draws))
    free = _rows(draws) - (draws.counts.sum(axis=1) if model == "fixed_effects" else 0)
    return _finish(_cross_products(draws, model), np.zeros(len(draws.total)), free)


def repeated(draws: Draws, model: Model) -> np.ndarray:
    """Which of R draws have regressors that repeat one another, or nothing left of one: shape (R,), bool."""
    xx, whole = _cross_products(draws, model)[:, :-1, :-1], np.einsum("rkk->rk", draws.total)[:, :-1]
    left = np.einsum("rkk->rk", xx)
    empty = (left <= REPEATED * whole).any(axis=1)
    sizes = np.sqrt(np.where(left > 0, left, 1.0))
    return empty | (np.linalg.eigvalsh(xx / sizes[:, :, None] / sizes[:, None, :])[:, 0] < REPEATED)


def _cross_products(draws: Draws, model: Model) -> np.ndarray:
    """T, less what the groups' means explain when each has an effect of its own (lambda without end)."""
    return draws.total - draws.grouped(draws.counts / draws.n) if model == "fixed_effects" else draws.total


def _finish(a: np.ndarray, ratio: np.ndarray, rows: np.ndarray) -> Refits:
    xx, xy = a[:, :-1, :-1], a[:, :-1, -1]
    last = np.zeros_like(xy)
    last[:, -1] = 1
    solved = np.linalg.solve(xx, np.stack([xy, last], axis=2))
    rss = a[:, -1, -1] - (solved[:, :, 0] * xy).sum(axis=1)
    within = rss / (rows - xx.shape[1])
    return Refits(solved[:, -1, 0], np.sqrt(within * solved[:, -1, 1]), ratio * within, within)


def _rows(draws: Draws) -> np.ndarray:
    return draws.counts @ draws.n


def _whitened(draws: Draws, ratio: np.ndarray) -> np.ndarray:
    return draws.total - draws.grouped(draws.counts * (ratio[:, None] / (1 + ratio[:, None] * draws.n)))


def _optimum(draws: Draws) -> np.ndarray:
    """The intraclass correlation (R,) at the lowest criterion: 0 on the boundary, else a root of the slope."""
    heights = np.array([_criterion(draws, np.full(len(draws.total), icc)) for icc in LOOK])
    best = heights.argmin(axis=0)
    boundary = (best == 0) & (_slope(draws, np.zeros(len(best))) >= 0)
    low, high = LOOK[np.maximum(best - 1, 0)], np.append(LOOK, HIGHEST)[best + 1]
    return _root(lambda icc: _slope(draws, icc), low, np.where(boundary, 0.0, high))


def _criterion(draws: Draws, icc: np.ndarray) -> np.ndarray:
    """Minus twice the restricted log-likelihood, less its constants, shape (R,)."""
    ratio = icc / (1 - icc)
    a = _whitened(draws, ratio)
    xx, xy = a[:, :-1, :-1], a[:, :-1, -1]
    rss = a[:, -1, -1] - (np.linalg.solve(xx, xy[:, :, None])[:, :, 0] * xy).sum(axis=1)
    spread = (draws.counts * np.log1p(ratio[:, None] * draws.n)).sum(axis=1)
    return (_rows(draws) - xx.shape[1]) * np.log(rss) + spread + np.linalg.slogdet(xx)[1]


def _slope(draws: Draws, icc: np.ndarray) -> np.ndarray:
    """The criterion's derivative in lambda, shape (R,): by the envelope theorem no derivative of b is needed."""
    ratio = icc / (1 - icc)
    shrink = 1 / (1 + ratio[:, None] * draws.n)
    a, change = _whitened(draws, ratio), draws.grouped(draws.counts * shrink**2)
    xx, k = a[:, :-1, :-1], a.shape[1] - 1
    solved = np.linalg.solve(xx, np.concatenate([a[:, :-1, -1:], change[:, :-1, :-1]], axis=2))
    signed = np.concatenate([-solved[:, :, 0], np.ones((len(a), 1))], axis=1)
    rss = np.einsum("ri,rij,rj->r", signed, a, signed)
    fall = np.einsum("ri,rij,rj->r", signed, change, signed)
    log_det = np.einsum("rkk->r", solved[:, :, 1:])
    return (draws.counts * draws.n * shrink).sum(axis=1) - (_rows(draws) - k) * fall / rss - log_det


def _root(slope: Weighted, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where a slope (R,) turns from falling to rising between low and high, or where those two meet.

    Regula falsi by the Illinois rule: an end that stays twice running has its slope halved, to be left before long.
    """
    at_low, at_high = slope(low), slope(high)
    icc, fell = low, np.full(len(low), np.nan)
    for _ in range(MOST_STEPS):
        with np.errstate(divide="ignore", invalid="ignore"):
            secant = (low * at_high - high * at_low) / (at_high - at_low)
        usable = (at_low <= 0) & (at_high >= 0) & (secant >= low) & (secant <= high)
        before, icc = icc, np.where(usable, secant, (low + high) / 2)
        if (np.abs(icc - before) < SETTLED).all():
            return icc
        at = slope(icc)
        falling = at < 0
        again = np.where(falling == fell, 0.5, 1.0)
        at_low, at_high = np.where(falling, at, at_low * again), np.where(falling, at_high * again, at)
        low, high, fell = np.where(falling, icc, low), np.where(falling, high, icc), falling.astype(float)
    return icc
