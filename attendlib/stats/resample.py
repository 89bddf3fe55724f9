"""Permutation tests and cluster bootstraps that refit exactly the estimator reported, from per-group sums.

`model` names the estimator: "random_intercept" (REML), "fixed_effects" of the groups, or "least_squares". An effect
size that divides by the empty model's standard deviation has the permutation p of its coefficient, since that
divisor does not depend on who is treated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice, product
from math import comb, prod
from typing import Literal, TypeAlias

import numpy as np
from scipy.special import ndtr

from attendlib.stats.fit import t_quantile
from attendlib.stats.inputs import Labels, Matrix, Values
from attendlib.stats.redraw import Reallocated, Recounted, Trial, labels_of, one_each, read_trial, varies_inside
from attendlib.stats.refit import Model, Refits

Statistic: TypeAlias = Literal["coefficient", "t", "conditional", "effect_size"]

CELLS = 4_000_000  # numbers held at once; more draws are done in parts
SAME = 1e-9  # statistics this close, relative to the observed one, are ties
ATTAINABLE = 0.05  # a smallest p above this cannot show anything
MOST_LOST = 0.05  # of the bootstrap's draws


@dataclass(frozen=True, slots=True, eq=False)
class Permutation:
    """A randomisation test of no effect on anyone: `p` is the share of reallocations as far from 0 as the actual one.

    Enumerated, `draws` counts every possible allocation, the actual one among them. Otherwise p is (1 + as far) /
    (1 + draws), which keeps its level at any number of draws, and `monte_carlo_se` is its chance error.
    `smallest_p` is the least p that this allocation could have given. `values` (draws,) are the statistics.
    """

    statistic: str
    observed: float
    p: float
    draws: int
    enumerated: bool
    monte_carlo_se: float
    smallest_p: float
    n: int
    n_units: int
    values: np.ndarray
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """A cluster bootstrap: `se` is the draws' standard deviation, `bias` their mean less `estimate`.

    `values` (draws,) are the draws that could be fitted; `lost` counts those that could not.
    """

    statistic: str
    kind: str
    estimate: float
    se: float
    bias: float
    low: float
    high: float
    draws: int
    lost: int
    n: int
    n_groups: int
    confidence_pct: float
    values: np.ndarray
    warnings: tuple[str, ...]


def permute(
    y: Values,
    X: Matrix,
    column: str,
    seed: int,
    unit: Labels | None = None,
    strata: Labels | None = None,
    group: Labels | None = None,
    model: Model = "least_squares",
    statistic: Statistic = "coefficient",
    draws: int = 1999,
) -> Permutation:
    """Reallocate the 0/1 `column` of `X` (n, k) among whole `unit`s (None: rows) inside `strata`; refit each time.

    `group` (n,) are the model's groups; units lie inside them. `statistic` is the coefficient, "t" (over its model
    standard error) or "conditional" (over the root of the fitted total variance). All allocations are enumerated
    when there are no more than `draws`. The other columns stay as they are, so give one arm and its control.
    Raises ValueError for a column that is not 0/1 or varies in a unit, units that strata or groups cut, no stratum
    with both arms, and as `read_rows`.
    """
    if statistic == "effect_size":
        raise ValueError("the empty model does not depend on who is treated: permute the coefficient")
    trial = read_trial(y, X, column, group, model)
    units = np.arange(len(trial.left)) if unit is None else labels_of(unit, X, "unit")
    strata_of_rows = np.zeros(len(units), int) if strata is None else labels_of(strata, X, "strata")
    treated = one_each(units, trial.treated, f"{column} is not the same for all rows of {{}} units").astype(bool)
    inside = one_each(units, strata_of_rows, "strata cut through {} units")
    ways = _ways(treated, inside)
    if prod(ways) == 1:
        raise ValueError(f"no stratum has units with {column} 0 and with 1: there is nothing to reallocate")
    complete, refitted = prod(ways) <= draws, Reallocated(trial, units, treated)
    parts = _assignments(treated, inside, draws, seed, complete, max(1, CELLS // len(treated)))
    # The actual allocation goes with the first part: one fit by itself costs as much as hundreds at once.
    led = (part if i else np.vstack([treated, part]) for i, part in enumerate(parts))
    every = np.concatenate([_statistic(refitted(assigned), statistic) for assigned in led])
    observed, values = float(every[0]), every[1:]
    far = int((~(np.abs(values) < abs(observed) * (1 - SAME))).sum())  # a refit that was lost counts as far
    p = far / len(values) if complete else (1 + far) / (1 + len(values))
    mirrored = all(treated[inside == s].mean() == 0.5 for s in np.flatnonzero(np.array(ways) > 1))
    smallest = max((1 + mirrored) / prod(ways), 0 if complete else 1 / (1 + draws))
    return Permutation(
        statistic=statistic,
        observed=observed,
        p=p,
        draws=len(values),
        enumerated=complete,
        monte_carlo_se=0.0 if complete else float(np.sqrt(p * (1 - p) / draws)),
        smallest_p=smallest,
        n=len(units),
        n_units=len(treated),
        values=values,
        warnings=_permutation_notes(ways, smallest, int(np.isnan(values).sum())),
    )


def bootstrap_clusters(
    y: Values,
    X: Matrix,
    column: str,
    cluster: Labels,
    seed: int,
    strata: Labels | None = None,
    model: Model = "random_intercept",
    statistic: Statistic = "coefficient",
    kind: Literal["percentile", "t"] = "percentile",
    draws: int = 1999,
    confidence_pct: float = 95,
) -> Bootstrap:
    """Draw whole clusters with replacement inside their arm (and `strata`), each copy a cluster anew, and refit.

    Where the 0/1 `column` varies inside clusters (a multi-site trial) they are drawn whatever their arm.
    `statistic` is the coefficient, "conditional" as in `permute`, or "effect_size": the coefficient over the root of
    the empty random-intercept model's total variance, refitted on each draw. "percentile" is Hesterberg's (2015)
    expanded one; "t" divides by the random-intercept model's standard error and serves its coefficient alone.
    Raises ValueError for an arm or stratum of one cluster and when over a twentieth of draws cannot be fitted.
    """
    if statistic == "t" or (kind == "t" and (statistic != "coefficient" or model != "random_intercept")):
        raise ValueError("bootstrap-t is for the coefficient of a random_intercept; use kind='percentile'")
    trial = read_trial(y, X, column, cluster, model)
    cells = _cells(trial, None if strata is None else labels_of(strata, X, "strata"))
    recounted = Recounted(trial)
    # The data as they are come first, each cluster once: one fit by itself costs as much as hundreds at once.
    chosen = np.vstack([np.ones(len(cells)), _resampled(cells, draws, np.random.default_rng(seed))])
    step = max(1, CELLS // (len(cells) + (trial.others.shape[1] + 2) ** 2))
    parts = [_recounted(recounted, chosen[start : start + step], statistic) for start in range(0, draws + 1, step)]
    (estimate, *rest), (own_se, *their_ses) = (np.concatenate(part).tolist() for part in zip(*parts, strict=True))
    every, ses = np.array(rest), np.array(their_ses)
    values, lost = every[~np.isnan(every)], int(np.isnan(every).sum())
    if lost > MOST_LOST * draws:
        raise ValueError(f"{lost} of {draws} draws repeat a column of X and cannot be fitted; X asks too much")
    tail, notes = _tail(cells, confidence_pct, kind, len(values))
    if kind == "t":
        ratios = (values - estimate) / ses[~np.isnan(every)]
        low, high = (estimate - float(np.quantile(ratios, q)) * own_se for q in (1 - tail, tail))
    else:
        low, high = (float(np.quantile(values, q)) for q in (tail, 1 - tail))
    if lost:
        notes += (f"{lost} of {draws} draws could not be fitted and are left out.",)
    return Bootstrap(
        statistic=statistic,
        kind=kind,
        estimate=estimate,
        se=float(values.std(ddof=1)),
        bias=float(values.mean()) - estimate,
        low=low,
        high=high,
        draws=len(values),
        lost=lost,
        n=len(trial.left),
        n_groups=len(cells),
        confidence_pct=confidence_pct,
        values=values,
        warnings=notes,
    )


def _statistic(fits: Refits, statistic: Statistic) -> np.ndarray:
    if statistic == "t":
        return fits.coef / fits.se
    return fits.coef / np.sqrt(fits.between + fits.within) if statistic == "conditional" else fits.coef


def _recounted(recounted: Recounted, counts: np.ndarray, statistic: Statistic) -> tuple[np.ndarray, np.ndarray]:
    """The statistic and the coefficient's standard error on each draw."""
    fits = recounted(counts)
    divided = fits.coef / recounted.empty_sd(counts) if statistic == "effect_size" else _statistic(fits, statistic)
    return divided, fits.se


def _ways(treated: np.ndarray, inside: np.ndarray) -> list[int]:
    """How many ways each stratum's treated units can be chosen."""
    return [comb(int((inside == s).sum()), int(treated[inside == s].sum())) for s in range(inside.max() + 1)]


def _assignments(
    treated: np.ndarray, inside: np.ndarray, draws: int, seed: int, complete: bool, at_once: int
) -> Iterator[np.ndarray]:
    """Allocations (r, U), bool, at most `at_once` at a time: every one there is, or `draws` at random."""
    strata = [np.flatnonzero(inside == s) for s in range(inside.max() + 1)]
    if complete:
        chosen = product(*(combinations(units, int(treated[units].sum())) for units in strata))
        while part := list(islice(chosen, at_once)):
            assigned = np.zeros((len(part), len(treated)), dtype=bool)
            for row, picks in zip(assigned, part, strict=True):
                row[[unit for pick in picks for unit in pick]] = True
            yield assigned
        return
    rng = np.random.default_rng(seed)
    for start in range(0, draws, at_once):
        assigned = np.tile(treated, (min(at_once, draws - start), 1))
        for units in strata:
            assigned[:, units] = rng.permuted(assigned[:, units], axis=1)
        yield assigned


def _permutation_notes(ways: list[int], smallest: float, lost: int) -> tuple[str, ...]:
    notes = []
    if 1 in ways:
        notes.append(f"{ways.count(1)} of {len(ways)} strata have one arm only: they are never reallocated.")
    if smallest > ATTAINABLE:
        notes.append(f"So few units can be reallocated that p could not have been below {smallest:.3f}.")
    if lost:
        notes.append(f"{lost} reallocations repeat a column of X; they count as at least as far from 0.")
    return tuple(notes)


def _cells(trial: Trial, strata: np.ndarray | None) -> np.ndarray:
    """The cell (G,) that each cluster is drawn in: its stratum, and its arm where that is the cluster's own."""
    groups = trial.groups
    cells = np.zeros(groups.max() + 1, dtype=int)
    if strata is not None:
        cells = one_each(groups, strata, "strata cut through {} clusters")
    if not varies_inside(trial.treated, groups):
        cells = 2 * cells + one_each(groups, trial.treated.astype(int), "")
    alone = int((np.bincount(cells) == 1).sum())
    if alone:
        raise ValueError(f"{alone} arms or strata have one cluster only: drawing it again says nothing of chance")
    return cells


def _resampled(cells: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """How often each cluster is drawn, (draws, G): as many out of each cell as it has."""
    counts = np.zeros((draws, len(cells)))
    for cell in np.unique(cells):
        inside = np.flatnonzero(cells == cell)
        counts[:, inside] = rng.multinomial(len(inside), np.full(len(inside), 1 / len(inside)), size=draws)
    return counts


def _tail(cells: np.ndarray, confidence_pct: float, kind: str, draws: int) -> tuple[float, tuple[str, ...]]:
    """The share of draws to leave out on each side, and what to say when it is less than one draw.

    Drawing m of m makes a cell's variance (m - 1) / m of what it should be, and few clusters need Student's t:
    the percentiles are those whose normal reach is t times the root of what was lost.
    """
    if not 0 < confidence_pct < 100:
        raise ValueError(f"confidence_pct is {confidence_pct}; give a percent between 0 and 100, such as 95")
    tail = 0.5 - confidence_pct / 200
    if kind == "percentile":
        sizes = np.bincount(cells)[np.unique(cells)]
        shrunk = ((sizes - 1) / sizes**2).sum() / (1 / sizes).sum()
        tail = float(ndtr(-t_quantile(1 - tail, float((sizes - 1).sum())) / np.sqrt(shrunk)))
    if tail * draws >= 1:
        return tail, ()
    return 0.0, (f"Too few draws ({draws}) or clusters for this interval: it is the whole range of the draws.",)
