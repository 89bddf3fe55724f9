"""Least squares against a textbook's printed table, a published school-level model, and statsmodels."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from shared import shared

from attendlib.stats.ols import ols
from attendlib.stats.rates import absence_rate_model


def college() -> pd.DataFrame:
    d = pd.read_csv(shared("referees/attend.csv"))
    return d.assign(const=1.0, priGPA2=d["priGPA"] ** 2, ACT2=d["ACT"] ** 2, atndrte_priGPA=d["atndrte"] * d["priGPA"])


# Column, name in R, and Wooldridge's printed coefficient and standard error (Introductory Econometrics, 6.3).
EXAMPLE_6_3 = [
    ("const", "(Intercept)", "2.05", "1.36"),
    ("atndrte", "atndrte", "-0.0067", "0.0102"),
    ("priGPA", "priGPA", "-1.63", "0.48"),
    ("ACT", "ACT", "-0.128", "0.098"),
    ("priGPA2", "I(priGPA^2)", "0.296", "0.101"),
    ("ACT2", "I(ACT^2)", "0.0045", "0.0022"),
    ("atndrte_priGPA", "atndrte:priGPA", "0.0056", "0.0043"),
]


@pytest.mark.parametrize(("column", "r_name", "coef", "se"), EXAMPLE_6_3)
def test_wooldridge_example_6_3(column, r_name, coef, se):
    d = college()
    fit = ols(d["stndfnl"], d[[row[0] for row in EXAMPLE_6_3]], vcov="classical")
    references = json.loads(shared("referees/reference.json").read_text())["references"]
    exact = next(r for r in references if r["id"] == "attend_example_6_3")["estimates"]
    assert fit.n == 680
    assert f"{fit.coef[column]:.{len(coef.split('.')[1])}f}" == coef
    assert f"{fit.se[column]:.{len(se.split('.')[1])}f}" == se
    assert fit.coef[column] == pytest.approx(exact["coef"][r_name], abs=6e-10)  # as printed, 9 decimals
    assert fit.se[column] == pytest.approx(exact["se"][r_name], abs=6e-10)


def schools() -> pd.DataFrame:
    """Mainstream schools of 2018/19 with a score, an absence rate and free school meals above 0, in logs."""
    d = pd.read_csv(shared("dfe/schools_secondary_2018_19.csv"), low_memory=False)
    d = d[d["RECTYPE"] == 1]
    used = d[["ATT8SCR", "PNUMFSMEVER", "PERCTOT"]].apply(pd.to_numeric, errors="coerce").dropna()
    used = used[(used > 0).all(axis=1)]
    return np.log(used).set_axis(["score", "fsm", "absence"], axis=1).assign(const=1.0)


@pytest.mark.parametrize(
    ("columns", "coefs", "r2"),
    [(["fsm"], ["-0.2014"], "0.386"), (["fsm", "absence"], ["-0.134", "-0.361"], "0.539")],
)
def test_attainment_8_on_meals_and_absence_in_logs(columns, coefs, r2):
    d = schools()
    fit = ols(d["score"], d[["const", *columns]])
    residual = d["score"] - d[["const", *columns]] @ fit.coef
    assert [f"{fit.coef[c]:.{len(v) - 3}f}" for c, v in zip(columns, coefs, strict=True)] == coefs
    assert f"{1 - residual.var() / d['score'].var():.3f}" == r2


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_row_errors_equal_statsmodels(kind):
    d = schools()
    X = d[["const", "fsm", "absence"]]
    theirs = sm.OLS(d["score"], X).fit(cov_type=kind)
    assert ols(d["score"], X, vcov=kind).se.tolist() == pytest.approx(theirs.bse.tolist(), rel=1e-9)


def test_quasi_poisson_equals_statsmodels():
    d = college()
    X = d[["const", "frosh", "ACT"]]
    possible = pd.Series(32.0, index=d.index)
    absent = (possible * (1 - d["atndrte"] / 100)).round()
    found = absence_rate_model(absent, possible, X)
    theirs = sm.GLM(absent, X, family=sm.families.Poisson(), offset=np.log(possible)).fit(tol=1e-12)
    pearson = np.sqrt(theirs.mu)
    check = sm.OLS((absent - theirs.mu) / pearson, X.mul(pearson, axis=0)).fit(cov_type="HC2")
    assert found.log_rate_ratio.coef.tolist() == pytest.approx(theirs.params.tolist(), rel=1e-8)
    assert found.log_rate_ratio.se.tolist() == pytest.approx(check.bse.tolist(), rel=1e-8)
    assert found.rate_ratio["ratio"].tolist() == pytest.approx(np.exp(theirs.params).tolist(), rel=1e-8)
