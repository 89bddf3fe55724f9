"""Weights that make comparison rows look like treated ones, and the table that shows how alike they then are.

| method | weight of a comparison row | source |
|---|---|---|
| entropy | as even as can be with weighted means exactly the treated's | Hainmueller (2012), Political Analysis 20(1) |
| propensity | the odds p / (1 - p) of being treated, by logistic regression | Hirano, Imbens and Ridder (2003) |

Both serve the difference for the treated (ATT): treated rows weigh 1. Differences are in the treated's standard
deviations, before and after alike (What Works Clearinghouse: 0.05 is small, past 0.25 no adjustment is enough).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.special import expit, logsumexp

from attendlib.errors import AttendError
from attendlib.stats.inputs import Matrix, Values, read_columns, read_numbers, read_rows
from attendlib.stats.ols import whitener

Method: TypeAlias = Literal["entropy", "propensity"]

MOST_STEPS = 200
NEARER = 0.9  # of the means' distance before: a step that brings them so near still gets somewhere
MOST_FLAT_STEPS = 5  # in a row, each leaving the dual no lower: no more is to be had by going on
SETTLED = 1e-9  # the largest weighted mean's distance from the treated's, in standard deviations
ON_THE_EDGE = 1e-12
# A weighted sample that counts for less than this share of its rows rests on a few of them.
THIN = 0.1
LARGE = 0.25


class NoOverlapError(AttendError, ValueError):
    """No weights can make the comparison rows' means those of the treated: the two are too far apart."""


class NotConvergedError(AttendError, ValueError):
    """The search for weights did not settle, though nothing shows that there are none."""


@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """`weights` (n,): 1 for treated rows; the comparison's add up to the number of treated.

    `balance` has a row a column of X: mean_treated, mean_before, mean_after (of the comparison), sd (of the treated),
    difference_before and difference_after in that sd. `effective_n` is Kish's number of comparison rows that the
    weighted ones are worth, of `n_comparison`. `largest_share` is the heaviest row's part of all their weight.
    """

    weights: pd.Series
    balance: pd.DataFrame
    n_treated: int
    n_comparison: int
    effective_n: float
    largest_share: float
    method: str
    warnings: tuple[str, ...] = ()


def balance_weights(X: Matrix, treated: Values, method: Method = "entropy") -> Weighted:
    """ATT weights from covariates `X` (n, k, no constant) and `treated` (n,) of 0 and 1.

    Raises NoOverlapError where no weights exist (naming columns whose ranges do not meet) or a column parts treated
    from the rest, NotConvergedError, and ValueError for missing values, columns that repeat others or are constant,
    or an empty side. A column that is the same in every treated row is balanced by leaving out other rows.
    """
    x, names = read_columns(X)
    who = _sides(treated, len(x))
    if method not in ("entropy", "propensity"):
        raise ValueError(f"method is {method!r}; it is entropy or propensity")
    scale = x.std(axis=0)
    still = [name for name, sd in zip(names, scale, strict=True) if not sd > 0]
    if still:
        raise ValueError(f"the same in every row: {', '.join(still)}; leave out")
    z = (x - x[who].mean(axis=0)) / scale
    whitener(read_rows(who.astype(float), pd.DataFrame(z, columns=list(names)).assign(constant=1.0)))
    found = _entropy(z[~who], names) if method == "entropy" else _odds(z, who, names)
    weights = np.ones(len(x))
    weights[~who] = found * who.sum()
    index = X.index if isinstance(X, pd.DataFrame | pd.Series) else pd.RangeIndex(len(x))
    table = balance(X, treated, weights)
    effective, heaviest = 1 / float(found @ found), float(found.max())
    return Weighted(
        weights=pd.Series(weights, index=index, name="weight"),
        balance=table,
        n_treated=int(who.sum()),
        n_comparison=len(found),
        effective_n=effective,
        largest_share=heaviest,
        method=method,
        warnings=_notes(table, effective, len(found)),
    )


def balance(X: Matrix, treated: Values, weights: Values) -> pd.DataFrame:
    """The balance table of `Weighted` for any `weights` (n,) of the comparison rows.

    A column that does not vary among the treated has the comparison's sd instead; one that varies in neither has
    differences of 0 where the means agree and NaN where they do not. ValueError as `balance_weights`.
    """
    x, names = read_columns(X)
    who = _sides(treated, len(x))
    w = read_numbers(weights, "weights")[~who]
    ours, before = x[who].mean(axis=0), x[~who].mean(axis=0)
    after = w @ x[~who] / w.sum()
    own, other = (part.std(axis=0, ddof=1) if len(part) > 1 else np.zeros(len(names)) for part in (x[who], x[~who]))
    sd = np.where(own > 0, own, other)
    return pd.DataFrame(
        {
            "mean_treated": ours,
            "mean_before": before,
            "mean_after": after,
            "sd": sd,
            "difference_before": _standardised(ours - before, sd),
            "difference_after": _standardised(ours - after, sd),
        },
        index=list(names),
    )


def _standardised(apart: np.ndarray, sd: np.ndarray) -> np.ndarray:
    alone = np.where(apart == 0, 0.0, np.nan)
    return np.divide(apart, sd, out=alone, where=sd > 0)


def _sides(treated: Values, n: int) -> np.ndarray:
    flags = read_numbers(treated, "treated")
    if len(flags) != n:
        raise ValueError(f"treated has {len(flags)} entries but X has {n} rows")
    if not np.isin(flags, (0, 1)).all():
        raise ValueError(f"treated has {int((~np.isin(flags, (0, 1))).sum())} values other than 0 and 1")
    if flags.sum() in (0, n):
        raise ValueError(f"{int(flags.sum())} of {n} rows are treated: there is nobody to compare")
    return flags == 1


def _entropy(z: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Weights adding to 1 whose means of z (m, k) are 0.

    A column whose mean can be 0 at the edge of its range alone leaves out every row off that edge.
    """
    kept = np.ones(len(z), dtype=bool)
    edges = ((z >= -ON_THE_EDGE).all(axis=0) | (z <= ON_THE_EDGE).all(axis=0)) & (np.abs(z) <= ON_THE_EDGE).any(axis=0)
    kept &= (np.abs(z[:, edges]) <= ON_THE_EDGE).all(axis=1)
    if not kept.any():
        raise NoOverlapError("No comparison row shares " + ", ".join(np.array(names)[edges]) + " with the treated.")
    found = np.zeros(len(z))
    found[kept] = _tilted(z[kept][:, ~edges], tuple(np.array(names)[~edges]))
    return found


def _tilted(z: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Newton's method on the dual, halving steps."""
    dual = np.zeros(z.shape[1])
    height, flat, nearest = float(logsumexp(z @ dual)), 0, np.inf
    for _ in range(MOST_STEPS):
        weights = np.exp(z @ dual - height)
        mean = weights @ z
        off = float(np.abs(mean).max(initial=0.0))
        if off < SETTLED:
            return weights / weights.sum()
        nearer, nearest = off < NEARER * nearest, min(off, nearest)
        spread = (z * weights[:, None]).T @ z - np.outer(mean, mean)
        step = np.linalg.lstsq(spread, -mean, rcond=1e-12)[0]
        for halved in 0.5 ** np.arange(40):
            trial = float(logsumexp(z @ (dual + halved * step)))
            if trial <= height + 1e-4 * halved * float(mean @ step):
                break
        flat = 0 if nearer or trial < height else flat + 1  # a height at its last digit says nothing of the means
        if flat == MOST_FLAT_STEPS:
            break
        dual, height = dual + halved * step, trial
    raise _why_not(z, names)


def _why_not(z: np.ndarray, names: tuple[str, ...]) -> AttendError:
    out = [name for j, name in enumerate(names) if not z[:, j].min() < 0 < z[:, j].max()]
    if out:
        return NoOverlapError(
            f"No comparison rows reach the treated's mean of {', '.join(out)}: no weights can make the two alike. "
            "Choose nearer comparison rows, or leave the column out and say so."
        )
    weights = linprog(
        np.zeros(len(z)), A_eq=np.vstack([z.T, np.ones(len(z))]), b_eq=np.append(np.zeros(z.shape[1]), 1.0)
    )
    if weights.status == 2:
        return NoOverlapError(
            "No weights on the comparison rows can equal every mean of the treated at once, though each mean alone is "
            "within their range. Use fewer columns, or nearer comparison rows."
        )
    return NotConvergedError(f"Balancing weights did not settle in {MOST_STEPS} steps; use fewer or coarser columns.")


def _odds(z: np.ndarray, who: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The comparison rows' odds of being treated, adding to 1."""
    x = np.column_stack([np.ones(len(z)), z])
    b = np.zeros(x.shape[1])
    for _ in range(MOST_STEPS):
        p = expit(x @ b)
        gram = (x * (p * (1 - p))[:, None]).T @ x
        if np.linalg.cond(gram) > 1e12 or not np.isfinite(b).all():
            raise NoOverlapError(
                "Treated and comparison rows can be told apart (all but) entirely by "
                f"{', '.join(names)}: nobody in one is like those in the other. Use fewer columns, or nearer rows."
            )
        step = np.linalg.solve(gram, x.T @ (who - p))
        b = b + step
        if np.abs(x @ step).max() < SETTLED:
            odds = np.exp((x @ b)[~who] - (x @ b)[~who].max())
            return odds / odds.sum()
    raise NotConvergedError(f"The propensity score did not settle in {MOST_STEPS} steps; use fewer columns.")


def _notes(table: pd.DataFrame, effective: float, n: int) -> tuple[str, ...]:
    notes = []
    far = table.index[table["difference_after"].abs().fillna(np.inf) > LARGE]
    if len(far):
        notes.append(f"Still more than {LARGE} standard deviations apart after weighting: {', '.join(far)}.")
    if effective < THIN * n:
        notes.append(f"The {n} weighted comparison rows are worth {effective:.0f}: the result rests on a few of them.")
    return tuple(notes)
