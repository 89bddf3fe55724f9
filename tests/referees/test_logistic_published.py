"""Logistic regression against Greene's printed table (Spector and Mazzeo), R's clubSandwich, and statsmodels."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from shared import shared

from attendlib.stats.logistic import average_difference, average_slope, logit


def spector() -> tuple[pd.Series, pd.DataFrame, dict]:
    d = pd.read_csv(shared("referees/spector.csv"))
    references = json.loads(shared("referees/reference.json").read_text())["references"]
    expected = next(r for r in references if r["id"] == "spector_logit")["estimates"]
    return d["GRADE"], d[["GPA", "TUCE", "PSI"]].assign(Intercept=1.0), expected


def test_spector_coefficients_as_greene_prints_them():
    y, X, expected = spector()
    fit = logit(y, X, vcov="classical")
    assert fit.coef.round(4).to_dict() == expected["coef"]
    assert fit.se.round(4).to_dict() == expected["se"]
    assert round(fit.log_likelihood, 4) == expected["logLik"]
    assert (fit.n, fit.events) == (32, 11)


def test_spector_average_marginal_effects():
    y, X, expected = spector()
    fit = logit(y, X, vcov="classical")
    slopes = {name: average_slope(fit, X, name) for name in ("GPA", "TUCE", "PSI")}
    assert {name: round(slope.value, 4) for name, slope in slopes.items()} == expected["AME_slope"]
    # The reference's 0.0924 for PSI's slope is statsmodels' 0.09236
    assert {name: round(slope.se, 4) for name, slope in slopes.items()} == expected["AME_slope_se"]
    found = average_difference(fit, X.assign(PSI=1.0), X.assign(PSI=0.0)).difference
    assert [round(found.value, 4), round(found.se, 3)] == expected["AME_discrete_PSI"]


# R: glm(..., epsilon = 1e-14), clubSandwich 0.5.8 coef_test(m, vcov = "CR2"), each row its own cluster: SE and df.
HC2 = {"GPA": (1.3984428951, 12.13), "TUCE": (0.1342895934, 7.32), "PSI": (1.0359398047, 23.26)}


def test_spector_row_errors_equal_clubsandwich():
    y, X, _ = spector()
    fit = logit(y, X)
    assert fit.vcov_type == "HC2"
    assert fit.se[list(HC2)].tolist() == pytest.approx([se for se, _ in HC2.values()], rel=1e-9)
    assert fit.df[list(HC2)].round(2).tolist() == [df for _, df in HC2.values()]


# The same of normexam > 0 on standLRT, schavg and sex in exam.csv, 65 schools: CR0 and CR2 SE, CR2 df.
CLUSTERED = {
    "const": (0.10604646233, 0.1088600441559, 36.2521402788),
    "standLRT": (0.05819068940813, 0.0587020099053, 51.0154686958),
    "schavg": (0.29762127254601, 0.3082809693937, 26.3814830471),
    "male": (0.11822602101957, 0.1214574997378, 49.0926138854),
}


def test_exam_clustered_errors_beside_clubsandwich():
    d = pd.read_csv(shared("referees/exam.csv")).assign(const=1.0)
    X = d.assign(male=(d["sex"] == "M") * 1.0)[list(CLUSTERED)]
    y = (d["normexam"] > 0).astype(float)
    plain, fit = logit(y, X, d["school"], vcov="CR0"), logit(y, X, d["school"])
    cr0, cr2, df = zip(*CLUSTERED.values(), strict=True)
    assert plain.se.tolist() == pytest.approx(cr0, rel=1e-9)  # no adjustment, no choice of root: equal
    assert fit.se.tolist() == pytest.approx(cr2, rel=0.005)  # another root of the same adjustment
    assert fit.df.tolist() == pytest.approx(df, rel=0.05)


def test_clustered_without_adjustment_equals_statsmodels():
    d = pd.read_csv(shared("referees/exam.csv")).assign(const=1.0)
    y, X = (d["normexam"] > 1).astype(float), d[["const", "standLRT", "schavg"]]
    codes = d["school"].to_numpy()
    theirs = sm.Logit(y, X).fit(disp=False, tol=1e-12, cov_type="cluster", cov_kwds={"groups": codes})
    ours = logit(y, X, d["school"], vcov="CR1S")
    assert ours.coef.tolist() == pytest.approx(theirs.params.tolist(), rel=1e-8)
    assert ours.se.tolist() == pytest.approx(theirs.bse.tolist(), rel=1e-8)
    assert ours.log_likelihood == pytest.approx(theirs.llf)
    margins = sm.Logit(y, X).fit(disp=False, tol=1e-12).get_margeff(at="overall")
    own = [average_slope(logit(y, X, vcov="classical"), X, name) for name in ("standLRT", "schavg")]
    assert [a.value for a in own] == pytest.approx(np.asarray(margins.margeff).tolist(), rel=1e-7)
    assert [a.se for a in own] == pytest.approx(np.asarray(margins.margeff_se).tolist(), rel=1e-6)
