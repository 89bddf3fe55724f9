"""Balancing weights: exact means, the even answer where there is one, and a named refusal where there is none."""

import numpy as np
import pandas as pd
import pytest

from attendlib.errors import AttendError
from attendlib.stats import weighting
from attendlib.stats.weighting import NoOverlapError, NotConvergedError, balance, balance_weights


def sides(seed: int, n: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"absence": rng.gamma(2, 4, n), "fsm": (rng.random(n) < 0.3) * 1.0}, index=range(1000, 1000 + n))
    treated = (rng.random(n) < 1 / (1 + np.exp(2 - X["absence"] / 8 - X["fsm"]))).astype(float)
    return X, treated.to_numpy()


def test_entropy_weights_make_means_equal_and_add_up_to_the_treated():
    X, treated = sides(1)
    found = balance_weights(X, treated)
    who = treated == 1
    assert (found.weights[who] == 1).all()
    assert found.weights[~who].sum() == pytest.approx(who.sum())
    assert found.balance["mean_after"].tolist() == pytest.approx(X[who].mean().tolist(), rel=1e-8)
    assert list(found.weights.index) == list(X.index)
    w = found.weights[~who]
    assert found.effective_n == pytest.approx(w.sum() ** 2 / (w**2).sum())
    assert found.largest_share == pytest.approx(w.max() / w.sum())


def test_entropy_weights_are_an_exponential_tilt():
    X, treated = sides(2)
    w = balance_weights(X, treated).weights[treated == 0]
    columns = X[treated == 0].assign(const=1.0)
    left = np.linalg.lstsq(columns, np.log(w))[1]
    assert left[0] == pytest.approx(0, abs=1e-12)


def test_one_yes_or_no_column_is_plain_reweighting_by_both_methods():
    X = pd.DataFrame({"fsm": [1.0, 1, 1, 0] + [1.0] * 2 + [0.0] * 6})
    treated = [1] * 4 + [0] * 8
    for method in ("entropy", "propensity"):
        w = balance_weights(X, treated, method).weights.to_numpy()[4:]
        assert w[:2] == pytest.approx(np.full(2, 1.5))
        assert w[2:] == pytest.approx(np.full(6, 1 / 6))


def test_a_column_all_treated_share_leaves_out_the_rows_that_differ():
    X, treated = sides(3)
    X.loc[treated == 1, "fsm"] = 1.0
    found = balance_weights(X, treated)
    others = found.weights[treated == 0]
    assert (others[X["fsm"][treated == 0] == 0] == 0).all()
    assert found.balance["difference_after"].abs().max() < 1e-8


def test_units_order_and_index_do_not_matter():
    X, treated = sides(4)
    found = balance_weights(X, treated)
    order = np.random.default_rng(4).permutation(len(X))
    turned = balance_weights(X.iloc[order].assign(absence=lambda d: d["absence"] * 1e5 + 7), treated[order])
    assert turned.weights[X.index].tolist() == pytest.approx(found.weights.tolist(), rel=1e-6)


def test_no_overlap_is_named():
    X, treated = sides(5)
    apart = X.assign(absence=X["absence"] + 100 * treated)
    with pytest.raises(NoOverlapError, match="reach the treated's mean of absence"):
        balance_weights(apart, treated)
    with pytest.raises(NoOverlapError, match="told apart"):
        balance_weights(apart, treated, "propensity")
    jointly = pd.DataFrame({"a": [1.0, 0.9, 1.0, 0.0, 0.0], "b": [0.9, 1.0, 0.0, 1.0, 0.0]})
    with pytest.raises(NoOverlapError, match="at once"):
        balance_weights(jointly, [1, 1, 0, 0, 0])
    assert issubclass(NoOverlapError, AttendError)
    assert issubclass(NoOverlapError, ValueError)


def test_a_search_that_does_not_settle_is_named(monkeypatch):
    X, treated = sides(6)
    monkeypatch.setattr(weighting, "MOST_STEPS", 1)
    for method in ("entropy", "propensity"):
        with pytest.raises(NotConvergedError, match="did not settle"):
            balance_weights(X, treated, method)


def test_weights_that_rest_on_few_rows_say_so():
    rng = np.random.default_rng(7)
    X = pd.DataFrame({"absence": np.concatenate([rng.normal(2.2, 0.1, 20), rng.normal(0, 1, 400)])})
    found = balance_weights(X, [1] * 20 + [0] * 400)
    assert any("rests on a few" in note for note in found.warnings)
    assert found.effective_n < 40


def test_a_propensity_that_leaves_a_difference_says_so():
    rng = np.random.default_rng(8)
    absence = np.concatenate([rng.gamma(9, 2, 30), rng.gamma(1, 2, 60)])
    found = balance_weights(pd.DataFrame({"absence": absence}), [1] * 30 + [0] * 60, "propensity")
    far = found.balance["difference_after"].abs().max() > 0.25
    assert far == any("after weighting" in note for note in found.warnings)
    assert far


def test_refusals_say_why():
    X, treated = sides(9)
    for change, flags, why in [
        ({}, np.zeros(300), "0 of 300 rows are treated"),
        ({}, np.ones(300), "300 of 300 rows are treated"),
        ({}, np.full(300, 2.0), "300 values other than 0 and 1"),
        ({"absence": np.nan}, treated, "'absence' of X has 300 missing"),
        ({"same": 3.0}, treated, "the same in every row: same"),
        ({"twice": X["absence"] * 2}, treated, "repeat a sum of earlier ones: twice"),
        ({}, treated[:10], "treated has 10 entries"),
    ]:
        with pytest.raises(ValueError, match=why):
            balance_weights(X.assign(**change), flags)
    with pytest.raises(ValueError, match="method is 'nearest'"):
        balance_weights(X, treated, "nearest")


def test_balance_of_columns_that_do_not_vary_on_one_side():
    X = pd.DataFrame({"a": [1.0, 1, 0, 1], "b": [1.0, 1, 0, 0], "c": [2.0, 2, 2, 2]})
    table = balance(X, [1, 1, 0, 0], np.ones(4))
    assert table.loc["a", "difference_before"] == pytest.approx(0.5 / 0.5**0.5)
    assert np.isnan(table.loc["b", "difference_before"])
    assert table.loc["c", "difference_before"] == 0
