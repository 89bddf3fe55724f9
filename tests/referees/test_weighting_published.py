"""Weights for the treated on the training programme of LaLonde (1986), Dehejia and Wahba's sample, as in MatchIt."""

import json

import numpy as np
import pandas as pd
import pytest
from shared import shared

from attendlib.stats.ols import ols
from attendlib.stats.weighting import Weighted, balance_weights


def lalonde() -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    d = pd.read_csv(shared("referees/lalonde.csv"))
    X = d[["age", "educ", "married", "nodegree", "re74", "re75"]].astype(float)
    X = X.assign(black=(d["race"] == "black") * 1.0, hispan=(d["race"] == "hispan") * 1.0)
    references = json.loads(shared("referees/reference.json").read_text())["references"]
    return d, X, next(r for r in references if r["id"] == "lalonde")["estimates"]


def att(d: pd.DataFrame, found: Weighted) -> float:
    means = [np.average(d["re78"][side], weights=found.weights[side]) for side in (d["treat"] == 1, d["treat"] == 0)]
    return means[0] - means[1]


def test_naive_and_least_squares_differences():
    d, X, expected = lalonde()
    pair = d[["treat"]].astype(float).assign(const=1.0)
    assert ols(d["re78"], pair).coef["treat"] == pytest.approx(expected["naive"], abs=1e-8)
    full = pd.concat([pair, X], axis=1)
    assert ols(d["re78"], full).coef["treat"] == pytest.approx(expected["ols"], abs=1e-6)


def test_propensity_weights_give_the_published_att():
    d, X, expected = lalonde()
    found = balance_weights(X, d["treat"], "propensity")
    assert att(d, found) == pytest.approx(expected["ipw_att"], abs=1e-5)  # glm stops at 1e-8
    assert round(att(d, found), 2) == 1214.07
    assert (found.n_treated, found.n_comparison) == (185, 429)


def test_entropy_weights_give_the_reference_att_and_effective_n():
    d, X, expected = lalonde()
    found = balance_weights(X, d["treat"])
    # The optimum is unique: equal means, and log weights linear in the columns. The reference lies 0.007 dollars off.
    other = d["treat"] == 0
    assert found.balance["difference_after"].abs().max() < 1e-9
    columns, logs = X[other].assign(const=1.0), np.log(found.weights[other])
    assert np.linalg.lstsq(columns / columns.abs().max(), logs)[1][0] == pytest.approx(0, abs=1e-12)
    assert att(d, found) == pytest.approx(expected["entropy_balancing_att"], abs=0.01)
    assert found.effective_n == pytest.approx(expected["entropy_balancing_ess"], abs=0.005)
    # Weighted least squares with the same columns then adds nothing: both sides' means are equal already.
    pair = d[["treat"]].astype(float).assign(const=1.0)
    alone = ols(d["re78"], pair, weights=found.weights).coef["treat"]
    assert ols(d["re78"], pd.concat([pair, X], axis=1), weights=found.weights).coef["treat"] == pytest.approx(alone)


# MatchIt's vignette prints these standardised mean differences before matching (treated's sd).
BEFORE = {"age": -0.3094, "educ": 0.0550, "re74": -0.7211, "re75": -0.2903}


def test_differences_before_are_those_matchit_prints():
    d, X, _ = lalonde()
    table = balance_weights(X, d["treat"]).balance
    assert table.loc[list(BEFORE), "difference_before"].round(4).to_dict() == BEFORE
    assert table["difference_after"].abs().max() < 1e-8
