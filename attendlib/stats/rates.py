"""Absence rates: differences in points and days by a linear model, and a rate ratio beside them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.stats.fit import Fit, scaled
from attendlib.stats.inputs import Labels, Matrix, Rows, Values, read_numbers, read_rows
from attendlib.stats.ols import fit_from_residuals, ols, whitener

MOST_STEPS = 50
SETTLED = 1e-9  # the largest change in any row's fitted log rate
FARTHEST = 50.0  # a log rate no data can have: keeps a wild first step finite
WORST_CONDITION = 1e12


@dataclass(frozen=True, slots=True, eq=False)
class AbsenceRateModel:
    """A model of absent / possible, one row a pupil and every pupil counting the same unless weighted.

    `points` and `days` are one linear fit in percentage points and in days a year. `rate_ratio` has a row a
    column of X: ratio, low, high, df, p; it is of pooled sessions, so pupils with more possible sessions count
    more. `log_rate_ratio` is its fit, None when it did not converge (`rate_ratio` is then NaN, with a warning).
    """

    points: Fit
    days: Fit
    rate_ratio: pd.DataFrame
    log_rate_ratio: Fit | None
    days_per_year: float
    n: int
    n_groups: int | None
    warnings: tuple[str, ...]


def absence_rate_model(
    absent: Values,
    possible: Values,
    X: Matrix,
    cluster: Labels | None = None,
    weights: Values | None = None,
    days_per_year: float = 190,
) -> AbsenceRateModel:
    """Absence rates from sessions `absent` of `possible` (n,) on `X` (n, k), constant included by the caller.

    Standard errors are CR2 with `cluster` (n,), HC2 without; `weights` as in `ols`. Raises ValueError, with
    counts, for possible of 0 or less, absent below 0 or above possible, and as `ols` does.
    """
    missed, offered = _sessions(absent, possible)
    if not days_per_year > 0:
        raise ValueError(f"days_per_year is {days_per_year}; give the days a pupil could attend, such as 190")
    rate = _like(X, missed / offered)
    linear = ols(rate, X, cluster=cluster, weights=weights)
    log_ratio = _quasi_poisson(missed, offered, X, cluster, weights)
    notes = linear.warnings
    if log_ratio is None:
        notes += ("The rate ratio did not converge (a group without any absence, for example): none is given.",)
    else:
        notes += tuple(f"Rate ratio: {note}" for note in log_ratio.warnings if note not in notes)
    return AbsenceRateModel(
        points=scaled(linear, 100),
        days=scaled(linear, days_per_year),
        rate_ratio=_ratios(log_ratio, linear.coef.index),
        log_rate_ratio=log_ratio,
        days_per_year=days_per_year,
        n=linear.n,
        n_groups=linear.n_groups,
        warnings=notes,
    )


def _sessions(absent: Values, possible: Values) -> tuple[np.ndarray, np.ndarray]:
    missed, offered = read_numbers(absent, "absent"), read_numbers(possible, "possible")
    if len(missed) != len(offered):
        raise ValueError(f"absent has {len(missed)} rows and possible {len(offered)}")
    faults = {
        "possible of 0 or less": (offered <= 0).sum(),
        "absent below 0": (missed < 0).sum(),
        "absent above possible": (missed > offered).sum(),
    }
    found = [f"{count} rows have {what}" for what, count in faults.items() if count]
    if found:
        raise ValueError(f"{'; '.join(found)} (of {len(missed)}); correct or leave out those pupils first")
    return missed, offered


def _like(X: Matrix, values: np.ndarray) -> Values:
    return pd.Series(values, index=X.index) if isinstance(X, pd.DataFrame | pd.Series) else values


def _quasi_poisson(
    absent: np.ndarray, possible: np.ndarray, X: Matrix, cluster: Labels | None, weights: Values | None
) -> Fit | None:
    """Log-link fit with offset log(possible); None when it does not converge.

    Its variance is that of least squares on Pearson-scaled rows, x sqrt(mu) and (y - mu) / sqrt(mu): CR2 under
    independence with variance proportional to the mean, which quasi-Poisson assumes. For rows without clusters
    that is clubSandwich's `glm` CR2; with clusters the two take different matrix roots.
    """
    rows = read_rows(_like(X, absent), X, cluster, weights)
    kept = slice(None) if weights is None else read_numbers(weights, "weights") > 0
    found = _solve(rows, possible[kept])
    if found is None:
        return None
    coef, mu = found
    pearson = _pearson(rows, mu)
    return fit_from_residuals(pearson, coef, pearson.y, whitener(pearson), "HC2" if rows.codes is None else "CR2")


def _solve(rows: Rows, possible: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Fisher scoring: coefficients and fitted means, or None when the fitted log rates do not settle."""
    root = whitener(rows)
    z = rows.x @ root
    weights = np.ones(len(z)) if rows.weights is None else rows.weights
    pooled = rows.y.sum() / possible.sum()
    if pooled == 0:
        return None
    log_rate = np.log((rows.y / possible + pooled) / 2)
    for _ in range(MOST_STEPS):
        mu = possible * np.exp(np.minimum(log_rate, FARTHEST))
        scale = (weights * mu)[:, None]
        gram = z.T @ (z * scale)
        if np.linalg.cond(gram) > WORST_CONDITION:
            return None
        turned = np.linalg.solve(gram, z.T @ (weights * (mu * log_rate + rows.y - mu)))
        moved = np.abs(z @ turned - log_rate).max()
        log_rate = z @ turned
        if moved < SETTLED:
            return root @ turned, possible * np.exp(log_rate)
    return None


def _pearson(rows: Rows, mu: np.ndarray) -> Rows:
    root = np.sqrt(mu)
    return Rows(
        y=(rows.y - mu) / root,
        x=rows.x * root[:, None],
        names=rows.names,
        codes=rows.codes,
        n_groups=rows.n_groups,
        weights=rows.weights,
        notes=rows.notes,
    )


def _ratios(fit: Fit | None, names: pd.Index) -> pd.DataFrame:
    if fit is None:
        return pd.DataFrame(np.nan, index=names, columns=["ratio", "low", "high", "df", "p"])
    with np.errstate(over="ignore"):  # a limit beyond any number is infinite, and said to be
        limits = {"ratio": np.exp(fit.coef), "low": np.exp(fit.low), "high": np.exp(fit.high)}
    return pd.DataFrame({**limits, "df": fit.df, "p": fit.p})
