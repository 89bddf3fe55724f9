"""Gaps filled where groups were drawn: planted answers come back, whole lost groups count, refusals have reasons."""

import numpy as np
import pandas as pd
import pytest

from attendlib.stats.fit import Estimate
from attendlib.stats.imputation import Combined, combine_imputations
from attendlib.stats.imputation_groups import impute_in_groups
from attendlib.stats.itt import itt

EFFECT = 0.3


def grouped_trial(seed: int, groups: int = 20, each: int = 25) -> tuple[pd.DataFrame, np.ndarray, pd.Series, pd.Series]:
    """Columns, group, outcome and baseline; ICC about 0.2 of what the baseline leaves."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    treated = rng.permutation(np.arange(groups) % 2)[group].astype(float)
    x = rng.normal(size=len(group))
    y = EFFECT * treated + 0.6 * x + rng.normal(0, 0.4, groups)[group] + rng.normal(0, 0.8, len(group))
    return pd.DataFrame({"treated": treated, "constant": 1.0}), group, pd.Series(y), pd.Series(x)


def lost_by_baseline(columns: pd.DataFrame, x: pd.Series, seed: int) -> np.ndarray:
    """Who is lost: more of the arm's able pupils and of the control's less able."""
    away = np.where(columns["treated"] == 1, 1, -1)
    chance = 1 / (1 + np.exp(1.3 - 1.2 * x * away))
    return np.asarray(np.random.default_rng([seed, 1]).random(len(x)) < chance)


def pooled(columns: pd.DataFrame, group: np.ndarray, y: pd.Series, x: pd.Series | None, seed: int) -> Combined:
    def fit(outcome: pd.Series, baseline: pd.Series | None) -> Estimate:
        held = columns if baseline is None else columns.assign(x=baseline)
        return itt(outcome, held, group, "treated").difference

    return combine_imputations([fit(*pair) for pair in impute_in_groups(y, x, columns, group, seed)])


def test_the_same_seed_fills_alike_and_known_values_stay() -> None:
    columns, group, y, x = grouped_trial(1)
    gappy = y.mask(lost_by_baseline(columns, x, 1))
    some = impute_in_groups(gappy, x, columns, group, 5, m=3)
    more = impute_in_groups(gappy, x, columns, group, 5, m=5)
    for one, two in zip(some, more, strict=False):
        pd.testing.assert_series_equal(one[0], two[0])
    known = gappy.notna()
    assert (some[0][0][known] == y[known]).all()
    assert some[0][0].notna().all()
    assert not np.allclose(some[0][0][~known], some[1][0][~known])


def test_filled_values_have_the_spread_and_groups_of_the_known() -> None:
    columns, group, y, x = grouped_trial(2, groups=60, each=40)
    rng = np.random.default_rng(3)
    gappy = y.mask(rng.random(len(y)) < 0.5)
    copies = impute_in_groups(gappy, x, columns, group, 7, m=10)
    left = [copy - 0.6 * x - EFFECT * columns["treated"] for copy, _ in copies]
    gaps = gappy.isna()
    within = np.mean([one[gaps].groupby(group[gaps]).var().mean() for one in left])
    assert within == pytest.approx(0.64, rel=0.08)
    means = np.mean([one[gaps].groupby(group[gaps]).mean() for one in left], axis=0)
    truth = (y - 0.6 * x - EFFECT * columns["treated"]).groupby(group).mean()
    assert np.corrcoef(means, truth)[0, 1] > 0.8  # 20 known pupils a group allow about 0.9; groups ignored, none


def test_a_group_lost_whole_counts_again_with_its_own_uncertainty() -> None:
    """A lost school is drawn from how far schools differ: its filled means vary between copies about as schools do."""
    columns, group, y, x = grouped_trial(4, groups=40, each=30)
    gappy = y.mask(np.isin(group, [0, 1]))
    copies = impute_in_groups(gappy, x, columns, group, 8, m=200)
    means = np.array([[(copy - 0.6 * x)[group == g].mean() for g in (0, 1)] for copy, _ in copies])
    assert 0.3 < means.std(axis=0).mean() < 0.55  # planted 0.4, and 30 pupils' own part
    found = pooled(columns, group, gappy, x, 8).estimate
    assert found.n_groups == 40
    assert found.low < EFFECT < found.high


def coverage(trials: int) -> tuple[int, float]:
    hits, errors = 0, []
    for seed in range(trials):
        columns, group, y, x = grouped_trial(seed)
        found = pooled(columns, group, y.mask(lost_by_baseline(columns, x, seed)), x, seed).estimate
        hits += found.low <= EFFECT <= found.high
        errors.append(found.value - EFFECT)
    return hits, float(np.mean(errors))


def test_a_planted_difference_is_covered_where_loss_goes_with_the_baseline() -> None:
    hits, error = coverage(12)
    assert hits >= 10  # 9 or fewer of 12 has a chance of 2% at 95% coverage
    assert abs(error) < 0.18  # three standard errors of 12 estimates


@pytest.mark.prove
def test_coverage_is_nominal() -> None:
    hits, error = coverage(400)
    assert 0.925 <= hits / 400 <= 0.975
    assert abs(error) < 0.032


def test_a_missing_baseline_is_filled_from_the_outcome_too() -> None:
    columns, group, y, x = grouped_trial(6, groups=30, each=40)
    lost = np.random.default_rng(9).random(len(x)) < 0.3
    copies = impute_in_groups(y, x.mask(lost), columns, group, 3, m=10)
    slopes = [np.polyfit(copy[lost], y[lost] - EFFECT * columns["treated"][lost], 1)[0] for _, copy in copies]
    assert np.mean(slopes) == pytest.approx(0.6, abs=0.08)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda y, group: y, "neither outcome nor baseline has a gap"),
        (lambda y, group: y.where(group < 3), "outcome is known in 3 groups: at least 4"),
        (lambda y, group: y.where(np.arange(len(y)) % 125 == 0), "outcome is known in 4 of 500 rows: at least 5"),
        (lambda y, group: y.where(group % 2 == 0), "cannot tell the columns apart"),
    ],
)
def test_what_cannot_be_filled_is_refused(spoil, says) -> None:
    _, group, y, x = grouped_trial(7)
    columns = pd.DataFrame({"treated": (group % 2).astype(float), "constant": 1.0})
    with pytest.raises(ValueError, match=says):
        impute_in_groups(spoil(y, group), x, columns, group, 1)
