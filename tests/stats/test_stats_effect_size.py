"""Effect sizes: hand sums, planted truths and the coverage of their intervals; refusals."""

import numpy as np
import pytest
from scipy import stats

from attendlib.stats.effect_size import (
    Arm,
    arm,
    corrected_for_clusters,
    correction,
    cox_index,
    hedges_2007,
    hedges_g,
    improvement_index,
    pooled_sd,
)


def test_one_standard_deviation_by_hand():
    # 1, 2, 3 against 2, 3, 4: difference -1, both variances 1, so d is -1; J at 4 df is gamma(2) / (sqrt 2 gamma(1.5)).
    found = hedges_g([1, 2, 3], [2, 3, 4])
    assert found.j == pytest.approx(1 / (np.sqrt(2) * 0.886226925), rel=1e-8)
    assert found.value == pytest.approx(-found.j)
    assert (found.sd, found.n_treated, found.n_control) == (1.0, 3, 3)
    assert hedges_g([1, 2, 3], [2, 3, 4], j="approximate").value == pytest.approx(-(1 - 3 / 15))
    mirrored = hedges_g([2, 3, 4], [1, 2, 3])
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_the_pooled_standard_deviation_weighs_degrees_of_freedom():
    assert pooled_sd(Arm(0, 1.0, 3), Arm(0, 2.0, 7)) == pytest.approx(np.sqrt((2 * 1 + 6 * 4) / 8))
    assert arm([1, 2, 3, 6]) == Arm(3.0, pytest.approx(np.sqrt(14 / 3)), 4)


def test_the_interval_is_where_the_noncentral_t_says():
    found = hedges_g(Arm(10.5, 2.3, 42), Arm(9.8, 2.6, 39), confidence_pct=90)
    factor = np.sqrt(1 / 42 + 1 / 39)
    t = found.value / found.j / factor
    assert stats.nct.sf(t, 79, found.low / factor) == pytest.approx(0.05, abs=1e-6)
    assert stats.nct.cdf(t, 79, found.high / factor) == pytest.approx(0.05, abs=1e-6)


def test_small_samples_are_unbiased_and_covered():
    rng = np.random.default_rng(3)
    found = [hedges_g(rng.normal(0.8, 1, 6), rng.normal(0, 1, 5)) for _ in range(2000)]
    values = np.array([one.value for one in found])
    assert abs(values.mean() - 0.8) < 4 * values.std() / np.sqrt(2000)
    uncorrected = np.array([one.value / one.j for one in found])
    assert uncorrected.mean() - 0.8 > 4 * uncorrected.std() / np.sqrt(2000)
    covered = sum(one.low <= 0.8 <= one.high for one in found)
    assert abs(covered - 1900) < 4 * np.sqrt(2000 * 0.05 * 0.95)


def test_j_approaches_1_and_the_two_forms_agree():
    for df in (10, 79, 263, 100_000):
        assert correction(df) == pytest.approx(correction(df, "approximate"), abs=0.5 / df**2)
        assert correction(df) < 1


def test_shares_and_percentile_points():
    assert cox_index(0.5, 0.5, 20, 30) == 0
    assert cox_index(0.2, 0.3, 100, 100) == pytest.approx(-cox_index(0.3, 0.2, 100, 100))
    assert improvement_index(0) == 0
    assert improvement_index(1.959964) == pytest.approx(47.5, abs=1e-5)


def test_clusters_without_correlation_are_pupils():
    within, total = hedges_2007(2.0, 0.0, 16.0, [10, 20, 30], [15, 25])
    n1, n0 = 60, 40
    assert (within.name, total.name) == ("hedges_within", "hedges_total")
    assert within.value == total.value == pytest.approx(0.5)
    assert within.se == pytest.approx(np.sqrt(1 / n1 + 1 / n0 + 0.25 / (2 * (100 - 5))))
    assert total.se == pytest.approx(np.sqrt(1 / n1 + 1 / n0 + 0.25 / (2 * 98)))


def test_equal_clusters_are_hedges_own_simpler_formula():
    # Hedges (2007), equations 15 and 16: n pupils in each of M clusters, N in all.
    m, n, icc, b = 12, 20, 0.2, 0.3
    big = m * n
    _, total = hedges_2007(b, icc, 1 - icc, [n] * 6, [n] * 6)
    d = b * np.sqrt(1 - 2 * (n - 1) * icc / (big - 2))
    top = (big - 2) * (1 - icc) ** 2 + n * (big - 2 * n) * icc**2 + 2 * (big - 2 * n) * icc * (1 - icc)
    variance = 4 / big * (1 + (n - 1) * icc) + d**2 * top / (2 * (big - 2) * ((big - 2) - 2 * (n - 1) * icc))
    assert total.value == pytest.approx(d)
    assert total.se == pytest.approx(np.sqrt(variance))


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: hedges_g([1, 2], [3]), "an arm has 1 values"),
        (lambda: hedges_g([1, np.nan, 2], [3, 4]), "1 missing"),
        (lambda: hedges_g([5, 5], [5, 5, 5]), "same for every pupil"),
        (lambda: correction(1), "more than 1 degree"),
        (lambda: correction(10, "nearly"), "'exact' or 'approximate'"),
        (lambda: cox_index(0, 0.2, 10, 10), "between 0 and 1"),
        (lambda: hedges_2007(1, 1, 1, [10], [10, 12]), "need 2 in each"),
    ],
)
def test_effect_sizes_that_cannot_be_are_refused(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()


def test_a_published_t_corrected_for_clusters_has_its_two_limits():
    """With nothing alike in a cluster it is t itself; with all alike, the t of the clusters' means."""
    assert corrected_for_clusters(2.5, 400, 20, 0) == pytest.approx((2.5, 398))
    means = np.array([3.0, 5.0, 4.0, 1.0, 2.0, 2.5])
    pupils = np.repeat(means, 8)
    wrong = stats.ttest_ind(pupils[:24], pupils[24:]).statistic
    right = stats.ttest_ind(means[:3], means[3:])
    assert corrected_for_clusters(wrong, 48, 8, 1) == pytest.approx((right.statistic, right.df))
    with pytest.raises(ValueError, match="give 3 clusters and icc 0 to 1"):
        corrected_for_clusters(2.5, 40, 20, 0.2)
    with pytest.raises(ValueError, match=r"icc 1\.2"):
        corrected_for_clusters(2.5, 400, 20, 1.2)


@pytest.mark.parametrize(("clusters", "each", "icc"), [(8, 25, 0.2), (20, 10, 0.1)])
def test_a_t_corrected_for_clusters_rejects_one_null_in_twenty(clusters, each, icc):
    """20,000 trials with no effect: uncorrected, 15% or more are "significant"."""
    rng = np.random.default_rng(12)
    y = rng.normal(0, icc**0.5, (20_000, clusters, 1)) + rng.normal(0, (1 - icc) ** 0.5, (20_000, clusters, each))
    half = clusters // 2
    sides = y[:, :half].reshape(len(y), -1), y[:, half:].reshape(len(y), -1)
    wrong = stats.ttest_ind(*sides, axis=1)
    t, df = corrected_for_clusters(wrong.statistic, clusters * each, each, icc)
    found = (2 * stats.t.sf(np.abs(t), df) < 0.05).mean()
    assert (wrong.pvalue < 0.05).mean() > 0.15
    assert abs(found - 0.05) < 4 * (0.05 * 0.95 / len(y)) ** 0.5
