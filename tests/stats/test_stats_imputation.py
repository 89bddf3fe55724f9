"""Filled-in tables keep what is known and give back what was planted; combined answers own up to the gaps."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from attendlib.stats.fit import contrast
from attendlib.stats.imputation import combine_imputations, impute_chained
from attendlib.stats.ols import ols
from attendlib.stats.shares import mean_interval


def table(seed: int, n: int = 200) -> pd.DataFrame:
    """Results missing more often for pupils often absent; prior results missing now and then. Mean score 0."""
    rng = np.random.default_rng(seed)
    prior = rng.normal(size=n)
    absence = 0.6 * prior + rng.normal(size=n)
    score = 0.5 * prior + absence + rng.normal(size=n)
    fsm = (rng.random(n) < 0.3) * 1.0
    score[rng.random(n) < 1 / (1 + np.exp(1 - absence))] = np.nan
    prior[rng.random(n) < 0.1] = np.nan
    fsm[rng.random(n) < 0.1] = np.nan
    return pd.DataFrame({"score": score, "prior": prior, "absence": absence, "fsm": fsm}, index=range(100, 100 + n))


def test_what_is_known_stays_and_few_values_stay_the_same_few():
    gappy = table(1)
    for filled in impute_chained(gappy, seed=5, m=3):
        assert filled.index.equals(gappy.index)
        assert list(filled.columns) == list(gappy.columns)
        assert not filled.isna().any().any()
        for name in gappy.columns:
            known = gappy[name].notna()
            assert (filled.loc[known, name] == gappy.loc[known, name]).all()
        assert set(filled["fsm"]) == {0.0, 1.0}


def test_the_same_seed_gives_the_same_tables_however_many():
    gappy = table(2)
    three, one = impute_chained(gappy, seed=5, m=3), impute_chained(gappy, seed=5, m=1)
    pd.testing.assert_frame_equal(three[0], one[0])
    assert not three[0].equals(three[1])
    assert not three[0].equals(impute_chained(gappy, seed=6, m=1)[0])


def test_a_column_that_others_fix_is_filled_with_what_it_must_be():
    x = np.arange(200.0)
    gappy = pd.DataFrame({"x": x, "y": 3 * x - 7, "half": (x >= 100) * 1.0})
    gappy.loc[3::10, "y"] = np.nan
    gappy.loc[5::10, "half"] = np.nan
    filled = impute_chained(gappy, seed=1, m=1)[0]
    assert (filled["y"] - (3 * x - 7)).abs().max() < 3  # of 600; the ridge moves it a little
    assert (filled["half"] == (x >= 100))[np.abs(x - 100) > 60].all()


def test_copies_of_one_table_combine_to_the_estimate_itself():
    found = mean_interval([1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 9.0])
    same = combine_imputations([found, found, found])
    assert (same.estimate.value, same.estimate.se, same.increase) == pytest.approx((found.value, found.se, 0.0))
    assert same.estimate.df == pytest.approx(6 * 7 / 9)  # Barnard and Rubin's (v + 1) / (v + 3) v


def test_refusals_say_why():
    gappy = table(3)
    for faulty, why in [
        (gappy.dropna(), "no gap"),
        (gappy.assign(name="a"), "not numbers: name"),
        (gappy.assign(score=np.nan), "score is known in 0 of 200 rows"),
        (gappy.assign(absence=np.inf), "200 values are infinite"),
    ]:
        with pytest.raises(ValueError, match=why):
            impute_chained(faulty, seed=1)
    found = mean_interval([1.0, 2.0, 4.0])
    with pytest.raises(ValueError, match="at least 2"):
        combine_imputations([found])
    with pytest.raises(ValueError, match="differ in rows"):
        combine_imputations([found, replace(found, n=4)])
    with pytest.raises(ValueError, match="1 of 2 estimates have no standard error"):
        combine_imputations([found, replace(found, se=np.nan)])


def coverage(seeds: range, m: int) -> tuple[int, int, int]:
    """How many intervals hold the truth: mean score, absence's coefficient, and the mean of complete rows alone."""
    held = np.zeros(3, dtype=int)
    for seed in seeds:
        gappy = table(seed)
        filled = impute_chained(gappy, seed, m, cycles=5)
        mean = combine_imputations([mean_interval(t["score"]) for t in filled]).estimate
        fits = [ols(t["score"], t[["absence", "prior"]].assign(const=1.0)) for t in filled]
        slope = combine_imputations([contrast(fit, {"absence": 1}) for fit in fits]).estimate
        alone = mean_interval(gappy["score"].dropna())
        held += [e.low <= truth <= e.high for e, truth in ((mean, 0), (slope, 1), (alone, 0))]
    return tuple(held)


def test_intervals_hold_the_truth_quick():
    mean, slope, alone = coverage(range(60), m=5)
    least = binom(60, 0.95).ppf(0.0005)
    assert mean >= least
    assert slope >= least
    assert alone < 30  # complete rows alone mostly miss: pupils often absent are the ones without a result


@pytest.mark.prove
def test_intervals_hold_the_truth():
    mean, slope, _ = coverage(range(400), m=10)
    assert all(0.925 <= held / 400 <= 0.975 for held in (mean, slope)), (mean, slope)
