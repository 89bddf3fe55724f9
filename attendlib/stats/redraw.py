"""The same trial with another allocation, or with its clusters drawn again: the sums that `refit` needs."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.stats.inputs import Labels, Matrix, Rows, Values, read_labels, read_rows
from attendlib.stats.ols import whitener
from attendlib.stats.refit import Draws, Model, Refits, refit, repeated
from attendlib.stats.sums import sums_by_code

NOTHING = "the column of interest repeats a sum of the others: there is nothing to estimate"
NO_SPREAD = 1e-12  # what is left of the outcome's squares below this share of them is rounding
UNCHANGING = 1e-9  # a column that moves less than this inside groups, relative to its size, is the groups' own


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Rows ready for refitting: the other columns made orthonormal, the 0/1 column, the outcome less their fit."""

    rows: Rows
    others: np.ndarray
    treated: np.ndarray
    left: np.ndarray
    groups: np.ndarray
    model: Model


class Reallocated:
    """Refits with the treated column of whole units changed: one row of `assigned` (R, U) an allocation."""

    def __init__(self, trial: Trial, units: np.ndarray, treated: np.ndarray) -> None:
        kept = np.column_stack([trial.others, trial.left])
        self.trial, self.treated = trial, treated
        self.unit_n, _, self.unit_sums, _ = sums_by_code(np.ones(len(units)), kept, units)
        groups = units if trial.model == "least_squares" else trial.groups
        in_group = one_each(units, groups, "groups cut through {} units")
        self.order = np.argsort(in_group, kind="stable")
        self.starts = np.flatnonzero(np.diff(in_group[self.order], prepend=-1))
        self.n, _, self.sums, _ = sums_by_code(np.ones(len(units)), kept, groups)
        self.fixed = kept.T @ kept

    def __call__(self, assigned: np.ndarray) -> Refits:
        draws = self._draws(assigned)
        lost = repeated(draws, self.trial.model)
        if lost.any():
            if (assigned[lost] == self.treated).all(axis=1).any():
                raise ValueError(NOTHING)
            draws = self._draws(np.where(lost[:, None], self.treated, assigned))
        return blanked(refit(draws, self.trial.model), lost)

    def _draws(self, assigned: np.ndarray) -> Draws:
        rows = assigned * self.unit_n.astype(float)
        grouping = self.trial.model != "least_squares"
        in_groups = np.add.reduceat(rows[:, self.order], self.starts, axis=1) if grouping else rows
        total = _insert(self.fixed, assigned @ self.unit_sums, rows.sum(axis=1))

        def grouped(weights: np.ndarray) -> np.ndarray:
            k = self.sums.shape[1]
            squares = weights @ (self.sums[:, :, None] * self.sums[:, None, :]).reshape(len(self.n), k * k)
            treated = weights * in_groups
            return _insert(squares.reshape(-1, k, k), treated @ self.sums, (treated * in_groups).sum(axis=1))

        return Draws(total, grouped, self.n, np.ones((1, len(self.n))))


class Recounted:
    """Refits with every cluster counted as often as it was drawn: one row of `counts` (R, G) a resample."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        one = np.ones(len(trial.left))
        self.full = _group_sums(np.column_stack([trial.others, trial.treated, trial.left]), trial.groups)
        self.empty = _group_sums(np.column_stack([one, trial.rows.y - trial.rows.y.mean()]), trial.groups)

    def __call__(self, counts: np.ndarray) -> Refits:
        """NaN where a draw's columns repeat one another."""
        lost = repeated(_counted(self.full, counts), self.trial.model)
        if (counts[lost] == 1).all(axis=1).any():  # the data as they are
            raise ValueError(NOTHING)
        return blanked(refit(_counted(self.full, np.where(lost[:, None], 1.0, counts)), self.trial.model), lost)

    def empty_sd(self, counts: np.ndarray) -> np.ndarray:
        """The root of the empty random-intercept model's total variance on each draw, shape (R,)."""
        fits = refit(_counted(self.empty, counts), "random_intercept")
        return np.sqrt(fits.between + fits.within)


def read_trial(y: Values, X: Matrix, column: str, group: Labels | None, model: Model) -> Trial:
    """Check the inputs and make the other columns orthonormal. ValueError as `permute` and `bootstrap_clusters`."""
    if group is None and model != "least_squares":
        raise ValueError(f"{model} needs the groups that it is about")
    rows = read_rows(y, X, group)
    if column not in rows.names:
        raise ValueError(f"no column {column!r} in X; there are {', '.join(rows.names)}")
    place = rows.names.index(column)
    treated = rows.x[:, place]
    if set(np.unique(treated)) != {0.0, 1.0}:
        raise ValueError(f"{column} must hold 0 and 1, both; it holds {len(np.unique(treated))} other values")
    groups = np.arange(len(treated)) if rows.codes is None else rows.codes
    kept = [j for j in range(len(rows.names)) if j != place]
    if model == "fixed_effects":  # which swallow every column that does not vary inside groups
        kept = [j for j in kept if varies_inside(rows.x[:, j], groups)]
    others = rows.x[:, kept]
    if kept:
        names = tuple(rows.names[j] for j in kept)
        others = others @ whitener(Rows(rows.y, others, names, None, None, None, ()))
    left = rows.y - others @ (others.T @ rows.y)
    if not left @ left > NO_SPREAD * (rows.y @ rows.y):
        raise ValueError("the other columns fit the outcome exactly (the same value in every row, for example)")
    if model == "random_intercept" and len(groups) == groups.max() + 1:
        raise ValueError(f"each of {len(groups)} groups has one row: the two variances cannot be told apart")
    if model == "random_intercept" and not varies_inside(rows.y, groups):
        raise ValueError("the outcome is the same for all rows of each group: no variance is left within groups")
    return Trial(rows, others, treated, left, groups, model)


def varies_inside(values: np.ndarray, groups: np.ndarray) -> bool:
    """Whether a column's values differ between the rows of any one group."""
    means = np.bincount(groups, values) / np.bincount(groups)
    return bool(np.abs(values - means[groups]).max() > UNCHANGING * max(np.abs(values).max(), 1e-300))


def labels_of(labels: Labels, X: Matrix, what: str) -> np.ndarray:
    """Codes (n,) of labels for X's rows; ValueError when not one a row, lined up differently, or missing."""
    codes = read_labels(labels)
    if len(codes) != len(X):
        raise ValueError(f"{what} has {len(codes)} entries but X has {len(X)} rows")
    lined_up = not (isinstance(labels, pd.Series) and isinstance(X, pd.DataFrame | pd.Series)) or labels.index.equals(
        X.index
    )
    if not lined_up:
        raise ValueError(f"{what} and X have different indexes; line them up first")
    return codes


def one_each(units: np.ndarray, values: np.ndarray, fault: str) -> np.ndarray:
    """The value (U,) that all rows of a unit share. ValueError counting the units whose rows differ."""
    first = np.zeros(units.max() + 1, dtype=values.dtype)
    first[units[::-1]] = values[::-1]
    differ = len(np.unique(units[values != first[units]]))
    if differ:
        raise ValueError(fault.format(differ))
    return first


def _insert(fixed: np.ndarray, cross: np.ndarray, square: np.ndarray) -> np.ndarray:
    """Cross products (R, d, d) with the treated column's own put last but one; fixed (k, k) or (R, k, k)."""
    k = cross.shape[1]
    out = np.empty((len(cross), k + 1, k + 1))
    at = [*range(k - 1), k]
    out[:, np.array(at)[:, None], at] = fixed
    out[:, k - 1, at] = out[:, at, k - 1] = cross
    out[:, k - 1, k - 1] = square
    return out


def _group_sums(columns: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (G,), cross products (G, d d) and products of the column sums (G, d d) of each group."""
    n, xx, sums, _ = sums_by_code(np.ones(len(groups)), columns, groups)
    return n, xx.reshape(len(n), -1), (sums[:, :, None] * sums[:, None, :]).reshape(len(n), -1)


def _counted(sums: tuple[np.ndarray, np.ndarray, np.ndarray], counts: np.ndarray) -> Draws:
    n, xx, squares = sums
    d = round(xx.shape[1] ** 0.5)
    return Draws((counts @ xx).reshape(-1, d, d), lambda w: (w @ squares).reshape(-1, d, d), n, counts)


def blanked(fits: Refits, lost: np.ndarray) -> Refits:
    """The fits with NaN where they were lost."""
    return Refits(*(np.where(lost, np.nan, part) for part in (fits.coef, fits.se, fits.between, fits.within)))
