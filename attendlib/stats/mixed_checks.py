"""Second opinions on one coefficient of a random intercept: cluster-robust CR2, Kenward-Roger, profile likelihood."""

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import chdtri

from attendlib.stats.fit import Estimate, t_interval
from attendlib.stats.inputs import Labels, Matrix, Rows, Values, read_rows
from attendlib.stats.mixed import RandomIntercept, random_intercept
from attendlib.stats.sums import sums_by_code

NOTHING_LEFT = 1e-10  # an eigenvalue this small, relative to the largest, is 0
FARTHEST = 1e3  # standard errors from the estimate within which a profile's end is sought


def random_intercept_cr2(y: Values, X: Matrix, group: Labels, column: str, confidence_pct: float = 95) -> Estimate:
    """CR2 by `group` around the REML fit, its fitted variances as the working model, Satterthwaite df.

    Right in large samples even where the random intercept is not. Pustejovsky and Tipton (2018), as clubSandwich
    does for `lmer`. Raises ValueError as `random_intercept`, and for no such column.
    """
    rows, codes, fit, place = _fitted(y, X, group, column, confidence_pct)
    phi = fit.vcov.to_numpy()
    left = rows.y - rows.x @ fit.coef.to_numpy()
    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    each = [_adjusted(rows.x[part], left[part], fit, phi, place) for part in parts]
    scores, own, shared = (np.array(values) for values in zip(*each, strict=True))
    overlap = shared.T @ shared @ phi
    across = ((shared @ phi) * shared).sum(axis=1)
    square = (own**2).sum() - 2 * (own * across).sum() + (overlap * overlap.T).sum()
    df = (own.sum() - across.sum()) ** 2 / square
    return _estimate(fit, place, float((scores**2).sum() ** 0.5), float(df))


def kenward_roger(y: Values, X: Matrix, group: Labels, column: str, confidence_pct: float = 95) -> Estimate:
    """Kenward and Roger's (1997, Biometrics 53) small-sample standard error and degrees of freedom of the REML fit.

    Raises ValueError as `random_intercept`, and for no such column.
    """
    rows, codes, fit, place = _fitted(y, X, group, column, confidence_pct)
    n, gram, sums, _ = sums_by_code(np.ones(len(rows.y)), rows.x, codes)
    phi, shrink = fit.vcov.to_numpy(), 1 / (1 + fit.between / fit.within * n)

    def power(exponent: int, weights: np.ndarray | None = None) -> np.ndarray:
        """X' V^-exponent X in units of `within`, or with the group's J between and `weights` when given."""
        if weights is not None:
            return np.einsum("g,gi,gj->ij", weights * shrink**exponent, sums, sums) / fit.within**exponent
        rest = np.einsum("g,gi,gj->ij", (1 - shrink**exponent) / n, sums, sums)
        return (gram.sum(axis=0) - rest) / fit.within**exponent

    one = np.ones(len(n))
    p = np.array([-power(2, one), -power(2)])
    q = np.array([[power(3, n.astype(float)), power(3, one)], [power(3, one), power(3)]])
    traces = np.array([[(n * shrink) ** 2, n * shrink**2], [n * shrink**2, n - 1 + shrink**2]]).sum(axis=2)
    crossed = np.einsum("iab,bc,jcd->ijad", p, phi, p)
    information = traces / fit.within**2 - 2 * np.einsum("ijab,ba->ij", q, phi) + np.einsum("ijab,ba->ij", crossed, phi)
    variances = np.linalg.inv(information / 2)
    adjusted = phi + 2 * phi @ np.einsum("ij,ijab->ab", variances, q - crossed) @ phi
    slopes = phi[place] @ p @ phi[place] / phi[place, place]
    return _estimate(fit, place, float(adjusted[place, place] ** 0.5), float(2 / (slopes @ variances @ slopes)))


def profile_interval(
    y: Values, X: Matrix, group: Labels, column: str, confidence_pct: float = 95
) -> tuple[float, float]:
    """Where twice the full log-likelihood has fallen by chi-squared's quantile: large-sample, as `lme4::confint`.

    Raises ValueError as `random_intercept`, for no such column, and when `column` is X's only one.
    """
    rows, codes, _, place = _fitted(y, X, group, column, confidence_pct)
    rest = np.delete(rows.x, place, axis=1)
    if not rest.shape[1]:
        raise ValueError(f"{column} is the only column of X: a profile needs another, such as a constant")
    best = random_intercept(rows.y, rows.x, codes, reml=False)
    fall = float(chdtri(1, 1 - confidence_pct / 100))

    def excess(value: float) -> float:
        held = random_intercept(rows.y - value * rows.x[:, place], rest, codes, reml=False)
        return 2 * (best.log_likelihood - held.log_likelihood) - fall

    centre, step = float(best.coef.iloc[place]), float(best.se.iloc[place])
    ends = []
    for side in (-1, 1):
        far = 2 * step
        while excess(centre + side * far) < 0 and far < FARTHEST * step:
            far *= 2
        ends.append(float(brentq(excess, centre, centre + side * far, xtol=1e-10 * step)))
    return ends[0], ends[1]


def _fitted(
    y: Values, X: Matrix, group: Labels, column: str, confidence_pct: float
) -> tuple[Rows, np.ndarray, RandomIntercept, int]:
    rows = read_rows(y, X, group)
    if column not in rows.names or rows.codes is None:
        raise ValueError(f"no column {column!r} in X; there are {', '.join(rows.names)}")
    named = pd.DataFrame(rows.x, columns=list(rows.names))
    fit = random_intercept(rows.y, named, rows.codes, confidence_pct=confidence_pct)
    return rows, rows.codes, fit, rows.names.index(column)


def _adjusted(
    x: np.ndarray, left: np.ndarray, fit: RandomIntercept, phi: np.ndarray, place: int
) -> tuple[float, float, np.ndarray]:
    """One group's score of the coefficient, its own part of the variance's matrix, and what it shares with others.

    Only the span of a constant and X matters: outside it the working variance is `within` and nothing is adjusted.
    """
    basis = np.linalg.qr(np.column_stack([np.ones(len(x)), x]))[0]
    z, ones, e = basis.T @ x, basis.sum(axis=0), basis.T @ left
    variance = fit.within * np.eye(len(e)) + fit.between * np.outer(ones, ones)
    root = _power(variance, 0.5)
    middle = root @ (variance - z @ phi @ z.T) @ root
    a = root @ _power(middle, -0.5) @ root @ np.linalg.solve(variance, z @ phi[place])
    return float(a @ e), float(a @ variance @ a), a @ z


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """A symmetric matrix to a power, its empty directions left empty."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > NOTHING_LEFT * values.max()
    return (vectors * np.where(kept, np.where(kept, values, 1.0) ** exponent, 0.0)) @ vectors.T


def _estimate(fit: RandomIntercept, place: int, se: float, df: float) -> Estimate:
    value = float(fit.coef.iloc[place])
    p, low, high = t_interval(np.array(value), np.array(se), np.array(df), fit.confidence_pct)
    return Estimate(
        value, se, df, float(p), float(low), float(high), fit.n, fit.n_groups, fit.confidence_pct, fit.warnings
    )
