"""One random intercept a group, by restricted or full maximum likelihood, from rows or from per-group sums.

With lambda the variance between groups over that within, and w = lambda / (1 + n lambda) for a group of n rows, every
cross product of the whitened model is A(lambda) = T - sum over groups of w S S', where T = [X y]'[X y] and S are a
group's column sums. So the likelihood is a function of lambda alone, exact, with exact derivatives, at a cost that
does not depend on the rows.
Source: Bates, Maechler, Bolker and Walker (2015), J. Stat. Software 67(1), for the profiled criterion; Satterthwaite
degrees of freedom as in lmerTest: Kuznetsova, Brockhoff and Christensen (2017), J. Stat. Software 82(13).
"""

from dataclasses import dataclass, fields
from math import log, pi

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar
from scipy.sparse import csr_array
from scipy.special import fdtri

from attendlib.stats.fit import Fit, Sample, build_fit
from attendlib.stats.inputs import Labels, Matrix, Rows, Values, read_labels, read_numbers, read_rows
from attendlib.stats.ols import root_of_gram, whitener
from attendlib.stats.sandwich import Spread, Working
from attendlib.stats.sums import GroupSums

# Where lambda times the typical group size is looked at before its root is sought between two of these.
LOOK = np.concatenate([[0.0], np.geomspace(1e-4, 1e8, 19)])
# What is left of the outcome's sum of squares below this, relatively, is rounding.
NOTHING_LEFT = 1e-12
FAR_FROM_REPEATED = 1e-4  # the least eigenvalue of the columns' cosines from which X'X alone is exact enough
FLAT = 1e-6  # a criterion that moves less than this over every lambda does not depend on it
ON_THE_EDGE = (
    "The variance between groups is estimated as 0 (the edge of what it can be): estimates and degrees of freedom "
    "are those of least squares with independent rows. Set clustered standard errors beside them."
)


@dataclass(frozen=True, eq=False)
class RandomIntercept(Fit):
    """A Fit with its variances, in y's unit squared: `between` groups (0 on the edge, and said) and `within` them.

    `log_likelihood` is restricted when `reml`, so comparable only between fits of the same X.
    """

    between: float
    within: float
    log_likelihood: float
    reml: bool


@dataclass(frozen=True, slots=True)
class Icc:
    """The share of variance that lies between groups, `value` from 0 to 1, with its interval and both variances."""

    value: float
    low: float
    high: float
    between: float
    within: float
    n: int
    n_groups: int
    confidence_pct: float = 95
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Whitened sums: `total` (k + 1, k + 1) over all rows and `parts` (G, k + 1) column sums, the outcome last.

    The outcome is what least squares leaves; `coef` (k,) is what it took. `root` (k, k) takes whitened coefficients
    back to X's own. `n` (G,) counts rows, as floats.
    """

    total: np.ndarray
    parts: np.ndarray
    n: np.ndarray
    root: np.ndarray
    coef: np.ndarray
    reml: bool

    @property
    def free(self) -> float:
        return float(self.n.sum()) - (len(self.coef) if self.reml else 0)


@dataclass(frozen=True, slots=True, eq=False)
class _At:
    """The criterion (minus twice the log-likelihood, less constants) at one lambda, with its two derivatives.

    `b` (k,) and `inverse` (k, k) are whitened coefficients and their variance over the residual's; `moved` is the
    derivative of `inverse`; `rss` and its derivative `rss_slope` belong to the profiled residual variance.
    """

    criterion: float
    slope: float
    bend: float
    b: np.ndarray
    inverse: np.ndarray
    moved: np.ndarray
    rss: float
    rss_slope: float


def random_intercept(
    y: Values, X: Matrix, group: Labels, reml: bool = True, confidence_pct: float = 95
) -> RandomIntercept:
    """`y` (n,) on `X` (n, k), used as given, with a random intercept for each `group` (n,); `reml` False is ML.

    A variance of 0 between groups is said in `warnings`. Raises ValueError as `ols`, for groups of one row each, and
    for an outcome that X, or X and the groups, fit exactly.
    """
    rows = read_rows(y, X, group)
    problem = _problem(rows, reml)
    return _fit(problem, rows.names, float(rows.y @ rows.y), rows.notes, confidence_pct)


def random_intercept_from_sums(
    sums: GroupSums, constant: str, reml: bool = True, confidence_pct: float = 95
) -> RandomIntercept:
    """The same fit from per-group sums, whose column `constant` is 1 in every row. ValueError as there, and if not."""
    if constant not in sums.columns:
        raise ValueError(f"the sums have no column {constant!r}; name the one that is 1 in every row: {sums.columns}")
    ones = sums.columns.index(constant)
    if not np.allclose(sums.xx[:, ones, ones], sums.n, rtol=1e-9, atol=0):
        raise ValueError(f"column {constant!r} is not 1 in every row: its squares do not add to the row counts")
    if int(sums.n.sum()) <= len(sums.columns) or len(sums.n) < 2:
        raise ValueError(f"{sums.n.sum()} rows in {len(sums.n)} groups: give more rows than columns and 2 groups")
    xx, xy, yy = sums.xx.sum(axis=0), sums.xy.sum(axis=0), float(sums.yy.sum())
    root = root_of_gram(xx, sums.columns)
    coef = root @ (root.T @ xy)
    total = np.zeros((len(xy) + 1, len(xy) + 1))
    total[:-1, :-1] = root.T @ xx @ root
    total[:-1, -1] = total[-1, :-1] = root.T @ (xy - xx @ coef)
    total[-1, -1] = max(yy - coef @ (2 * xy - xx @ coef), 0.0)
    columns = sums.xx[:, :, ones]
    parts = np.column_stack([columns @ root, sums.xy[:, ones] - columns @ coef])
    problem = _Problem(total, parts, sums.n.astype(float), root, coef, reml)
    return _fit(problem, sums.columns, yy, (), confidence_pct)


def icc(y: Values, group: Labels, confidence_pct: float = 95) -> Icc:
    """The intraclass correlation of `y` (n,) in `group` (n,), from a REML model with nothing but a constant.

    The interval is Wald's (1940, Ann. Math. Stat. 11(1)): exact for normal outcomes, however uneven the groups.
    Raises ValueError as `random_intercept`.
    """
    constant = pd.DataFrame({"constant": np.ones(len(y))}, index=y.index if isinstance(y, pd.Series) else None)
    fit = random_intercept(y, constant, group, confidence_pct=confidence_pct)
    outcome = read_numbers(y, "y")
    apart = outcome - outcome.mean()
    n, parts = _sums(apart[:, None], read_labels(group))
    low, high = _wald(n, parts[:, 0] / n, float(apart @ apart), confidence_pct)
    share = fit.between / (fit.between + fit.within)
    return Icc(share, low, high, fit.between, fit.within, fit.n, len(n), confidence_pct, fit.warnings)


def _fit(
    problem: _Problem, names: tuple[str, ...], whole: float, notes: tuple[str, ...], confidence_pct: float
) -> RandomIntercept:
    _refuse(problem, whole)
    ratio = _optimum(problem)
    at = _at(problem, ratio)
    within = at.rss / problem.free
    working = Working(problem.root, None, None, None, None, None, _spread(problem, at, ratio))
    sample = Sample(names, int(problem.n.sum()), len(problem.n), notes + ((ON_THE_EDGE,) if ratio == 0 else ()))
    coef = problem.coef + problem.root @ at.b
    variance = problem.root @ (at.inverse * within) @ problem.root.T
    fit = build_fit(coef, variance, sample, working, "REML" if problem.reml else "ML", confidence_pct)
    return RandomIntercept(
        **{field.name: getattr(fit, field.name) for field in fields(Fit)},
        between=ratio * within,
        within=within,
        log_likelihood=_log_likelihood(problem, at),
        reml=problem.reml,
    )


def _spread(problem: _Problem, at: _At, ratio: float) -> Spread:
    """The variance of b, how it moves with (log within, lambda), and twice the inverse curvature of those two."""
    within = at.rss / problem.free
    cross = -at.rss_slope / within
    curve = np.array([[problem.free, cross], [cross, at.bend + cross**2 / problem.free]])
    slopes = np.stack([at.inverse, at.moved]) * within
    if ratio == 0:  # on the edge lambda is not free, as in lmerTest, where the root of lambda has no slope there
        curve, slopes = curve[:1, :1], slopes[:1]
    return Spread(at.inverse * within, slopes, 2 * np.linalg.inv(curve))


def _problem(rows: Rows, reml: bool) -> _Problem:
    """The sums of `rows`: of X itself where none of its columns comes near to repeating others, else whitened first."""
    assert rows.codes is not None
    x, gram, outer = rows.x, rows.x.T @ rows.x, None
    sizes = np.sqrt(np.diag(gram))
    if sizes.min() > 0 and np.linalg.eigvalsh(gram / np.outer(sizes, sizes))[0] > FAR_FROM_REPEATED:
        root = root_of_gram(gram, rows.names)
    else:
        outer = whitener(rows)
        x, root = rows.x @ outer, np.eye(len(sizes))
        gram = x.T @ x
    coef = root @ (root.T @ (x.T @ rows.y))
    left = rows.y - x @ coef
    cross = root.T @ (x.T @ left)
    total = np.block([[root.T @ gram @ root, cross[:, None]], [cross, left @ left]])
    n, sums = _sums(np.column_stack([x, left]), rows.codes)
    parts = np.column_stack([sums[:, :-1] @ root, sums[:, -1]])
    return _Problem(total, parts, n, *((root, coef) if outer is None else (outer, outer @ coef)), reml)


def _sums(columns: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (G,) and column sums (G, d) of each group of codes 0.. in `columns` (n, d)."""
    n = np.bincount(codes).astype(float)
    member = csr_array((np.ones(len(codes)), codes, np.arange(len(codes) + 1)), shape=(len(codes), len(n)))
    return n, np.asarray(member.T @ columns)


def _refuse(problem: _Problem, whole: float) -> None:
    if problem.n.max() == 1:
        raise ValueError(f"each of {len(problem.n)} groups has one row: the two variances cannot be told apart")
    if not problem.total[-1, -1] > NOTHING_LEFT * whole:
        raise ValueError("X fits the outcome exactly (the same value in every row, for example): nothing is left")


def _at(problem: _Problem, ratio: float) -> _At:
    """The criterion at lambda = `ratio`. Derivatives by the envelope theorem: b minimises the sum of squares."""
    n, k = problem.n, len(problem.coef)
    shrink = 1 / (1 + ratio * n)
    a = problem.total - _weighted(problem, ratio * shrink)
    first, second = -_weighted(problem, shrink**2), _weighted(problem, 2 * n * shrink**3)
    inverse = np.linalg.inv(a[:k, :k])
    b = inverse @ a[:k, k]
    signed = np.append(-b, 1.0)
    pull = (first @ signed)[:k]
    rss, rss_slope = signed @ a @ signed, signed @ first @ signed
    rss_bend = signed @ second @ signed - 2 * pull @ inverse @ pull
    criterion = problem.free * log(max(rss, 1e-300)) + np.log1p(ratio * n).sum()
    slope = problem.free * rss_slope / rss + (n * shrink).sum()
    bend = problem.free * (rss_bend / rss - (rss_slope / rss) ** 2) - ((n * shrink) ** 2).sum()
    turned = inverse @ first[:k, :k]
    if problem.reml:
        criterion += float(np.linalg.slogdet(a[:k, :k])[1])
        slope += np.trace(turned)
        bend += np.trace(inverse @ second[:k, :k]) - (turned * turned.T).sum()
    return _At(criterion, slope, bend, b, inverse, -turned @ inverse, float(rss), float(rss_slope))


def _weighted(problem: _Problem, weights: np.ndarray) -> np.ndarray:
    return problem.parts.T @ (problem.parts * weights[:, None])


def _optimum(problem: _Problem) -> float:
    """The lambda of the lowest criterion, 0 on the edge. ValueError when none can be had."""
    places = LOOK / (problem.n.sum() / len(problem.n))
    looks = [_at(problem, place) for place in places]
    heights = np.array([look.criterion for look in looks])
    if np.ptp(heights[LOOK <= 1e3]) < FLAT:
        raise ValueError("X tells the groups apart by itself: no variance between them can be estimated")
    best = int(heights.argmin())
    if best == 0 and looks[0].slope >= 0:
        return 0.0
    if best == len(places) - 1 or not looks[best].rss > NOTHING_LEFT * problem.total[-1, -1]:
        raise ValueError("X and the groups fit the outcome all but exactly: no variance is left within groups")
    below, above = max(best - 1, 0), best + 1
    if looks[below].slope < 0 < looks[above].slope:
        return float(brentq(lambda at: _at(problem, at).slope, places[below], places[above], xtol=1e-300, rtol=1e-14))
    bounds = (places[below], places[above])
    return float(minimize_scalar(lambda at: _at(problem, at).criterion, bounds=bounds, method="bounded").x)


def _log_likelihood(problem: _Problem, at: _At) -> float:
    constant = problem.free * (1 + log(2 * pi / problem.free))
    units = 2 * float(np.linalg.slogdet(problem.root)[1]) if problem.reml else 0.0
    return -(at.criterion + constant - units) / 2


def _wald(n: np.ndarray, means: np.ndarray, whole: float, confidence_pct: float) -> tuple[float, float]:
    """The two intraclass correlations at which the F of the groups' means, so whitened, meets its quantiles."""
    groups, free = len(n), float(n.sum()) - len(n)
    within = (whole - (n * means**2).sum()) / free

    def f(share: float) -> float:
        weights = n / (1 - share + share * n)
        centre = (weights * means).sum() / weights.sum()
        return float((1 - share) * (weights * (means - centre) ** 2).sum() / (groups - 1) / within)

    def meets(quantile: float) -> float:
        return 0.0 if f(0.0) <= quantile else float(brentq(lambda share: f(share) - quantile, 0.0, 1.0))

    tail = 0.5 - confidence_pct / 200
    return meets(float(fdtri(groups - 1, free, 1 - tail))), meets(float(fdtri(groups - 1, free, tail)))
