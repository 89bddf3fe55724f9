"""Second opinions on a random intercept: by whole matrices, by known special cases, refusals."""

import numpy as np
import pytest
from trials import COLUMNS, school_trial

from attendlib.stats.mixed import random_intercept
from attendlib.stats.mixed_checks import kenward_roger, profile_interval, random_intercept_cr2
from attendlib.stats.ols import ols


@pytest.fixture(scope="module")
def data():
    return school_trial(np.random.default_rng(6), 12, 0.3, True, effect=0.4)


@pytest.fixture(scope="module")
def fitted(data):
    """y, X, schools and the whole working variance of the REML fit."""
    fit = random_intercept(data["y"], data[COLUMNS], data["school"])
    school = data["school"].to_numpy()
    v = fit.within * np.eye(len(data)) + fit.between * (school[:, None] == school)
    return data["y"].to_numpy(), data[COLUMNS].to_numpy(), school, v, fit


def root_of(matrix, exponent):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T


@pytest.mark.parametrize(("column", "place"), [("const", 0), ("arm", 1), ("prior", 2)])
def test_cr2_by_whole_matrices(data, fitted, column, place):
    """With the triangular root of the working variance, as clubSandwich takes it; ours is the symmetric one."""
    y, x, school, v, _ = fitted
    w = np.linalg.inv(v)
    m = np.linalg.inv(x.T @ w @ x)
    b = m @ x.T @ w @ y
    meat, a = 0.0, np.zeros((len(y), 12))
    for s in range(12):
        r = school == s
        triangle = np.linalg.cholesky(v[np.ix_(r, r)]).T
        left = v[np.ix_(r, r)] - x[r] @ m @ x[r].T
        adjust = triangle.T @ root_of(triangle @ left @ triangle.T, -0.5) @ triangle
        a[r, s] = adjust @ w[np.ix_(r, r)] @ x[r] @ m[place]
        meat += float(a[r, s] @ (y - x @ b)[r]) ** 2
    spread = a.T @ (v - x @ m @ x.T) @ a
    found = random_intercept_cr2(data["y"], data[COLUMNS], data["school"], column)
    assert found.se == pytest.approx(np.sqrt(meat), rel=1e-7)
    assert found.df == pytest.approx(np.trace(spread) ** 2 / (spread**2).sum(), rel=1e-7)


@pytest.mark.parametrize(("column", "place"), [("const", 0), ("arm", 1), ("prior", 2)])
def test_kenward_roger_by_whole_matrices(data, fitted, column, place):
    _, x, school, v, fit = fitted
    w, parts = np.linalg.inv(v), [1.0 * (school[:, None] == school), np.eye(len(x))]
    phi = np.linalg.inv(x.T @ w @ x)
    p = [-x.T @ w @ g @ w @ x for g in parts]
    q = [[x.T @ w @ g @ w @ h @ w @ x for h in parts] for g in parts]
    projection = w - w @ x @ phi @ x.T @ w
    information = [[np.trace(projection @ g @ projection @ h) / 2 for h in parts] for g in parts]
    u = np.linalg.inv(information)
    change = sum(u[i, j] * (q[i][j] - p[i] @ phi @ p[j]) for i in (0, 1) for j in (0, 1))
    slopes = np.array([phi[place] @ part @ phi[place] for part in p]) / phi[place, place]
    found = kenward_roger(data["y"], data[COLUMNS], data["school"], column)
    assert found.se == pytest.approx(np.sqrt((phi + 2 * phi @ change @ phi)[place, place]), rel=1e-9)
    assert found.df == pytest.approx(2 / (slopes @ u @ slopes), rel=1e-9)
    assert found.value == fit.coef.iloc[place]


def test_equal_schools_without_covariates_are_a_t_test_of_school_means():
    data = school_trial(np.random.default_rng(6), 12, 0.3, False)
    means = data.groupby("school")[["y", "arm"]].mean()
    sides = [means.loc[means["arm"] == side, "y"] for side in (1, 0)]
    se = np.sqrt(sum(side.var() for side in sides) / 6)  # six schools a side
    for check in (kenward_roger, random_intercept_cr2):
        found = check(data["y"], data[["const", "arm"]], data["school"], "arm")
        assert (found.value, found.se, found.df) == pytest.approx((sides[0].mean() - sides[1].mean(), se, 10))


def test_without_variance_between_schools_cr2_is_that_of_least_squares(data):
    noise = np.random.default_rng(8).normal(size=len(data))
    noise -= data.assign(noise=noise).groupby("school")["noise"].transform("mean").to_numpy()
    flat = data.assign(y=data["prior"] + noise)
    assert random_intercept(flat["y"], flat[COLUMNS], flat["school"]).between == 0
    found = random_intercept_cr2(flat["y"], flat[COLUMNS], flat["school"], "arm")
    plain = ols(flat["y"], flat[COLUMNS], flat["school"])
    assert (found.se, found.df) == pytest.approx((plain.se["arm"], plain.df["arm"]))
    assert any("estimated as 0" in note for note in found.warnings)


def test_a_profile_ends_where_the_likelihood_has_fallen_enough(data):
    y, X, school = data["y"], data[COLUMNS], data["school"]
    low, high = profile_interval(y, X, school, "arm", confidence_pct=90)
    best = random_intercept(y, X, school, reml=False)
    assert low < best.coef["arm"] < high
    for end in (low, high):
        held = random_intercept(y - end * X["arm"], X[["const", "prior"]], school, reml=False)
        assert 2 * (best.log_likelihood - held.log_likelihood) == pytest.approx(2.705543, abs=1e-5)  # 1.644854 squared


@pytest.mark.parametrize("check", [kenward_roger, random_intercept_cr2, profile_interval])
def test_what_is_not_there_is_refused(data, check):
    with pytest.raises(ValueError, match="no column 'treated'"):
        check(data["y"], data[COLUMNS], data["school"], "treated")
    with pytest.raises(ValueError, match="fits the outcome exactly"):
        check(data["y"] * 0, data[COLUMNS], data["school"], "arm")


def test_a_profile_of_the_only_column_is_refused(data):
    with pytest.raises(ValueError, match="only column"):
        profile_interval(data["y"], data[["arm"]], data["school"], "arm")
