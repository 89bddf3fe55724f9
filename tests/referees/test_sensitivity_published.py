"""Sensitivity to a hidden cause, as published: Darfur (Cinelli, Hazlett), E-values (VanderWeele, Ding)."""

import json

import numpy as np
import pandas as pd
import pytest
from shared import shared

from attendlib.stats.ols import ols
from attendlib.stats.sensitivity import benchmarks, e_value, e_value_difference, robustness_value

COLUMNS = ["directlyharmed", "age", "farmer_dar", "herder_dar", "pastvoted", "hhsize_darfur", "female"]


def darfur() -> tuple[pd.Series, pd.DataFrame, dict]:
    d = pd.read_csv(shared("referees/darfur.csv"))
    villages = pd.get_dummies(d["village"], drop_first=True, dtype=float)
    X = pd.concat([d[COLUMNS].astype(float), villages], axis=1).assign(const=1.0)
    references = json.loads(shared("referees/reference.json").read_text())["references"]
    return d["peacefactor"], X, next(r for r in references if r["id"] == "darfur_sensitivity")["estimates"]


def test_darfur_robustness_value():
    y, X, expected = darfur()
    fit = ols(y, X, vcov="classical")
    estimate = [fit.coef["directlyharmed"], fit.se["directlyharmed"]]
    assert estimate == pytest.approx(expected["estimate"], abs=5e-8)
    found = robustness_value(estimate[0] / estimate[1], fit.df["directlyharmed"])
    assert (found.t, found.df) == pytest.approx((expected["t"], expected["df"]), abs=5e-6)
    assert found.value == pytest.approx(expected["RV"], abs=5e-8)
    assert found.value_at_limit == pytest.approx(expected["RV_alpha05"], abs=5e-7)
    assert found.partial_r2 == pytest.approx(expected["partial_r2"], abs=5e-8)
    assert [f"{v:.3f}" for v in (found.value, found.value_at_limit, found.partial_r2)] == ["0.139", "0.076", "0.022"]


def test_darfur_benchmarks_against_being_female():
    y, X, expected = darfur()
    for found in benchmarks(y, X, {"directlyharmed": 1}, {"female": ["female"]}):
        value, se, t = expected["bounds_female"][f"{found.times}x"]
        assert (found.value, found.se) == pytest.approx((value, se), abs=5e-7)
        assert found.t == pytest.approx(t, abs=5e-5)
        assert found.possible
    # sensemakr's vignette prints the bounds "1x female" r2dz.x 0.0092, r2yz.dx 0.1246 and an interval 0.0323 to 0.118
    first = benchmarks(y, X, {"directlyharmed": 1}, {"female": ["female"]}, times=[1])[0]
    assert (round(first.r2_exposure, 4), round(first.r2_outcome, 4)) == (0.0092, 0.1246)
    assert (round(first.low, 4), round(first.high, 4)) == (0.0323, 0.1182)


def test_e_values_of_vanderweele_and_ding():
    # Breastfeeding and death from respiratory infection: 3.9 (1.8, 8.7) gives 7.26 and 3.0, as the paper prints.
    found = e_value(3.9, 1.8, 8.7)
    assert (round(found.point, 2), round(found.limit, 1)) == (7.26, 3.0)


def test_e_value_of_smoking_and_lung_cancer():
    # Hammond and Horn (1958): 397 of 78,954 smokers and 51 of 108,829 others; the classic risk ratio is 10.73.
    p, n = np.array([397 / 78954, 51 / 108829]), np.array([78954, 108829])
    se = np.sqrt(p * (1 - p) / n)
    found = e_value_difference(p[0], p[1], se[0], se[1])
    assert round(p[0] / p[1], 2) == 10.73
    assert round(found.point, 1) == 20.9  # Ding and VanderWeele (2016)
    assert 15.9 < found.limit < 16.0
