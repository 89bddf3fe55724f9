"""Designs and what they could find: formulas against hand sums, simulation and one another; refusals."""

from math import inf

import numpy as np
import pytest
from scipy import stats

from attendlib.stats.power import (
    Design,
    blocked_clusters,
    cluster_randomised,
    mdes,
    mdes_bloom,
    minimum_detectable,
    multi_site,
    power,
    pupil_randomised,
    size_needed,
    three_level,
)

SIZES = [12, 30, 30, 45, 8, 60, 25, 18]


def test_power_at_the_mdes_is_the_power_asked_for_in_large_designs():
    design = pupil_randomised(4000)
    assert power(design, mdes(design, power=0.9)) == pytest.approx(0.9, abs=1e-3)
    assert power(design, mdes(design, sides=1), sides=1) == pytest.approx(0.8, abs=1e-3)


def test_power_without_effect_is_the_level_and_does_not_mind_the_sign():
    design = cluster_randomised(12, 20, 0.2)
    assert power(design, 0) == pytest.approx(0.05, abs=1e-9)
    assert power(design, 0, alpha=0.1, sides=1) == pytest.approx(0.1, abs=1e-9)
    assert power(design, 0.3) == pytest.approx(power(design, -0.3))
    assert [power(design, far) for far in (3, 20, -20)] == pytest.approx([1, 1, 1], abs=1e-6)
    assert power(design, -20, sides=1) == pytest.approx(0)
    assert power(Design(1, inf), 2.8016) == pytest.approx(0.8, abs=1e-4)


def test_power_is_the_share_of_simulated_t_tests_that_find_the_effect():
    rng, n, effect = np.random.default_rng(20), 20, 0.9
    treated, control = rng.normal(effect, 1, (20_000, n)), rng.normal(0, 1, (20_000, n))
    found = stats.ttest_ind(treated, control, axis=1).pvalue < 0.05
    expected = power(pupil_randomised(2 * n), effect)
    assert abs(found.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / 20_000)


def test_unequal_clusters_that_count_by_pupils_have_the_variance_of_weighted_means():
    sizes, icc = np.array(SIZES), 0.15
    # A mean over pupils of clusters with variance icc + (1 - icc) / n, both arms made of these sizes.
    weighted = (sizes**2 * (icc + (1 - icc) / sizes)).sum() / sizes.sum() ** 2
    design = cluster_randomised(2 * len(sizes), sizes.mean(), icc, cv=sizes.std() / sizes.mean())
    assert design.se == pytest.approx(np.sqrt(2 * weighted))


def test_a_clusters_own_size_serves_the_random_intercept():
    assert cluster_randomised(8, [20] * 8, 0.1).se == pytest.approx(cluster_randomised(8, 20, 0.1).se)
    both, icc = SIZES * 2, 0.15
    # Generalised least squares on both arms, with the variances known.
    blocks = [icc * np.ones((n, n)) + (1 - icc) * np.eye(n) for n in both]
    arms = np.repeat([0.0, 1.0], len(SIZES))
    information = sum(
        np.outer([1, t], [1, t]) * np.linalg.solve(block, np.ones(len(block))).sum()
        for block, t in zip(blocks, arms, strict=True)
    )
    known = np.sqrt(np.linalg.inv(information)[1, 1])
    mean, cv = np.mean(both), np.std(both) / np.mean(both)
    assert cluster_randomised(16, both, icc).se == pytest.approx(known)
    assert cluster_randomised(16, mean, icc).se < known < cluster_randomised(16, mean, icc, cv=cv).se


def test_designs_shrink_to_one_another():
    assert three_level(40, 1, 25, 0.1, 0.05).se == pytest.approx(cluster_randomised(40, 25, 0.15).se)
    assert cluster_randomised(400, 1, 0.2).se == pytest.approx(pupil_randomised(400).se)
    blocked = blocked_clusters(10, 4, 25, 0.15)
    assert blocked.se == pytest.approx(cluster_randomised(40, 25, 0.15).se)
    assert blocked.df == 10 * 2
    assert multi_site(20, 30, "constant").se == pytest.approx(pupil_randomised(600).se)
    # A third treated: 1 / (1/3 x 2/3) instead of 1 / (1/2 x 1/2).
    assert pupil_randomised(900, share=1 / 3).se == pytest.approx(np.sqrt(4.5 / 900))
    assert mdes_bloom(Design(0.1, 50), sides=1) == pytest.approx(0.25)


def test_size_needed_is_the_least_that_will_do():
    def of(clusters):
        return cluster_randomised(clusters, 25, 0.1)

    needed = size_needed(of, 0.3)
    assert mdes(of(needed)) <= 0.3 < mdes(of(needed - 1))
    assert size_needed(of, 0.3, sides=1) < needed < size_needed(of, 0.3, power=0.9)
    with pytest.raises(ValueError, match="out of reach"):
        size_needed(lambda pupils: cluster_randomised(12, pupils, 0.2), 0.1)  # pupils cannot stand in for clusters


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: mdes(cluster_randomised(2, 20, 0.1)), "df"),
        (lambda: pupil_randomised(100, share=1), "share is 1"),
        (lambda: cluster_randomised(10, 20, icc=1.2), "icc is 1.2"),
        (lambda: cluster_randomised(10, [20, 30], 0.1), "2 sizes for 10 clusters"),
        (lambda: cluster_randomised(2, [20, 30], 0.1, cv=0.2), "no cv"),
        (lambda: multi_site(10, 20, "some"), "effects is 'some'"),
        (lambda: multi_site(10, 20, r2_pupil=-0.1), "r2_pupil is -0.1"),
        (lambda: three_level(10, 2, 20, 0.6, 0.5), "icc is 1.1"),
        (lambda: power(Design(0.1, 20), 0.2, alpha=0), "alpha is 0"),
        (lambda: minimum_detectable(0.1, inf, power=1.0), "power is 1"),
        (lambda: mdes(Design(0.1, 20), sides=3), "sides 3"),
        (lambda: size_needed(pupil_randomised, 0), "above 0"),
    ],
)
def test_designs_that_cannot_be_are_refused(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()
