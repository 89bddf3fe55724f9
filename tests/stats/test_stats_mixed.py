"""What a random intercept must do whatever the data: the definition, invariances, edges said, honest coverage."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, f, multivariate_normal

from attendlib.stats.fit import contrast, scaled
from attendlib.stats.mixed import icc, random_intercept, random_intercept_from_sums
from attendlib.stats.ols import ols
from attendlib.stats.sums import GroupSums, add, group_sums


def sample(seed: int, groups: int = 12, sd: float = 0.7) -> tuple[np.ndarray, pd.DataFrame, np.ndarray]:
    """y, X (const, x, z with z the same all through a group) and uneven group labels."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), rng.integers(1, 12, groups))
    n = len(group)
    X = pd.DataFrame({"const": 1.0, "x": rng.normal(size=n), "z": (group % 2).astype(float)})
    y = 3 + X["x"].to_numpy() + rng.normal(size=groups)[group] * sd + rng.normal(size=n)
    return y, X, group


def variance(fit, group):
    same = np.asarray(group)[:, None] == np.asarray(group)[None, :]
    return fit.between * same + fit.within * np.eye(len(same))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("reml", [True, False])
def test_equals_the_definition_in_full_matrices(seed, reml):
    y, X, group = sample(seed)
    fit = random_intercept(y, X, group, reml)
    v, x = variance(fit, group), X.to_numpy()
    bread = np.linalg.inv(x.T @ np.linalg.solve(v, x))
    assert fit.coef.tolist() == pytest.approx((bread @ x.T @ np.linalg.solve(v, y)).tolist(), rel=1e-9)
    assert fit.vcov.to_numpy() == pytest.approx(bread, rel=1e-9)
    height = multivariate_normal(x @ fit.coef.to_numpy(), v).logpdf(y)
    if reml:  # Harville (1974): the restricted likelihood integrates the coefficients out
        height += (x.shape[1] * np.log(2 * np.pi) + np.linalg.slogdet(bread)[1]) / 2
    assert fit.log_likelihood == pytest.approx(height, rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_degrees_of_freedom_equal_numerical_derivatives(seed):
    y, X, group = sample(seed)
    fit = random_intercept(y, X, group)
    x, line = X.to_numpy(), np.array([0.3, -1.0, 2.0])
    same = group[:, None] == group[None, :]

    def parts(theta):
        v = theta[0] * same + theta[1] * np.eye(len(y))
        bread = np.linalg.inv(x.T @ np.linalg.solve(v, x))
        e = y - x @ (bread @ x.T @ np.linalg.solve(v, y))
        deviance = np.linalg.slogdet(v)[1] - np.linalg.slogdet(bread)[1] + e @ np.linalg.solve(v, e)
        return np.array([deviance, line @ bread @ line])

    at, units = np.array([fit.between, fit.within]), np.eye(2)
    h = 1e-3 * at
    gradient = np.array([(parts(at + h * u) - parts(at - h * u))[1] for u in units]) / (2 * h)
    bend = [[sum(s * t * parts(at + h * (s * u + t * w))[0] for s in (1, -1) for t in (1, -1)) for u in units]
            for w in units]  # fmt: skip
    covariance = 2 * np.linalg.inv(np.array(bend) / (4 * np.outer(h, h)))
    expected = 2 * parts(at)[1] ** 2 / (gradient @ covariance @ gradient)
    assert contrast(fit, line).df == pytest.approx(expected, rel=1e-4)


def test_sums_equal_rows_and_add_up():
    y, X, group = sample(4, groups=30)
    whole = random_intercept(y, X, group)
    halves = [group_sums(y[i], X[i], group[i]) for i in (np.arange(len(y)) % 2 == 0, np.arange(len(y)) % 2 == 1)]
    fit = random_intercept_from_sums(add(*halves), "const")
    for name in ("coef", "se", "df", "p", "low", "high"):
        assert getattr(fit, name).tolist() == pytest.approx(getattr(whole, name).tolist(), rel=1e-8), name
    assert (fit.between, fit.within, fit.n, fit.n_groups) == pytest.approx(
        (whole.between, whole.within, whole.n, whole.n_groups)
    )


def test_order_labels_units_and_far_from_zero_columns_do_not_matter():
    y, X, group = sample(5)
    fit = random_intercept(y, X, group)
    order = np.random.default_rng(5).permutation(len(y))
    names = np.array([f"school {g}" for g in group], dtype=object)
    shuffled = random_intercept(y[order], X.iloc[order].reset_index(drop=True), names[order])
    assert shuffled.df.tolist() == pytest.approx(fit.df.tolist(), rel=1e-7)
    large = random_intercept(y * 1000, X, group)
    assert (large.between, large.within) == pytest.approx((fit.between * 1e6, fit.within * 1e6), rel=1e-8)
    assert (large.se / 1000).tolist() == pytest.approx(fit.se.tolist(), rel=1e-8)
    far = random_intercept(y + 1e6, X.assign(x=X["x"] + 1e5), group)
    assert far.se["x"] == pytest.approx(fit.se["x"], rel=1e-6)
    assert far.between == pytest.approx(fit.between, rel=1e-5)


def test_groups_of_nearly_no_variance_within_and_of_nearly_none_between():
    y, X, group = sample(6)
    apart = random_intercept(y + 1e3 * (group % 5), X, group)
    assert apart.between > 1e5
    assert 0.5 < apart.within < 2
    near = random_intercept(y - sample(6)[0] + np.random.default_rng(0).normal(size=len(y)), X, group)
    assert near.between < 0.3


def test_on_the_edge_it_is_least_squares_and_says_so():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(10), 6)
    y = rng.normal(size=60)
    y -= pd.Series(y).groupby(group).transform("mean").to_numpy()
    X = pd.DataFrame({"const": 1.0, "x": rng.normal(size=60)})
    for reml in (True, False):
        fit = random_intercept(y, X, group, reml)
        assert fit.between == 0.0
        assert any("estimated as 0" in note for note in fit.warnings)
        least = ols(y, X, vcov="classical")
        assert fit.coef.tolist() == pytest.approx(least.coef.tolist(), abs=1e-12)
        assert fit.se.tolist() == pytest.approx((least.se * (1 if reml else (58 / 60) ** 0.5)).tolist())


def test_refusals_say_why():
    y, X, group = sample(7)
    with pytest.raises(ValueError, match="one row"):
        random_intercept(y, X, np.arange(len(y)))
    with pytest.raises(ValueError, match="one cluster"):
        random_intercept(y, X, np.zeros(len(y)))
    with pytest.raises(ValueError, match="exactly"):
        random_intercept(np.full(len(y), 7.0), X, group)
    with pytest.raises(ValueError, match="within groups"):
        random_intercept(group.astype(float) ** 2, X[["const"]], group)
    with pytest.raises(ValueError, match="by itself"):
        random_intercept(y, pd.get_dummies(group).astype(float), group)
    with pytest.raises(ValueError, match="'x' of X has"):
        random_intercept(y, X.assign(x=np.nan), group)
    with pytest.raises(ValueError, match="no column 'one'"):
        random_intercept_from_sums(group_sums(y, X, group), "one")
    with pytest.raises(ValueError, match="not 1 in every row"):
        random_intercept_from_sums(group_sums(y, X, group), "x")
    with pytest.raises(TypeError, match="variances"):
        scaled(random_intercept(y, X, group), 100)


def test_a_balanced_icc_interval_is_the_textbook_one():
    rng = np.random.default_rng(1)
    n, groups = 8, 15
    y = np.repeat(rng.normal(size=groups), n) + rng.normal(size=n * groups)
    found = icc(y, np.repeat(np.arange(groups), n))
    table = y.reshape(groups, n)
    between, within = n * table.mean(axis=1).var(ddof=1), table.var(axis=1, ddof=1).mean()
    ratio = between / within
    ends = [ratio / f(groups - 1, groups * (n - 1)).ppf(q) for q in (0.975, 0.025)]
    assert (found.low, found.high) == pytest.approx(tuple((e - 1) / (e + n - 1) for e in ends))  # Searle (1971), 9.9
    assert found.value == pytest.approx((ratio - 1) / (ratio + n - 1))


def coverage(seeds: range, groups: int) -> tuple[int, int, int]:
    """How many intervals hold the truth: a group-level coefficient, a row-level one, and the ICC."""
    held = np.zeros(3, dtype=int)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        group = np.repeat(np.arange(groups), rng.integers(4, 30, groups))
        X = pd.DataFrame({"const": 1.0, "z": (group % 2).astype(float), "x": rng.normal(size=len(group))})
        noise = rng.normal(size=groups)[group] * 0.5 + rng.normal(size=len(group))
        fit = random_intercept(X["z"] + 2 * X["x"] + noise, X, group)
        held[:2] += (fit.low[["z", "x"]] <= [1, 2]).to_numpy() & (fit.high[["z", "x"]] >= [1, 2]).to_numpy()
        share = icc(noise, group)
        held[2] += share.low <= 0.2 <= share.high
    return tuple(held)


def test_intervals_hold_the_truth_quick():
    low, high = binom(150, 0.95).ppf([0.0005, 0.9995])
    assert all(low <= count <= high for count in coverage(range(150), groups=16))


@pytest.mark.prove
@pytest.mark.parametrize("groups", [10, 20, 60])
def test_intervals_hold_the_truth(groups):
    counts = coverage(range(2000), groups)
    assert all(0.93 <= count / 2000 <= 0.97 for count in counts), counts


def test_many_groups_from_sums_recover_what_was_planted():
    rng = np.random.default_rng(3)
    groups, k = 24_000, 3
    n = rng.integers(20, 60, groups)
    total = rng.normal(size=(groups, k))  # sums of a standard normal column, mean-free parts from Wishart draws
    u, e = rng.normal(size=groups) * 0.4, rng.normal(size=groups) * np.sqrt(n)
    x1 = total[:, 0] * np.sqrt(n)
    sxx = rng.chisquare(n - 1) + x1**2 / n
    se = e / np.sqrt(n) * np.sqrt(n)
    sxe = rng.normal(size=groups) * np.sqrt(sxx - x1**2 / n) + x1 * se / n
    see = rng.chisquare(n - 2) + (sxe - x1 * se / n) ** 2 / (sxx - x1**2 / n) + se**2 / n
    xx = np.stack([np.stack([n, x1], 1), np.stack([x1, sxx], 1)], 1).astype(float)
    xy = np.stack([n * u + se, x1 * u + sxe], 1) + xx @ np.array([2.0, 0.5])
    b = np.array([2.0, 0.5])
    yy = see + n * u**2 + 2 * u * se + 2 * (xy @ b) - np.einsum("gij,i,j->g", xx, b, b)
    sums = GroupSums(pd.RangeIndex(groups), ("const", "x"), n, xx, xy, yy)
    fit = random_intercept_from_sums(sums, "const")
    assert abs((fit.coef - [2.0, 0.5]) / fit.se).max() < 3.5
    assert fit.between == pytest.approx(0.16, rel=0.05)
    assert fit.within == pytest.approx(1.0, rel=0.01)
