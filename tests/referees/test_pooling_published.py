"""Pooled estimates against metafor's, and partial pooling against the eight schools of Bayesian Data Analysis."""

import json

import numpy as np
import pandas as pd
import pytest
from shared import shared

from attendlib.stats.pooling import meta_analysis, partial_pool

# Colditz and others (1994), BCG against tuberculosis (metafor's dat.bcg): cases and others, vaccinated then not.
BCG = """4 119 11 128 | 6 300 29 274 | 3 228 11 209 | 62 13536 248 12619 | 33 5036 47 5761 | 180 1361 372 1079
         | 8 2537 10 619 | 505 87886 499 87892 | 29 7470 45 7232 | 17 1699 65 1600 | 186 50448 141 27197
         | 5 2493 3 2338 | 27 16886 29 17825"""


def bcg() -> tuple[np.ndarray, np.ndarray]:
    a, b, c, d = np.array([row.split() for row in BCG.split("|")], dtype=float).T
    return np.log(a / (a + b) / (c / (c + d))), np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def vectors() -> dict:
    return json.loads(shared("referees/trial_reference.json").read_text())["metafor"]


NAMES = {"value": "b", "se": "se", "low": "ci.lb", "high": "ci.ub", "p": "pval", "between": "tau2", "i2_pct": "I2"}
NAMES |= {"between_se": "se.tau2", "h2": "H2", "q": "QE", "q_p": "QEp", "n": "k"}


# The last number is how far metafor's default stopping rule leaves it from the optimum, in tau2.
@pytest.mark.parametrize(
    ("name", "method", "test", "stopped"),
    [
        ("REML", "REML", "z", 7e-8),
        ("FE", "common", "z", 0),
        ("DL", "DL", "z", 0),
        ("PM", "PM", "z", 3e-5),
        ("KNHA", "REML", "knapp-hartung", 7e-8),
    ],
)
def test_bcg_equals_metafor(name, method, test, stopped):
    expected, found = vectors()[f"metafor_bcg_{name}"], meta_analysis(*bcg(), method, test)
    for ours, theirs in NAMES.items():
        if ours == "between_se" and method != "REML":
            continue  # se of tau2 is given for REML alone
        slack = stopped * (40 if ours in ("i2_pct", "h2") else 1)
        assert getattr(found, ours) == pytest.approx(expected[theirs], rel=1e-10, abs=1e-12 + slack), ours
    if "pi.lb" in expected:
        limits = (expected["pi.lb"], expected["pi.ub"])
        assert (found.prediction_low, found.prediction_high) == pytest.approx(limits, abs=2e-7)


def test_bcg_at_the_optimum_equals_metafor_told_to_go_on():
    # metafor 3.8.1, rma(yi, vi, control = list(threshold = 1e-15, maxiter = 10000)): b, se, tau2, se(tau2)
    found = meta_analysis(*bcg(), test="z")
    expected = (-0.7145323421, 0.1797815161, 0.3132432581, 0.1664257528)
    assert (found.value, found.se, found.between, found.between_se) == pytest.approx(expected, abs=5e-10)
    # confint() as the metafor documentation prints it
    assert (round(found.between_low, 4), round(found.between_high, 4)) == (0.1197, 1.1115)


def test_raudenbush_equals_metafor():
    expected = vectors()["metafor_raudenbush_REML"]
    data = pd.DataFrame(vectors()["metafor_raudenbush_data"])
    found = meta_analysis(data["yi"], data["vi"] ** 0.5, test="z")
    for ours in ("q", "q_p", "n"):
        assert getattr(found, ours) == pytest.approx(expected[NAMES[ours]], rel=1e-10)
    # metafor's default stops 8e-6 short of the peak in tau2; told to go on (threshold 1e-15) it gives:
    exact = (
        0.08370124188260,
        0.05164067136409,
        0.01881828814022,
        0.01552401138658,
        -0.20358593780917,
        0.37098842157437,
    )
    names = ("value", "se", "between", "between_se", "prediction_low", "prediction_high")
    assert tuple(getattr(found, name) for name in names) == pytest.approx(exact, abs=1e-11)
    assert (found.value, found.between) == pytest.approx((expected["b"], expected["tau2"]), abs=1e-5)
    limits = (found.between_low, found.between_high)
    assert limits == pytest.approx((0.0059, 0.1977), abs=5e-5)  # confint(), as printed


# Rubin (1981): coaching in eight schools. Gelman and others (2013), table 5.3: posterior medians from 200 draws.
SCHOOLS = pd.DataFrame(
    {
        "y": [28, 8, -3, 7, -1, 1, 18, 12],
        "se": [15, 10, 16, 11, 9, 11, 10, 18],
        "median": [10, 8, 7, 8, 5, 6, 10, 8],
    },
    index=list("ABCDEFGH"),
)


def test_eight_schools():
    found = partial_pool(SCHOOLS["y"], SCHOOLS["se"])
    assert (found.value - SCHOOLS["median"]).abs().max() < 2  # medians of 200 draws, and A's is skewed upward
    assert found.mean == pytest.approx(8, abs=0.5)
    assert list(found.value.index) == list("ABCDEFGH")
    assert ((found.low < SCHOOLS["y"].mean()) & (found.high > SCHOOLS["y"].mean())).all()
    # The peak of the restricted likelihood is at no difference at all, which nobody should report as certainty.
    assert meta_analysis(SCHOOLS["y"], SCHOOLS["se"]).between == 0
    assert found.between_sd > 3
