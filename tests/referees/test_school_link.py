"""Attainment 8 on absence and free school meals over mainstream schools of 2018/19, against published figures.

`dfe/published.csv` holds each figure, run on the file beside it outside this project, with its standard error and
number of schools; the paper it repeats (2021/22 to 2024/25) prints -0.201, -0.122 and -0.364.
"""

import csv
import re
from functools import cache

import numpy as np
import pandas as pd
import pytest
from shared import shared

from attendlib.stats.ols import ols

RUN_ON = "computed here from schools_secondary_2018_19.csv (mainstream, RECTYPE 1)"


@cache
def published() -> dict[str, dict[str, str]]:
    """Each model's row: `value`, and in `note` its standard error, other coefficient, R2 and n."""
    with shared("dfe/published.csv").open(encoding="utf-8", newline="") as file:
        return {row["measure"]: row for row in csv.DictReader(file) if row["source"] == RUN_ON}


@cache
def schools() -> pd.DataFrame:
    """Mainstream schools with a score, a share of pupils ever on free meals and an absence rate, all above 0."""
    d = pd.read_csv(shared("dfe/schools_secondary_2018_19.csv"), low_memory=False)
    d = d[d["RECTYPE"] == 1]
    used = d[["ATT8SCR", "PNUMFSMEVER", "PERCTOT"]].apply(pd.to_numeric, errors="coerce").dropna()
    return used[(used > 0).all(axis=1)].set_axis(["score", "fsm", "absence"], axis=1)


MODELS = [  # the row of published.csv, whether in logs, the columns, the one whose coefficient it gives
    ("OLS log ATT8 on log FSM6: FSM", True, ("fsm",), "fsm"),
    ("OLS log ATT8 on log FSM6 + log absence: absence", True, ("fsm", "absence"), "absence"),
    ("OLS ATT8 on overall absence %", False, ("absence",), "absence"),
    ("OLS ATT8 on overall absence % + FSM6 %", False, ("absence", "fsm"), "absence"),
]


@pytest.mark.parametrize(("measure", "logs", "columns", "asked"), MODELS)
def test_school_level_models(measure: str, logs: bool, columns: tuple[str, ...], asked: str) -> None:
    d = (np.log(schools()) if logs else schools()).assign(const=1.0)
    x = d[["const", *columns]]
    fit = ols(d["score"], x, vcov="classical")
    row = published()[measure]
    note = dict(re.findall(r"(\w+) (-?[\d.]+)", row["note"]))
    left = d["score"] - x @ fit.coef
    assert fit.n == int(note["n"])
    assert as_printed(fit.coef[asked], row["value"])
    assert as_printed(fit.se[asked], note["se"])
    assert as_printed(1 - left.var() / d["score"].var(), note["R2"])
    for name in {"FSM", "FSM6"} & set(note):
        assert as_printed(fit.coef["fsm"], note[name])


def as_printed(value: float, text: str) -> bool:
    """Whether `value`, rounded as `text` is, is `text`; a figure printed without its last 0 may have it."""
    digits = max(len(text.partition(".")[2]), 3)
    return float(f"{value:.{digits}f}") == float(text)


def test_absence_has_the_printed_coefficient() -> None:
    d = np.log(schools()).assign(const=1.0)
    fit = ols(d["score"], d[["const", "fsm", "absence"]])
    assert f"{fit.coef['absence']:.3f}" == "-0.361"


def test_the_same_coefficient_by_two_other_roads() -> None:
    """QR in place of the normal equations, and partialling out, give the same coefficient."""
    d = np.log(schools())
    fit = ols(d["score"], d[["fsm", "absence"]].assign(const=1.0))
    q, r = np.linalg.qr(np.column_stack([np.ones(len(d)), d["fsm"], d["absence"]]))
    by_qr = np.linalg.solve(r, q.T @ d["score"].to_numpy())[2]
    other = np.column_stack([np.ones(len(d)), d["fsm"]])
    rest = [
        v - other @ np.linalg.lstsq(other, v, rcond=None)[0] for v in (d["score"].to_numpy(), d["absence"].to_numpy())
    ]
    partialled = float(rest[0] @ rest[1] / (rest[1] @ rest[1]))
    assert fit.coef["absence"] == pytest.approx(by_qr, rel=1e-9)
    assert fit.coef["absence"] == pytest.approx(partialled, rel=1e-9)
