"""Permutation tests with a published answer: Fisher's tea and Darwin's maize, and the EEF's example trial in R."""

import json

import numpy as np
import pandas as pd
import pytest
from shared import shared

from attendlib.stats.resample import bootstrap_clusters, permute


# Fisher (1935), The Design of Experiments, chapter II: eight cups, four with the milk first, all or three told right.
@pytest.mark.parametrize(("right", "p"), [(4, 2 / 70), (3, 34 / 70)])
def test_the_lady_tasting_tea(right, p):
    milk_first = np.repeat([1.0, 0.0], 4)
    said = np.array([1.0] * right + [0.0] * (4 - right) + [0.0] * right + [1.0] * (4 - right))
    X = pd.DataFrame({"const": 1.0, "milk": milk_first})
    found = permute(said, X, "milk", seed=1)
    assert (found.draws, found.enumerated) == (70, True)
    assert found.p == pytest.approx(p)
    assert found.smallest_p == pytest.approx(2 / 70)


def test_darwins_maize():
    """Fisher (1935), chapter III: 863 of 2^15 = 32,768 sign changes reach 314 eighths of an inch one way."""
    eighths = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48.0])
    height = np.concatenate([eighths, np.zeros(15)])
    pair = np.tile(np.arange(15), 2)
    X = pd.DataFrame({"const": 1.0, "crossed": np.repeat([1.0, 0.0], 15)})
    found = permute(height, X, "crossed", seed=1, strata=pair, draws=32_768)
    assert (found.draws, found.enumerated) == (32_768, True)
    assert found.observed == pytest.approx(314 / 15)
    assert found.p == pytest.approx(2 * 863 / 32_768)
    drawn = permute(height, X, "crossed", seed=1, strata=pair, draws=1999)
    assert abs(drawn.p - found.p) < 4 * drawn.monte_carlo_se


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    return pd.read_csv(shared("referees/eef_crtData.csv")).assign(const=1.0)


X = ["const", "Intervention", "Prettest"]


def test_the_example_trial_has_the_p_that_r_found(trial):
    """1,000 draws in R: .025 add-one for the conditional effect size, .020 for the coefficient by another program."""
    schools = {"unit": trial["School"], "group": trial["School"], "model": "random_intercept"}
    for statistic, theirs in (("conditional", 0.025), ("coefficient", 0.020)):
        found = permute(trial["Posttest"], trial[X], "Intervention", 7, statistic=statistic, draws=19_999, **schools)
        both = np.sqrt(found.monte_carlo_se**2 + theirs * (1 - theirs) / 1000)
        assert abs(found.p - theirs) < 3 * both
    assert not found.enumerated  # 646,646 allocations


@pytest.mark.parametrize(("key", "by_arm"), [("cluster_boot_relabelled_stratified", True)])
def test_the_example_trial_has_the_bootstrap_that_r_found(trial, key, by_arm):
    """Standard deviations and percentiles of 1,000 lme4 refits, within the chance error of both sets of draws."""
    theirs = json.loads(shared("referees/trial_reference.json").read_text())["cluster_bootstrap_crtData"][key]
    names = {"coefficient": "beta", "conditional": "g_total_conditional", "effect_size": "g_total_unconditional"}
    for statistic, name in names.items():
        found = bootstrap_clusters(
            trial["Posttest"], trial[X], "Intervention", trial["School"], 5, statistic=statistic, draws=10_000
        )
        row = theirs[name]
        assert found.se == pytest.approx(row["sd"], rel=3 / np.sqrt(2 * 1000))
        for share, limit in ((0.025, "q025"), (0.975, "q975")):
            ours = np.quantile(found.values, share)
            # A quantile's own chance error from 1,000 draws, by the spacing of ours around it.
            near = np.quantile(found.values, [share - 0.005, share + 0.005])
            error = np.sqrt(share * (1 - share) / 1000) * (near[1] - near[0]) / 0.01
            assert abs(ours - row[limit]) < 3 * error
