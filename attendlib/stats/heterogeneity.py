"""How far groups' true values differ, tau2, from estimates `y` (k,) with known variances `v` (k,).

| method | tau2 is |
|---|---|
| REML | the peak of the restricted likelihood: Viechtbauer (2005), J. Educ. Behav. Stat. 30(3) |
| DL, PM | by moments: DerSimonian and Laird (1986); Paule and Mandel (1982) |
| common | 0: one true value for all |
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri

Method: TypeAlias = Literal["REML", "DL", "PM", "common"]

# Where tau2 is first looked at, in typical variances.
LOOK = np.concatenate([[0.0], np.geomspace(1e-5, 1e5, 61)])


def weighted_mean(y: np.ndarray, v: np.ndarray, tau2: float) -> tuple[np.ndarray, float, float]:
    """Weights, the weighted mean, and the weighted sum of squares around it."""
    weights = 1 / (v + tau2)
    mean = float(weights @ y / weights.sum())
    return weights, mean, float(weights @ (y - mean) ** 2)


def excess(weights: np.ndarray) -> float:
    """The sum of weights less the sum of their squares over it."""
    return float(weights.sum() - (weights**2).sum() / weights.sum())


def between(y: np.ndarray, v: np.ndarray, method: Method) -> float:
    """tau2 by `method`. ValueError for one that is not known."""
    if method == "common":
        return 0.0
    if method == "DL":
        return max(0.0, (weighted_mean(y, v, 0.0)[2] - (len(y) - 1)) / excess(1 / v))
    if method == "PM":
        return _where_q_is(y, v, len(y) - 1)
    if method != "REML":
        raise ValueError(f"method is {method!r}; it is REML, DL, PM or common")
    places = LOOK * v.mean()
    best = int(np.argmax([restricted(y, v, place) for place in places]))
    if best == 0 and _score(y, v, 0.0) <= 0:
        return 0.0
    low, high = places[max(best - 1, 0)], places[min(best + 1, len(places) - 1)]
    return _crossing(lambda tau2: _score(y, v, tau2), low, high)


def restricted(y: np.ndarray, v: np.ndarray, tau2: float) -> float:
    """The restricted log-likelihood of tau2, less its constant."""
    weights, _, q = weighted_mean(y, v, tau2)
    return (float(np.log(weights).sum()) - float(np.log(weights.sum())) - q) / 2


def _score(y: np.ndarray, v: np.ndarray, tau2: float) -> float:
    """The slope of the restricted likelihood in tau2."""
    weights, mean, _ = weighted_mean(y, v, tau2)
    return float(weights**2 @ (y - mean) ** 2 - excess(weights)) / 2


def between_se(weights: np.ndarray) -> float:
    """The standard error of REML's tau2, from expected information."""
    first, second, third = (float((weights**power).sum()) for power in (1, 2, 3))
    return (2 / (second - 2 * third / first + (second / first) ** 2)) ** 0.5


def _where_q_is(y: np.ndarray, v: np.ndarray, target: float) -> float:
    """The tau2 at which the weighted sum of squares, which falls in tau2, meets `target`; 0 when it starts below."""
    if weighted_mean(y, v, 0.0)[2] <= target:
        return 0.0
    top = float(v.mean())
    while weighted_mean(y, v, top)[2] > target:
        top *= 4
    return _crossing(lambda tau2: weighted_mean(y, v, tau2)[2] - target, 0.0, top)


def _crossing(f: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(f, low, high, xtol=1e-14 * high, rtol=1e-13))


def q_profile(y: np.ndarray, v: np.ndarray, confidence_pct: float) -> tuple[float, float]:
    """An interval for tau2, exact for normal estimates: Viechtbauer (2007), Stat. Med. 26(1).

    NaN where the set is empty: the estimates agree better than their own errors allow, so that no tau2 is in accord.
    """
    tail = 0.5 - confidence_pct / 200
    if weighted_mean(y, v, 0.0)[2] < chdtri(len(y) - 1, 1 - tail):
        return float("nan"), float("nan")
    low, high = (_where_q_is(y, v, float(chdtri(len(y) - 1, q))) for q in (tail, 1 - tail))
    return low, high
