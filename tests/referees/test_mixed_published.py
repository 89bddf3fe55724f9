"""The random intercept against numbers that others computed or printed: MLwiN's Exam, lme4's Dyestuff, an EEF trial."""

import json

import numpy as np
import pandas as pd
import pytest
from shared import shared

from attendlib.stats.fit import contrast
from attendlib.stats.mixed import RandomIntercept, icc, random_intercept, random_intercept_from_sums
from attendlib.stats.sums import group_sums


def exam() -> pd.DataFrame:
    d = pd.read_csv(shared("referees/exam.csv"))
    named = {"sexM": d["sex"] == "M", "schgendboys": d["schgend"] == "boys", "schgendgirls": d["schgend"] == "girls"}
    return d.assign(**{"(Intercept)": 1.0}, **{name: flag.astype(float) for name, flag in named.items()})


def estimates(name: str) -> dict:
    references = json.loads(shared("referees/reference.json").read_text())["references"]
    return next(r for r in references if r["id"] == name)["estimates"]


def both_ways(y: pd.Series, X: pd.DataFrame, group: pd.Series, reml: bool) -> list[RandomIntercept]:
    sums = group_sums(y, X, group)
    return [random_intercept(y, X, group, reml), random_intercept_from_sums(sums, "(Intercept)", reml)]


@pytest.mark.parametrize(
    ("name", "reml"), [("Exam_ri_ML", False), ("Exam_ri_REML", True), ("Exam_full_ML", False), ("Exam_null_ML", False)]
)
def test_exam_equals_lme4_as_printed_to_9_decimals(name, reml):
    d, expected = exam(), estimates(name)
    X = d[list(expected["fixef"])]
    for fit in both_ways(d["normexam"], X, d["school"], reml):
        assert (fit.n, fit.n_groups) == (4059, 65)
        assert fit.coef.to_dict() == pytest.approx(expected["fixef"], abs=2e-9)
        assert fit.se.to_dict() == pytest.approx(expected["se"], abs=2e-9)
        variances = [part["vcov"] for part in expected["variance_components"]]
        assert [fit.between, fit.within] == pytest.approx(variances, abs=1e-8)  # lme4 stops 9e-9 short of its optimum
        assert fit.log_likelihood == pytest.approx(expected["logLik"], abs=2e-9)
        assert fit.warnings == ()


def test_satterthwaite_degrees_of_freedom_of_a_contrast_equal_lmertest():
    d = exam()
    fit = random_intercept(d["normexam"], d[["(Intercept)", "standLRT", "schavg"]], d["school"])
    assert fit.df.tolist() == pytest.approx([58.3014892234801, 3989.9173209182445, 62.8690506805123], rel=1e-6)
    found = contrast(fit, {"standLRT": 1, "schavg": -1})
    assert found.value == pytest.approx(0.201821438220082, rel=1e-7)
    assert found.se == pytest.approx(0.114121626337219, rel=1e-7)
    assert found.df == pytest.approx(67.682302330079, rel=1e-6)
    assert found.p == pytest.approx(0.0814873005787756, rel=1e-6)


TRIAL = [
    ("crt_2arm_REML", True, ["Intervention", "Prettest"]),
    ("crt_2arm_ML", False, ["Intervention", "Prettest"]),
    ("crt_2arm_nocov", True, ["Intervention"]),
    ("crt_empty", True, []),
]


@pytest.mark.parametrize(("name", "reml", "columns"), TRIAL)
def test_a_cluster_trial_equals_lmertest(name, reml, columns):
    expected = json.loads(shared("referees/trial_reference.json").read_text())["models_crtData"][name]
    d = pd.read_csv(shared("referees/eef_crtData.csv")).assign(**{"(Intercept)": 1.0})
    rows = pd.DataFrame(expected["fixed_satterthwaite"]).T
    for fit in both_ways(d["Posttest"], d[["(Intercept)", *columns]], d["School"], reml):
        assert fit.n == expected["n"]
        assert fit.coef.tolist() == pytest.approx(rows["Estimate"].tolist(), rel=1e-7)
        assert fit.se.tolist() == pytest.approx(rows["Std. Error"].tolist(), rel=1e-7)
        assert fit.df.tolist() == pytest.approx(rows["df"].tolist(), rel=1e-6)
        assert fit.p.tolist() == pytest.approx(rows["Pr(>|t|)"].tolist(), rel=2e-6)
        assert [fit.between, fit.within] == pytest.approx(list(expected["varcomp"].values()), rel=1e-7)
        assert fit.log_likelihood == pytest.approx(expected["logLik"], abs=1e-9)


# Davies and Goldsmith (1972) as lme4's Dyestuff: 6 batches of 5; Box and Tiao (1973) as Dyestuff2.
DYESTUFF = """1545 1440 1440 1520 1580 1540 1555 1490 1560 1495 1595 1550 1605 1510 1560
              1445 1440 1595 1465 1545 1595 1630 1515 1635 1625 1520 1455 1450 1480 1445"""
DYESTUFF_2 = """7.298 3.846 2.434 9.566 7.99 5.22 6.556 0.608 11.788 -0.892 0.11 10.386 13.434 5.51 8.166
                2.212 4.852 7.092 9.288 4.98 0.282 9.014 4.458 9.446 7.198 1.722 4.782 8.106 0.758 3.758"""
BATCH = np.repeat(list("ABCDEF"), 5)


def test_dyestuff_as_printed_by_lme4():
    fit = random_intercept(np.array(DYESTUFF.split(), dtype=float), np.ones((30, 1)), BATCH)
    assert fit.between == pytest.approx(1764.05, abs=1e-6)
    assert fit.within == pytest.approx(2451.25, abs=1e-6)
    assert (fit.coef["x0"], fit.df["x0"]) == pytest.approx((1527.5, 5.0))
    assert fit.log_likelihood == pytest.approx(-319.6543 / 2, abs=5e-5)


def test_dyestuff_2_is_on_the_edge_and_says_so():
    fit = random_intercept(np.array(DYESTUFF_2.split(), dtype=float), np.ones((30, 1)), BATCH)
    assert fit.between == 0.0
    assert fit.within == pytest.approx(13.8063096275862)
    assert (fit.coef["x0"], fit.se["x0"], fit.df["x0"]) == pytest.approx((5.6656, 0.678388031232524, 29.0))
    assert fit.log_likelihood == pytest.approx(-80.9141389061442)
    assert "estimated as 0" in fit.warnings[0]


# Shrout and Fleiss (1979), table 2: 6 people rated by 4 judges; table 4 prints ICC(1,1) = .17.
RATINGS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_icc_of_shrout_and_fleiss():
    found = icc(np.array(RATINGS, dtype=float).ravel(), np.repeat(np.arange(6), 4))
    assert round(found.value, 2) == 0.17
    assert round(found.high, 2) == 0.72  # psych::ICC prints -0.13 to 0.72; a share of variance stops at 0
    assert found.low == 0.0


def test_icc_of_the_trial():
    d = pd.read_csv(shared("referees/eef_crtData.csv"))
    assert icc(d["Posttest"], d["School"]).value == pytest.approx(0.25105857564792, rel=1e-7)
