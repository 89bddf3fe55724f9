"""One series over time: the mean difference from its earlier course carried on, whatever its autocorrelation.

Neighbouring periods are alike, and with a dozen of them nobody can say how alike. So no one autocorrelation is taken as
known: the answer is averaged over all of them, each by how well it fits (Bayes over one unknown; given it, generalised
least squares). Newey-West errors and one fitted AR(1) cover too little on so few periods (docs/methods.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.optimize import brentq
from scipy.special import stdtr

from attendlib.stats.fit import Estimate, t_interval, t_quantile

AFTER = "after"  # the column whose coefficient is the mean difference over the periods after the start
# Correlation between periods one step apart: less alike is likelier beforehand, in proportion to 1 less it.
CORRELATIONS = np.arange(0, 0.951, 0.05)
CENTRAL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """`estimate` of the mean difference after the start, in y's unit, and what the fit says of the course.

    `coef` are the coefficients by column, `autocorrelation` the mean correlation between neighbouring periods, both
    averaged as the estimate is; `carried` (periods,) is the course with nothing after the start.
    """

    estimate: Estimate
    coef: pd.Series
    autocorrelation: float
    carried: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class _Fits:
    """Generalised least squares at each correlation: coef (r, k), se (r,) of AFTER, and each one's share (r,)."""

    coef: np.ndarray
    se: np.ndarray
    shares: np.ndarray
    df: int


def course(
    after: np.ndarray,
    times: np.ndarray,
    *,
    slope: bool = True,
    bends: bool = True,
    season: pd.DataFrame | None = None,
    steps: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Columns (periods, k): AFTER, then level, slope, season, known steps; with `bends` the slope may change.

    `after` is true from the start on. `times` are in periods. The slope's change is centred on the periods after, so
    AFTER stays their mean difference from the course before. `season` must hold no constant.
    """
    after = np.asarray(after, float)
    length = float(np.ptp(times)) or 1.0
    columns = {AFTER: after, "level": np.ones(len(after))}
    if slope:
        columns["slope"] = (times - times[after == 1].mean()) / length
        if bends:
            columns["bend"] = columns["slope"] * after
    return pd.concat([pd.DataFrame(columns), *(part for part in (season, steps) if part is not None)], axis=1)


def carried_on(y: np.ndarray, X: pd.DataFrame, times: np.ndarray, weights: np.ndarray | None = None) -> Carried:
    """The mean difference in y (periods,) after the start, by the columns X of `course`, averaged over CORRELATIONS.

    Periods `times` apart correlate by r to that power; a period's variance is 1 over its weight. Given r, AFTER is t
    with rows less columns degrees of freedom; shares are r's prior times the restricted likelihood. The interval holds
    95% of the mixture, centred on its mean; `se` is its half width over the t quantile. ValueError without rows enough.
    """
    fits = _fits(np.asarray(y, float), X, np.asarray(times, float), weights, CORRELATIONS)
    coef = pd.Series(fits.shares @ fits.coef, X.columns)
    value = float(coef[AFTER])
    each = fits.coef[:, list(X.columns).index(AFTER)]
    half = _half_width(value, each, fits)
    se = half / float(t_quantile(0.5 + CENTRAL / 2, fits.df))
    p, low, high = t_interval(np.array(value), np.array(se), np.array(float(fits.df)), 100 * CENTRAL)
    estimate = Estimate(value, se, float(fits.df), float(p), float(low), float(high), len(X), None)
    carried = X.assign(**{name: 0.0 for name in (AFTER, "bend") if name in X}).to_numpy(float) @ coef.to_numpy()
    return Carried(estimate, coef, float(fits.shares @ CORRELATIONS), carried)


def at_correlation(
    y: np.ndarray, X: pd.DataFrame, times: np.ndarray, correlation: float, weights: np.ndarray | None = None
) -> Estimate:
    """The same difference, were the correlation between neighbouring periods known."""
    fits = _fits(np.asarray(y, float), X, np.asarray(times, float), weights, np.array([correlation]))
    return _estimate(float(fits.coef[0, list(X.columns).index(AFTER)]), float(fits.se[0]), fits.df, len(X))


def newey_west(y: np.ndarray, X: pd.DataFrame, lags: int, weights: np.ndarray | None = None) -> Estimate:
    """The same difference by (weighted) least squares with Newey and West's errors, small-sample correction, t."""
    _enough_rows(X)
    with np.errstate(invalid="ignore"):  # where few rows leave no variance, which the line below refuses
        fit = sm.WLS(np.asarray(y, float), X, weights=1.0 if weights is None else weights).fit(
            cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True
        )
        se = float(fit.bse[AFTER])
    if not se > 0:
        raise ValueError(f"{len(X)} periods leave no Newey-West variance")
    return _estimate(float(fit.params[AFTER]), se, int(fit.df_resid), len(X))


def harmonics(phase: np.ndarray, pairs: int) -> pd.DataFrame:
    """Fourier terms of a yearly season: sine and cosine `pairs` of `phase` (periods,), the share of the year gone."""
    turns = 2 * np.pi * np.asarray(phase, float)
    waves = {"sin": np.sin, "cos": np.cos}
    return pd.DataFrame({f"{name}{k}": wave(k * turns) for k in range(1, pairs + 1) for name, wave in waves.items()})


def _estimate(value: float, se: float, df: int, n: int) -> Estimate:
    p, low, high = t_interval(np.array(value), np.array(se), np.array(float(df)), 100 * CENTRAL)
    return Estimate(value, se, float(df), float(p), float(low), float(high), n, None)


def _enough_rows(X: pd.DataFrame) -> None:
    n, k = X.shape
    if n <= k or np.linalg.matrix_rank(X.to_numpy(float)) < k:
        raise ValueError(f"{n} periods do not tell {k} parts of a course apart")


def _fits(y: np.ndarray, X: pd.DataFrame, times: np.ndarray, weights: np.ndarray | None, grid: np.ndarray) -> _Fits:
    _enough_rows(X)
    if not np.isfinite(y).all():
        raise ValueError(f"{int((~np.isfinite(y)).sum())} of {len(y)} periods have no number")
    spread = np.ones(len(y)) if weights is None else 1 / np.sqrt(np.asarray(weights, float))
    made = list(_each(y / spread, X.to_numpy(float) / spread[:, None], times, list(X.columns).index(AFTER), grid))
    coef, se, likelihood = (np.array(part) for part in zip(*made, strict=True))
    shares = np.exp(likelihood - likelihood.max()) * (1 - grid)
    return _Fits(coef, se, shares / shares.sum(), len(y) - X.shape[1])


def _each(
    y: np.ndarray, x: np.ndarray, times: np.ndarray, place: int, grid: np.ndarray
) -> Iterator[tuple[np.ndarray, float, float]]:
    """Coefficients, the standard error of one of them, and the restricted log-likelihood (sigma taken out) at each."""
    n, k = x.shape
    apart = np.abs(times[:, None] - times)
    for correlation in grid:
        root = np.linalg.cholesky(correlation**apart)
        whole = np.linalg.solve(root, np.column_stack([x, y]))
        q, r = np.linalg.qr(whole[:, :k])
        left = whole[:, k] - q @ (q.T @ whole[:, k])
        inverse = np.linalg.inv(r)
        rss = max(float(left @ left), np.finfo(float).tiny)
        se = float(np.sqrt(rss / (n - k)) * np.linalg.norm(inverse[place]))
        sizes = np.log(np.diag(root)).sum() + np.log(np.abs(np.diag(r))).sum()
        yield inverse @ (q.T @ whole[:, k]), se, float(-sizes - (n - k) / 2 * np.log(rss))


def _half_width(value: float, each: np.ndarray, fits: _Fits) -> float:
    """How far either side of `value` the mixture of t distributions must be followed to hold 95% of it."""
    se = np.maximum(fits.se, np.finfo(float).tiny)

    def missing(half: float) -> float:
        inside = stdtr(fits.df, (value + half - each) / se) - stdtr(fits.df, (value - half - each) / se)
        return float(fits.shares @ inside) - CENTRAL

    far = float(np.abs(each - value).max() + t_quantile(0.5 + CENTRAL / 2, fits.df) * se.max())
    return float(brentq(missing, 0.0, 2 * far, rtol=1e-10)) if far > 1e-12 else 0.0
