"""Chances that a true difference is worse, none to speak of, or better, and what a permutation can show at best."""

from dataclasses import dataclass
from math import exp, inf, isfinite, lgamma

import numpy as np

# The prior puts half its weight within the smallest worthwhile difference: the normal's upper quartile.
QUARTILE = 0.6745
REACH = 14.0  # the grid's half-width, in prior standard deviations


@dataclass(frozen=True, slots=True)
class Chances:
    """Probabilities, adding to 1, of a difference below -delta, within it either way, and above +delta."""

    worse: float
    none: float
    better: float


def chances(b: float, s: float, df: float, delta: float) -> Chances:
    """Chances after data for an estimate `b` with standard error `s`, `df` degrees of freedom, and `delta` > 0.

    b, s and delta share one unit, better positive. The posterior is proportional to Student's t likelihood of
    (b - theta) / s times a normal prior of mean 0 and sd delta / 0.6745 (25, 50, 25 before data), by the
    trapezium rule on a fixed grid of 14 prior sd either way. Raises ValueError for numbers that are not usable.
    """
    if not (isfinite(b) and isfinite(s) and s > 0 and df > 0 and isfinite(delta) and delta > 0):
        raise ValueError(f"chances need finite b and positive s, df and delta, not {b}, {s}, {df}, {delta}")
    theta = _grid(b, s, delta)
    density = _posterior(theta, b, s, df, delta / QUARTILE)
    slices = (density[1:] + density[:-1]) / 2 * np.diff(theta)
    middle = (theta[1:] + theta[:-1]) / 2
    total = slices.sum()
    worse, better = slices[middle < -delta].sum() / total, slices[middle > delta].sum() / total
    return Chances(float(worse), float(slices[np.abs(middle) <= delta].sum() / total), float(better))


def smallest_permutation_p(n_treated: int, n_compared: int) -> float:
    """The least p a permutation of labels could give: 1 over the ways to choose `n_treated` of all.

    ValueError when either side is empty.
    """
    if n_treated < 1 or n_compared < 1:
        raise ValueError(f"a permutation needs both sides; there are {n_treated} and {n_compared}")
    return exp(lgamma(n_treated + 1) + lgamma(n_compared + 1) - lgamma(n_treated + n_compared + 1))


def _grid(b: float, s: float, delta: float) -> np.ndarray:
    """The prior's range, finer where the likelihood is narrow, with -delta and delta on the grid."""
    edge = REACH * delta / QUARTILE
    wide = np.linspace(-edge, edge, 8001)
    narrow = b + s * np.sinh(np.linspace(-8, 8, 8001))
    inside = narrow[np.abs(narrow) < edge]
    return np.unique(np.concatenate([wide, inside, [-delta, delta]]))


def _posterior(theta: np.ndarray, b: float, s: float, df: float, tau: float) -> np.ndarray:
    z2 = ((b - theta) / s) ** 2
    log_likelihood = -z2 / 2 if df == inf else -(df + 1) / 2 * np.log1p(z2 / df)
    log_density = log_likelihood - (theta / tau) ** 2 / 2
    return np.exp(log_density - log_density.max())
