"""Chances, shares, means, detectable differences and splines, against numbers printed elsewhere or by hand."""

from math import comb, inf, nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from attendlib.stats.chances import chances, smallest_permutation_p
from attendlib.stats.ols import ols
from attendlib.stats.power import minimum_detectable
from attendlib.stats.shares import mean_interval, paired_difference, wilson
from attendlib.stats.spline import basis, natural_spline


@pytest.mark.parametrize("delta", [0.02, 2, 500])
def test_no_data_leave_the_prior(delta):
    found = chances(0, 1e6 * delta, inf, delta)
    assert [found.worse, found.none, found.better] == pytest.approx([0.25, 0.5, 0.25], abs=1e-4)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.floats(-30, 30), st.floats(1e-4, 20), st.floats(0.5, 1e4), st.floats(0.1, 100))
def test_chances_add_to_one_mirror_and_do_not_mind_units(b, s, df, unit):
    found, mirrored, other = chances(b, s, df, 2), chances(-b, s, df, 2), chances(b * unit, s * unit, df, 2 * unit)
    assert found.worse + found.none + found.better == pytest.approx(1)
    assert (found.worse, found.better) == pytest.approx((mirrored.better, mirrored.worse), abs=1e-4)
    assert (found.worse, found.none) == pytest.approx((other.worse, other.none), abs=1e-4)


def test_exact_data_are_believed():
    # The normal posterior is known: mean b tau^2 / (tau^2 + s^2), here with s 1/1000 of tau.
    for b, expected in ((3.0, (0, 0, 1)), (-3.0, (1, 0, 0)), (1.0, (0, 1, 0)), (2.0, (0, 0.5, 0.5))):
        found = chances(b, 0.003, inf, 2)
        assert (found.worse, found.none, found.better) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("args", [(nan, 1, 9, 2), (1, 0, 9, 2), (1, nan, 9, 2), (1, 1, nan, 2), (1, 1, 9, 0)])
def test_unusable_numbers_have_no_chances(args):
    with pytest.raises(ValueError, match="chances need"):
        chances(*args)


@pytest.mark.parametrize(("treated", "compared"), [(1, 1), (1, 19), (3, 3), (5, 40), (30, 300)])
def test_smallest_permutation_p_counts_the_choices(treated, compared):
    assert smallest_permutation_p(treated, compared) == pytest.approx(1 / comb(treated + compared, treated))


# Newcombe (1998), Statistics in Medicine 17, table I, method 3.
@pytest.mark.parametrize(
    ("numerator", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_newcombe_prints_it(numerator, n, low, high):
    found = wilson(numerator, n)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    mirror = wilson(n - numerator, n)
    assert (mirror.low, mirror.high) == pytest.approx((1 - found.high, 1 - found.low))


@pytest.mark.parametrize(("numerator", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_impossible_shares_are_refused(numerator, n):
    with pytest.raises(ValueError, match="a share of"):
        wilson(numerator, n)


def test_a_mean_is_the_textbook_t_interval_and_a_pair_the_paired_t_test():
    rng = np.random.default_rng(1)
    before, after = rng.normal(90, 5, 14), rng.normal(91, 5, 14)
    found = mean_interval(before, confidence_pct=90)
    assert found.df == pytest.approx(13)
    assert (found.low, found.high) == pytest.approx(
        stats.t.interval(0.9, 13, before.mean(), stats.sem(before)), rel=1e-9
    )
    pair = paired_difference(before, after)
    assert pair.p == pytest.approx(stats.ttest_rel(after, before).pvalue)
    assert mean_interval(pd.Series(before, index=range(5, 19)), cluster=np.arange(14) // 2).n_groups == 7


def test_clustered_mean_of_equal_groups_is_the_t_interval_of_their_means():
    values = np.random.default_rng(2).normal(size=(8, 5)) + np.arange(8)[:, None]
    found = mean_interval(values.ravel(), cluster=np.repeat(np.arange(8), 5))
    assert found.se == pytest.approx(stats.sem(values.mean(axis=1)))
    assert found.df == pytest.approx(7)


def test_minimum_detectable_is_2_8_standard_errors_in_large_samples():
    assert minimum_detectable(1, inf) == pytest.approx(2.8016, abs=5e-5)
    assert minimum_detectable(0.2, 20) == pytest.approx(0.2 * (2.085963 + 0.859964), abs=2e-7)  # t tables
    with pytest.raises(ValueError, match="above 0"):
        minimum_detectable(nan, 20)


HEAPED = np.array([0.0] * 70 + [1.0, 2.0, 3.0, 4.0, 5.0, 9.0] * 5)


@pytest.mark.parametrize("df", [2, 3, 4, 5, 6])
def test_a_spline_is_smooth_inside_and_straight_outside(df):
    x = np.random.default_rng(3).gamma(2, 4, 400)
    spline = natural_spline(x, df=df)
    low, high = spline.knots[0], spline.knots[-1]
    assert basis(spline, x).shape == (400, df)
    h = 1e-3
    for start, stop in ((low - 9, low), (high, high + 9)):
        line = basis(spline, np.linspace(start, stop, 7)).to_numpy()
        assert np.abs(np.diff(line, n=2, axis=0)).max() < 1e-9
    for knot in spline.knots:  # a jump in value, slope or bend would leave third differences of h^2 or more
        around = basis(spline, knot + h * np.arange(-3, 4)).to_numpy()
        assert np.abs(np.diff(around, n=3, axis=0)).max() < 50 * h**3 / (high - low) ** 2


def test_a_spline_recovers_a_natural_cubic_and_predicts_with_the_same_knots():
    x = np.linspace(0, 20, 200)
    spline = natural_spline(x, df=3, name="absence")
    truth = basis(spline, x) @ [2.0, -3.0, 1.5] + 7
    fit = ols(truth, basis(spline, x).assign(const=1.0))
    at = pd.Series([-5.0, 3.3, 40.0], index=["a", "b", "c"])
    found = basis(spline, at).assign(const=1.0) @ fit.coef
    assert found.tolist() == pytest.approx((basis(spline, at) @ [2.0, -3.0, 1.5] + 7).tolist())
    assert list(basis(spline, at).columns) == ["absence", "absence_2", "absence_3"]


def test_heaped_values_still_give_independent_columns():
    spline = natural_spline(HEAPED, df=3)
    assert "share a value" in spline.note
    assert np.linalg.matrix_rank(basis(spline, HEAPED).assign(const=1.0)) == 4


def test_too_few_distinct_values_make_a_straight_line_and_say_so():
    spline = natural_spline([0, 1, 2, 1, 0], df=3, name="terms")
    assert (spline.knots, spline.note) == ((), "terms has 3 distinct values, so it enters as a straight line.")
    assert basis(spline, [0, 1, 2]).to_numpy().tolist() == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [({"knots": [1, 2]}, "at least 3"), ({"knots": [1, 3, 2]}, "rising"), ({"df": 9}, "give 2 to 6")],
)
def test_unusable_knots_are_refused(kwargs, words):
    with pytest.raises(ValueError, match=words):
        natural_spline(HEAPED, **kwargs)
