"""The EEF package's Bayesian cell of its example trial: crtBayes' model and priors, integrated instead of drawn.

crtBayes draws, in JAGS, from a random intercept with flat coefficients and gamma(0.001, 0.0001) precisions. Given the
ratio of the two variances everything is known in closed form, so its posterior is a sum over ratios: no draws. Its
printed figures (10,000 iterations, every tenth kept) have a Monte Carlo error of their own, about 0.01 in g.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from shared import shared

from attendlib.stats.fit import contrast
from attendlib.stats.mixed import random_intercept

SLICES = 50  # of the variance within, given the ratio
RATIOS = np.geomspace(1e-7, 20, 120)  # of the variance between schools to that within
LEAST, FADES = 0.001, 0.0001  # shape and rate of both precisions' gamma
CRTBAYES = {"mean": 0.680, "low": 0.123, "high": 1.214, "at_least_0.1": 0.979}  # as printed
MONTE_CARLO = 0.02  # two of the drawn ones' standard errors, more for the limits
CHANCE_ERROR = 0.008  # two of .979 in 1,500 draws


def j_of(n: int) -> float:
    """The package's small-sample factor."""
    return 1 - 3 / (4 * (n - 2) - 1)


def posterior(y: np.ndarray, x: np.ndarray, group: np.ndarray, column: int) -> dict[str, float]:
    """Mean, central 95% and chance of 0.1 or more of coefficient over the root of the total variance, times J."""
    n, k = x.shape
    same = (group[:, None] == group).astype(float)
    likelihood, parts = [], []
    precisions = stats.gamma(a=(n - k) / 2 + 2 * LEAST).ppf((np.arange(SLICES) + 0.5) / SLICES)
    for ratio in RATIOS:
        covariance = np.eye(n) + ratio * same
        root = np.linalg.cholesky(covariance)
        q, r = np.linalg.qr(np.linalg.solve(root, x))
        inverse, along = np.linalg.inv(r), q.T @ np.linalg.solve(root, y)
        rss = float(((np.linalg.solve(root, y) - q @ along) ** 2).sum())
        rate = rss / 2 + FADES * (1 + 1 / ratio)
        sizes = np.log(np.diag(root)).sum() + np.log(np.abs(np.diag(r))).sum()
        # Both gammas in (variance within, ratio), on a grid even in the ratio's logarithm.
        likelihood.append(-sizes - ((n - k) / 2 + 2 * LEAST) * np.log(rate) - LEAST * np.log(ratio))
        sd = np.sqrt(rate / precisions * (1 + ratio))
        parts.append(
            ((inverse @ along)[column] / sd, np.full(SLICES, np.linalg.norm(inverse[column]) / (1 + ratio) ** 0.5))
        )
    weight = np.repeat(np.exp(np.array(likelihood) - max(likelihood)), SLICES)
    centre, spread = (np.concatenate([part[which] for part in parts]) for which in (0, 1))
    j = j_of(n)

    def below(g: float) -> float:
        return float(weight @ stats.norm.cdf((g / j - centre) / spread) / weight.sum())

    low, high = (optimize.brentq(lambda g, share=share: below(g) - share, -3, 3, xtol=1e-6) for share in (0.025, 0.975))
    mean = j * float(weight @ centre / weight.sum())
    return {"mean": mean, "low": low, "high": high, "at_least_0.1": 1 - below(0.1)}


@pytest.fixture(scope="module")
def trial() -> tuple[pd.Series, pd.DataFrame, pd.Series]:
    d = pd.read_csv(shared("referees/eef_crtData.csv"))
    return d["Posttest"], d[["Prettest", "Intervention"]].assign(constant=1.0), d["School"]


@pytest.fixture(scope="module")
def exact(trial) -> dict[str, float]:
    y, x, school = trial
    return posterior(y.to_numpy(float), x.to_numpy(float), school.to_numpy(), 1)


def test_crtbayes_is_its_own_model_integrated(exact) -> None:
    for name in ("mean", "low", "high"):
        assert abs(exact[name] - CRTBAYES[name]) <= MONTE_CARLO, name
    assert abs(exact["at_least_0.1"] - CRTBAYES["at_least_0.1"]) <= CHANCE_ERROR


def test_students_t_around_the_estimate_says_what_the_posterior_says(trial, exact) -> None:
    """A flat prior and t, as the pages' chances are made: within 0.05 of g's limits and 0.01 of the chance."""
    y, x, school = trial
    fit = random_intercept(y, x, school.to_numpy())
    found = contrast(fit, {"Intervention": 1.0})
    sd = (fit.between + fit.within) ** 0.5 / j_of(len(y))
    for name, value in (("mean", found.value), ("low", found.low), ("high", found.high)):
        assert abs(value / sd - exact[name]) <= 0.05, name
    chance = stats.t(found.df, found.value / sd, found.se / sd).sf(0.1)
    assert abs(chance - exact["at_least_0.1"]) <= 0.01
