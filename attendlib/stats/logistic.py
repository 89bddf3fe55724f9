"""Logistic regression with small-sample robust standard errors, and what it says in probabilities.

Standard errors are those of least squares on Pearson-scaled rows, x sqrt(v) and (y - p) / sqrt(v) with v = p (1 - p):
CR2 (with clusters) or HC2 under a working model of independent rows, t intervals with Satterthwaite degrees of freedom
(Bell and McCaffrey 2002; Pustejovsky and Tipton 2018). Without clusters they are those of R's clubSandwich for `glm`;
with clusters the two take different matrix roots, which moves a standard error by less than 1% as a rule.
"classical" is the inverse information with normal intervals. Probabilities are averaged over the rows given, whose
composition counts as fixed; their intervals are by the delta method.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.optimize import linprog
from scipy.special import expit
from scipy.special import logit as log_odds

from attendlib.errors import AttendError
from attendlib.stats.fit import Estimate, Fit, Sample, build_fit, t_interval
from attendlib.stats.inputs import Labels, Matrix, Rows, Values, read_columns, read_numbers, read_rows
from attendlib.stats.ols import BY_ROW, CLUSTERED, fit_from_residuals, whitener
from attendlib.stats.sandwich import Working, contrast_df, estimable

MOST_STEPS = 60
SETTLED = 1e-10  # the largest change in any row's log-odds
WORST_CONDITION = 1e12
HALVES = 0.5 ** np.arange(30)


class SeparationError(AttendError, ValueError):
    """Some columns tell the two outcomes apart without fail, so their coefficients have no finite estimate."""


@dataclass(frozen=True, eq=False)
class LogitFit(Fit):
    """A Fit in log-odds: `events` of the `n` rows have outcome 1; `log_likelihood` is that of the (weighted) rows."""

    events: int
    log_likelihood: float


@dataclass(frozen=True, slots=True)
class AverageDifference:
    """Average probabilities (0 to 1) under two sets of covariates, and `difference` = `first` - `second`.

    `covariance` is that of the two. The limits of `first` and `second` are drawn on the log-odds scale, so stay in 0
    to 1, and carry no p.
    """

    difference: Estimate
    first: Estimate
    second: Estimate
    covariance: float


def logit(
    y: Values,
    X: Matrix,
    cluster: Labels | None = None,
    weights: Values | None = None,
    vcov: str | None = None,
    confidence_pct: float = 95,
) -> LogitFit:
    """The log-odds of `y` (n,) of 0 and 1 on `X` (n, k), used as given: add your own constant.

    `vcov` None is CR2 with `cluster` (n,), HC2 without; others as `ols`. `weights` are inverse-probability weights.
    Raises SeparationError (naming columns), and ValueError as `ols`, for other values of y and for one outcome only.
    """
    rows = read_rows(y, X, cluster, weights)
    odd = int((~np.isin(rows.y, (0, 1))).sum())
    if odd:
        raise ValueError(f"y has {odd} values other than 0 and 1 in {len(rows.y)} rows")
    if rows.y.sum() in (0, len(rows.y)):
        raise ValueError(f"y is {rows.y[0]:.0f} in all {len(rows.y)} rows: nothing to tell apart")
    coef, p = _solve(rows)
    fit = _robust(rows, coef, p, vcov, confidence_pct)
    scale = np.ones(len(p)) if rows.weights is None else rows.weights
    likelihood = float(scale @ np.log(np.where(rows.y == 1, p, 1 - p)))
    return LogitFit(
        **{field.name: getattr(fit, field.name) for field in fields(Fit)},
        events=int(rows.y.sum()),
        log_likelihood=likelihood,
    )


def average_difference(
    fit: LogitFit, first: Matrix, second: Matrix, weights: Values | None = None
) -> AverageDifference:
    """The average probability with covariates `first` (m, k) less that with `second` (m, k), over the same m rows.

    Set the column of interest, and all made from it: first=X.assign(fsm=1), second=X.assign(fsm=0). `weights` (m,) say
    how many rows one stands for. ValueError for columns that are not the fit's.
    """
    one, one_slope = _average(fit, first, weights)
    other, other_slope = _average(fit, second, weights)
    variance = _variance(fit, one_slope - other_slope)
    return AverageDifference(
        difference=_estimate(fit, one - other, variance, one_slope - other_slope),
        first=_probability(fit, one, one_slope),
        second=_probability(fit, other, other_slope),
        covariance=float(one_slope @ fit.vcov.to_numpy() @ other_slope),
    )


def average_probability(fit: LogitFit, X: Matrix, weights: Values | None = None) -> Estimate:
    """The average probability (0 to 1) over rows `X` (m, k), its limits drawn on the log-odds scale, without a p."""
    return _probability(fit, *_average(fit, X, weights))


def average_slope(fit: LogitFit, X: Matrix, column: str) -> Estimate:
    """The average change in probability a unit of `column`, which must enter X once and as it is."""
    x = _columns(fit, X)
    if column not in fit.coef.index:
        raise ValueError(f"{column!r} is not a column of the fit")
    j = list(fit.coef.index).index(column)
    p = expit(x @ fit.coef.to_numpy())
    v, b = p * (1 - p), float(fit.coef.iloc[j])
    slope = b * (v * (1 - 2 * p)) @ x / len(x)
    slope[j] += v.mean()
    return _estimate(fit, b * float(v.mean()), _variance(fit, slope), slope)


def _solve(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Newton's method, halving steps: coefficients and fitted probabilities."""
    root = whitener(rows)
    z = rows.x @ root
    scale = np.ones(len(z)) if rows.weights is None else rows.weights
    turned = np.zeros(z.shape[1])
    at = np.zeros(len(z))

    def height(odds: np.ndarray) -> float:
        return float(scale @ (np.logaddexp(0, odds) - rows.y * odds))

    for _ in range(MOST_STEPS):
        p = expit(at)
        gram = (z * (scale * p * (1 - p))[:, None]).T @ z
        if not np.linalg.cond(gram) < WORST_CONDITION:
            break
        step = np.linalg.solve(gram, z.T @ (scale * (rows.y - p)))
        moved = z @ step
        part = next((h for h in HALVES if height(at + h * moved) <= height(at) + 1e-12 * len(z)), 0.0)
        turned, at = turned + part * step, at + part * moved
        if np.abs(moved).max() < SETTLED:
            return root @ turned, expit(at)
    raise _why_not(rows)


def _why_not(rows: Rows) -> Exception:
    """Konis (2007): rows are separated when some line has no row on its wrong side and some on its right one."""
    signed = np.unique(rows.x * (2 * rows.y - 1)[:, None], axis=0)
    sizes = np.abs(signed).max(axis=0)
    signed = signed / np.where(sizes > 0, sizes, 1)
    found = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1))
    if found.status == 0 and -found.fun > 1e-7:
        names = [name for name, part in zip(rows.names, found.x, strict=True) if abs(part) > 1e-9]
        return SeparationError(
            f"Rows with outcome 0 and outcome 1 can be told apart without fail by {', '.join(names)} (a group that has "
            "one outcome only, for example): no finite estimate. Merge groups or leave a column out."
        )
    return ValueError(f"the fit did not settle in {MOST_STEPS} steps; rescale or leave out columns")


def _robust(rows: Rows, coef: np.ndarray, p: np.ndarray, vcov: str | None, confidence_pct: float) -> Fit:
    v = np.sqrt(p * (1 - p))
    pearson = Rows(
        y=(rows.y - p) / v,
        x=rows.x * v[:, None],
        names=rows.names,
        codes=rows.codes,
        n_groups=rows.n_groups,
        weights=rows.weights,
        notes=rows.notes,
    )
    root = whitener(pearson)
    allowed, usual = (BY_ROW, "HC2") if rows.codes is None else (CLUSTERED, "CR2")
    named = usual if vcov is None else vcov
    if named not in allowed:
        raise ValueError(f"vcov {vcov!r} is not one of {allowed}, which these rows allow")
    if named != "classical":
        return fit_from_residuals(pearson, coef, pearson.y, root, named, confidence_pct)
    if rows.weights is not None:
        raise ValueError("weights are inverse-probability weights: the classical variance does not hold; use HC2")
    sample = Sample(rows.names, len(p), None, rows.notes)
    return build_fit(
        coef, root @ root.T, sample, Working(root, None, None, None, None, np.inf), "classical", confidence_pct
    )


def _columns(fit: LogitFit, X: Matrix) -> np.ndarray:
    x, names = read_columns(X)
    if names != tuple(fit.coef.index):
        raise ValueError(f"the columns are {', '.join(names)}; the fit's are {', '.join(fit.coef.index)}")
    return x


def _average(fit: LogitFit, X: Matrix, weights: Values | None) -> tuple[float, np.ndarray]:
    """The average probability and its slope in each coefficient."""
    x = _columns(fit, X)
    shares = np.full(len(x), 1 / len(x))
    if weights is not None:
        shares = read_numbers(weights, "weights")
        if len(shares) != len(x) or not ((shares >= 0).all() and shares.sum() > 0):
            raise ValueError(f"{len(shares)} weights for {len(x)} rows: give one each, of 0 or more, not all 0")
        shares = shares / shares.sum()
    p = expit(x @ fit.coef.to_numpy())
    return float(shares @ p), (shares * p * (1 - p)) @ x


def _variance(fit: LogitFit, slope: np.ndarray) -> float:
    used = slope != 0
    return float(slope[used] @ fit.vcov.to_numpy()[np.ix_(used, used)] @ slope[used])


def _estimate(fit: LogitFit, value: float, variance: float, slope: np.ndarray) -> Estimate:
    se = variance**0.5 if estimable(fit.working, slope) else np.nan
    df = contrast_df(fit.working, slope)
    p, low, high = t_interval(np.array(value), np.array(se), np.array(df), fit.confidence_pct)
    return Estimate(value, se, df, float(p), float(low), float(high), fit.n, fit.n_groups, fit.confidence_pct)


def _probability(fit: LogitFit, value: float, slope: np.ndarray) -> Estimate:
    plain = _estimate(fit, value, _variance(fit, slope), slope)
    width = value * (1 - value)
    _, low, high = t_interval(
        np.array(log_odds(value)), np.array(plain.se / width), np.array(plain.df), fit.confidence_pct
    )
    return replace(plain, p=np.nan, low=float(expit(low)), high=float(expit(high)))
