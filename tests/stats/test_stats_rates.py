"""Absence rates: points, days and ratios that a reader can check by hand, and refusals with counts."""

import numpy as np
import pandas as pd
import pytest

from attendlib.stats.rates import absence_rate_model

# Four pupils a side; rates 5, 10, 5, 0% and 10, 20, 15, 15%, over unequal possible sessions.
ABSENT = np.array([5, 20, 10, 0, 10, 40, 30, 15])
POSSIBLE = np.array([100, 200, 200, 100, 100, 200, 200, 100])
X = pd.DataFrame({"const": 1.0, "group": [0.0] * 4 + [1.0] * 4})


def test_points_and_days_are_means_of_rates_and_the_ratio_is_of_pooled_sessions():
    m = absence_rate_model(ABSENT, POSSIBLE, X)
    assert m.points.coef.tolist() == pytest.approx([5, 10])
    assert m.days.coef.tolist() == pytest.approx([9.5, 19])
    assert m.days.se.tolist() == pytest.approx((m.points.se * 1.9).tolist())
    assert m.days.p["group"] == m.points.p["group"]
    assert m.rate_ratio["ratio"].tolist() == pytest.approx([35 / 600, 95 / 35])
    assert (m.rate_ratio["low"] < m.rate_ratio["ratio"]).all()
    assert (m.rate_ratio["ratio"] < m.rate_ratio["high"]).all()
    # Welch's standard error of a difference in means is HC2's: variances 50/3 each over 4 pupils.
    assert m.points.se["group"] == pytest.approx(np.sqrt(50 / 3 / 4 * 2))
    assert m.points.df["group"] == pytest.approx(6)


def test_weights_and_clusters_reach_both_models():
    rng = np.random.default_rng(3)
    X40 = pd.DataFrame({"const": 1.0, "group": np.repeat([0.0, 1.0], 20)})
    possible = rng.integers(100, 380, 40)
    absent = rng.binomial(possible, 0.08)
    school, w = np.arange(40) % 10, np.where(np.arange(40) < 3, 0.0, rng.uniform(0.5, 2, 40))
    m = absence_rate_model(absent, possible, X40, cluster=school, weights=w)
    assert (m.n, m.n_groups, m.log_rate_ratio.n, m.log_rate_ratio.n_groups) == (37, 10, 37, 10)
    assert m.warnings == ("3 rows with weight 0 are left out.",)
    pooled = [np.sum((w * absent)[s]) / np.sum((w * possible)[s]) for s in (slice(0, 20), slice(20, 40))]
    assert m.rate_ratio["ratio"].tolist() == pytest.approx([pooled[0], pooled[1] / pooled[0]])
    assert absence_rate_model(absent, possible, X40, school, w * 9).points.se.tolist() == pytest.approx(
        m.points.se.tolist()
    )


@pytest.mark.parametrize("absent", [np.where(X["group"] == 1, 0, ABSENT), np.zeros(8)])
def test_a_group_without_absence_has_no_ratio_but_has_its_days(absent):
    m = absence_rate_model(absent, POSSIBLE, X)
    assert m.log_rate_ratio is None
    assert m.rate_ratio.isna().all(axis=None)
    assert any("did not converge" in note for note in m.warnings)
    assert m.points.coef.notna().all()


@pytest.mark.parametrize(
    ("absent", "possible", "words"),
    [
        (ABSENT, np.where(POSSIBLE == 100, 0, POSSIBLE), "4 rows have possible of 0 or less"),
        (ABSENT * 6, POSSIBLE, "1 rows have absent above possible"),
        (ABSENT - 1, POSSIBLE, "1 rows have absent below 0"),
        (ABSENT[:4], POSSIBLE, "absent has 4 rows and possible 8"),
    ],
)
def test_impossible_sessions_are_refused_with_counts(absent, possible, words):
    with pytest.raises(ValueError, match=words):
        absence_rate_model(absent, possible, X)
