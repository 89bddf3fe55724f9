"""Staggered starts: what each way of comparing weighs each cohort's path by, and the estimate that follows.

Callaway and Sant'Anna (2021) without covariates, the imputation of Borusyak, Jaravel and Spiess (2024) and two-way
fixed effects are all sums over cohorts of weights times mean path, and the weights depend on sizes and starts alone.
So one number per group stands for its whole course, whatever hangs together over time, and Welch's small-sample
variance holds for it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attendlib.stats.fit import LEAST_DF, Estimate, t_interval

NEVER = -1
FEWEST_OWN = LEAST_DF + 1  # groups: a smaller cohort's own spread says too little, so it borrows the others' paths
ZERO = 1e-9

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """A balanced panel: `y` (groups, periods) finite, `cohort` (groups,) the place of each group's cohort.

    A cohort is those of one stratum that start together: `first` (cohorts,) is its first treated period (NEVER: none)
    and `stratum` (cohorts,) where it belongs; comparisons stay inside a stratum. `weight` (groups,) says how much a
    group counts.
    """

    y: Floats
    cohort: Ints
    first: Ints
    stratum: Ints
    weight: Floats

    @property
    def sizes(self) -> Floats:
        """Each cohort's total weight (cohorts,)."""
        return np.bincount(self.cohort, self.weight, len(self.first)).astype(float)

    @property
    def means(self) -> Floats:
        """Each cohort's weighted mean path (cohorts, periods)."""
        total = np.zeros((len(self.first), self.y.shape[1]))
        np.add.at(total, self.cohort, self.weight[:, None] * self.y)
        return total / self.sizes[:, None]


Weigher = Callable[[Paths], Floats]


def paths(
    y: Floats, first: Ints, stratum: Iterable[object] | None = None, weight: Floats | None = None
) -> Paths:  # fmt: skip
    """A panel of `y` (groups, periods), each group's `first` treated period (NEVER: none), stratum and weight (1).

    Raises ValueError where a cell is missing, a shape does not fit, a weight is not above 0 or a start is outside.
    """
    y, first = np.asarray(y, float), np.asarray(first, int)
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, float)
    names = ["" for _ in y] if stratum is None else [str(each) for each in stratum]
    if y.ndim != 2 or not len(y) == len(first) == len(weight) == len(names):
        raise ValueError("y is groups by periods, and every group has a start, a stratum and a weight")
    if not np.isfinite(y).all() or not (weight > 0).all():
        raise ValueError("every group needs a figure in every period and a weight above 0")
    if ((first != NEVER) & ((first < 1) | (first >= y.shape[1]))).any():
        raise ValueError("a start is a period after the first and within the panel, or NEVER")
    _levels, code = np.unique(names, return_inverse=True)
    cells, cohort = np.unique(np.stack([code, first], axis=1), axis=0, return_inverse=True)
    return Paths(y, cohort.ravel(), cells[:, 1], cells[:, 0], weight)


def group_time_weights(
    panel: Paths, never_only: bool = False, anticipation: int = 0, event: int | None = None
) -> Floats:  # fmt: skip
    """Weights (cohorts, periods) of the mean difference over treated groups and periods; all 0 where there is none.

    Each cohort's change since the last period before its start (less `anticipation`) beside that of the groups not yet
    treated, or with `never_only` never. `event` keeps one distance from the start, below 0 those before.
    """
    made, mass = np.zeros((len(panel.first), panel.y.shape[1])), 0.0
    sizes = panel.sizes
    for g, start in enumerate(panel.first):
        base = start - 1 - anticipation
        if start == NEVER or base < 0:
            continue
        for t in range(start, panel.y.shape[1]) if event is None else [start + event]:
            beside = _beside(panel, g, max(t, base), never_only, anticipation)
            if not 0 <= t < panel.y.shape[1] or t == base or not beside.any():
                continue
            own = np.where(np.arange(len(sizes)) == g, 1.0, 0.0) - np.where(beside, sizes, 0) / sizes[beside].sum()
            made[:, t] += sizes[g] * own
            made[:, base] -= sizes[g] * own
            mass += sizes[g]
    return made / mass if mass else made


def _beside(panel: Paths, g: int, until: int, never_only: bool, anticipation: int) -> NDArray[np.bool_]:
    """Which cohorts of the same stratum were untreated, and not about to start, up to a period."""
    untouched = panel.first == NEVER
    if not never_only:
        untouched = untouched | (panel.first > until + anticipation)
    return untouched & (panel.stratum == panel.stratum[g]) & (np.arange(len(untouched)) != g)


def imputation_weights(panel: Paths) -> Floats:
    """Weights (cohorts, periods): treated cells less what untreated cells' group and period means foretell for them."""
    made = np.zeros((len(panel.first), panel.y.shape[1]))
    for stratum in np.unique(panel.stratum):
        inside = np.flatnonzero(panel.stratum == stratum)
        made[inside] = _imputed(panel.first[inside], panel.sizes[inside], panel.y.shape[1])
    mass = made[made > 0].sum() and _mass(panel, made)
    return made / mass if mass else made


def _imputed(first: Ints, sizes: Floats, periods: int) -> Floats:
    """One stratum's weights, times its treated mass."""
    time = np.arange(periods)
    untreated = (first[:, None] == NEVER) | (time < first[:, None])
    seen = untreated.any(axis=0)  # a period in which everyone is treated cannot be foretold
    rows = np.argwhere(untreated)
    design = np.hstack([np.eye(len(first))[rows[:, 0]], np.eye(periods)[rows[:, 1]]])
    target = np.where(~untreated & seen, sizes[:, None], 0.0)
    wanted = np.concatenate([target.sum(axis=1), target.sum(axis=0)])
    scale = sizes[rows[:, 0]]
    bread = np.linalg.pinv(design.T @ (scale[:, None] * design), rcond=1e-10, hermitian=True)
    made = target.copy()
    made[rows[:, 0], rows[:, 1]] -= scale * (design @ (bread @ wanted))
    return made


def _mass(panel: Paths, made: Floats) -> float:
    treated = (panel.first[:, None] != NEVER) & (np.arange(made.shape[1]) >= panel.first[:, None])
    return float(made[treated].sum())


def two_way_weights(panel: Paths) -> Floats:
    """Weights (cohorts, periods) of two-way fixed effects: the double-demeaned treatment over its sum of squares."""
    time = np.arange(panel.y.shape[1])
    treated = ((panel.first[:, None] != NEVER) & (time >= panel.first[:, None])).astype(float)
    sizes = panel.sizes[:, None]
    left = treated - treated.mean(axis=1, keepdims=True)
    for stratum in np.unique(panel.stratum):
        inside = panel.stratum == stratum
        left[inside] -= (sizes * left)[inside].sum(axis=0) / sizes[inside].sum()
    square = float((sizes * left**2).sum())
    return sizes * left / square if square > ZERO else np.zeros_like(left)


def estimate(panel: Paths, weights: Floats, confidence_pct: float = 95) -> Estimate:
    """The weighted sum of cohort means, with Welch's variance and Satterthwaite degrees of freedom; n is groups.

    A cohort of 5 groups or more has the spread of its own groups, a smaller one that of all groups' courses around
    their cohorts' (in its stratum, where 4 degrees of freedom are there). NaN where no spread can be had.
    """
    value = float((weights * panel.means).sum())
    variances, freedoms = _pieces(panel, weights)
    variance = sum(variances)
    square = sum(v**2 / d for v, d in zip(variances, freedoms, strict=True) if v > 0)
    se = float(np.sqrt(variance)) if freedoms else np.nan
    df = float(variance**2 / square) if square > 0 else np.nan
    p, low, high = t_interval(np.array(value), np.array(se), np.array(df), confidence_pct)
    return Estimate(value, se, df, float(p), float(low), float(high), len(panel.y), len(panel.y), confidence_pct)


def _pieces(panel: Paths, weights: Floats) -> tuple[list[float], list[float]]:
    """Independent parts of the variance and each part's degrees of freedom; none where no spread can be had."""
    share = panel.weight / panel.sizes[panel.cohort]
    squares = np.bincount(panel.cohort, share**2, len(panel.first))
    n = np.bincount(panel.cohort, minlength=len(panel.first))
    left = panel.y - panel.means[panel.cohort]
    used = np.abs(weights).max(axis=1) > ZERO
    along = (left @ weights.T) ** 2  # (groups, cohorts): each group's course as each cohort weighs it
    free = n - 2 + n * squares  # n - 1 where all count alike
    pieces: list[tuple[float, float]] = []
    pooled: dict[int, tuple[float, float]] = {}
    for c in np.flatnonzero(used):
        if n[c] >= FEWEST_OWN:
            pieces.append((squares[c] * along[panel.cohort == c, c].sum() / free[c], float(n[c] - 1)))
            continue
        lend = panel.stratum == panel.stratum[c]
        lend = lend if (n - 1)[lend].sum() >= LEAST_DF else np.ones(len(n), bool)
        df = float((n - 1)[lend].sum())
        if df < 1:
            return [], []
        key = int(panel.stratum[c]) if not lend.all() else -1
        had = pooled.get(key, (0.0, df))[0]
        pooled[key] = (had + squares[c] * along[lend[panel.cohort], c].sum() / free[lend].sum(), df)
    pieces += pooled.values()
    return [v for v, _ in pieces], [d for _, d in pieces]


def alike(panel: Paths) -> Paths:
    """The same groups, each counting once."""
    return replace(panel, weight=np.ones(len(panel.y)))
