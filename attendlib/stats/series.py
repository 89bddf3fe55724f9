"""One series over time: the mean difference from its earlier course carried on, whatever its autocorrelation.

Neighbouring periods are alike, and with a dozen of them nobody can say how alike. So no one autocorrelation is taken as
known: the answer is averaged over all of them, each by how well it fits (Bayes over two unknowns, how slowly a state
fades and what share is noise; given both, generalised least squares). Newey-West errors and one fitted AR(1) cover too
little on so few periods (docs/methods.md).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import stdtr
from statsmodels.regression.linear_model import WLS

from attendlib.stats.fit import Estimate, t_interval, t_quantile

AFTER = "after"  # the column whose coefficient is the mean difference over the periods after the start
# What may lie behind a course: a state of which so much is left a period later, and a share of noise beside it; or
# noise alone. Each is as likely beforehand.
FADING, NOISE = (0.3, 0.6, 0.8, 0.9, 0.95, 0.98), (0.0, 0.3, 0.6, 0.8)
GRID = np.array([(0.0, 1.0, 1.0), *((fades, noise, 1.0) for fades in FADING for noise in NOISE)])
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
    """Generalised least squares at each row of a grid: coef (g, k), se (g,) of AFTER, and each one's share (g,)."""

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
    """Columns (periods, k): level, slope, season, known steps, AFTER last; with `bends` the slope may change.

    `after` is true from the start on. `times` are in periods. The slope's change is centred on the periods after, so
    AFTER stays their mean difference from the course before. `season` must hold no constant.
    """
    after = np.asarray(after, float)
    length = float(np.ptp(times)) or 1.0
    columns = {"level": np.ones(len(after))}
    if slope:
        columns["slope"] = (times - times[after == 1].mean()) / length
        if bends:
            columns["bend"] = columns["slope"] * after
    parts = [pd.DataFrame(columns), *(part for part in (season, steps) if part is not None)]
    return pd.concat([*parts, pd.DataFrame({AFTER: after})], axis=1)


def carried_on(y: np.ndarray, X: pd.DataFrame, times: np.ndarray, weights: np.ndarray | None = None) -> Carried:
    """The mean difference in y (periods,) after the start, by the columns X of `course`, averaged over GRID.

    Each row of GRID is a covariance: periods `times` apart share (1 - noise) r to that power; a period's noise has the
    mean weight over its own as variance. Only the noise: a state moves no more because a period is short. Weights must
    not hang on y (possible sessions, never what was missed of them). Given the covariance, AFTER is t
    with rows less columns degrees of freedom; its share is its prior times its restricted likelihood. The interval
    holds 95% of the mixture, centred on its mean; `se` is half its width over the t quantile. ValueError where rows are
    too few or a number is missing.
    """
    fits = _fits(np.asarray(y, float), X, np.asarray(times, float), weights, GRID)
    coef = pd.Series(fits.shares @ fits.coef, X.columns)
    half = _half_width(float(coef[AFTER]), fits.coef[:, list(X.columns).index(AFTER)], fits)
    se = half / float(t_quantile(0.5 + CENTRAL / 2, fits.df))
    carried = X.assign(**{name: 0.0 for name in (AFTER, "bend") if name in X}).to_numpy(float) @ coef.to_numpy()
    neighbours = float(fits.shares @ (GRID[:, 0] * (1 - GRID[:, 1])))
    return Carried(_estimate(float(coef[AFTER]), se, fits.df, len(X)), coef, neighbours, carried)


def at_correlation(
    y: np.ndarray,
    X: pd.DataFrame,
    times: np.ndarray,
    correlation: float,
    weights: np.ndarray | None = None,
    noise: float = 0.0,
) -> Estimate:
    """The same difference, were the state's correlation between neighbouring periods and the share of noise known."""
    known = np.array([(correlation, noise, 1.0)])
    fits = _fits(np.asarray(y, float), X, np.asarray(times, float), weights, known)
    return _estimate(float(fits.coef[0, list(X.columns).index(AFTER)]), float(fits.se[0]), fits.df, len(X))


def newey_west(y: np.ndarray, X: pd.DataFrame, lags: int, weights: np.ndarray | None = None) -> Estimate:
    """The same difference by (weighted) least squares with Newey and West's errors, small-sample correction, t."""
    _enough_rows(X)
    with np.errstate(invalid="ignore"):  # where few rows leave no variance, which the line below refuses
        fit = WLS(np.asarray(y, float), X, weights=1.0 if weights is None else weights).fit(
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
    """One fit for each row (correlation, noise, prior) of `grid`, all at once."""
    _enough_rows(X)
    if not np.isfinite(y).all():
        raise ValueError(f"{int((~np.isfinite(y)).sum())} of {len(y)} periods have no number")
    n, k = X.shape
    own = np.ones(n) if weights is None else np.mean(weights) / np.asarray(weights, float)
    roots = np.linalg.cholesky(_covariances(times, own, grid))
    whole = np.linalg.solve(roots, np.column_stack([X.to_numpy(float), y]))
    q, r = np.linalg.qr(whole[:, :, :k])
    along = np.einsum("gnk,gn->gk", q, whole[:, :, k])
    left = whole[:, :, k] - np.einsum("gnk,gk->gn", q, along)
    inverse = np.linalg.inv(r)
    rss = np.maximum((left**2).sum(axis=1), np.finfo(float).tiny)
    se = np.sqrt(rss / (n - k)) * np.linalg.norm(inverse[:, list(X.columns).index(AFTER)], axis=1)
    sizes = _log_diagonal(roots) + _log_diagonal(r)
    likelihood = -sizes - (n - k) / 2 * np.log(rss)  # restricted, sigma taken out
    shares = np.exp(likelihood - likelihood.max()) * grid[:, 2]
    return _Fits(np.einsum("gkj,gj->gk", inverse, along), se, shares / shares.sum(), n - k)


def _covariances(times: np.ndarray, own: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(grid, periods, periods): what fades with the time apart, and noise of each period, `own` times its share."""
    apart = np.abs(times[:, None] - times)
    fading = grid[:, 0, None, None] ** apart
    noise = grid[:, 1, None, None]
    return np.asarray((1 - noise) * fading + noise * np.diag(own))


def _log_diagonal(matrices: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.abs(np.diagonal(matrices, axis1=1, axis2=2))).sum(axis=1))


def _half_width(value: float, each: np.ndarray, fits: _Fits) -> float:
    """How far either side of `value` the mixture of t distributions must be followed to hold 95% of it."""
    se = np.maximum(fits.se, np.finfo(float).tiny)

    def missing(half: float) -> float:
        inside = stdtr(fits.df, (value + half - each) / se) - stdtr(fits.df, (value - half - each) / se)
        return float(fits.shares @ inside) - CENTRAL

    far = float(np.abs(each - value).max() + t_quantile(0.5 + CENTRAL / 2, fits.df) * se.max())
    return float(brentq(missing, 0.0, 2 * far, rtol=1e-10)) if far > 1e-12 else 0.0
