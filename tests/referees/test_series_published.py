"""Series against others' numbers: R's nlme and sandwich on the Nile's flow, and DfE's weekly figures."""

import csv
from datetime import date

import numpy as np
import pytest
import statsmodels.api as sm
from shared import shared

from attendlib.facts.national_weeks import PHASES, national_weeks
from attendlib.stats.series import at_correlation, course, newey_west

# R 4.2.2, nlme 3.1.162: gls(Nile ~ after + slope + bend, correlation = corAR1(r, fixed = TRUE), method = "REML"), with
# after = t > 28 (the dam at Aswan, Cobb 1978), slope = (t - mean(t[after])) / 99, bend = slope * after. Value and se.
GLS = [(0.0001, -305.755712969, 152.785522897), (0.3, -309.774495945, 206.447209962), (0.6, -328.979556655,
       330.432743497)]  # fmt: skip
# sandwich 3.0.2: NeweyWest(lm(Nile ~ after + slope + bend), lag = 3, prewhite = FALSE, adjust = TRUE).
NEWEY_WEST = (-305.7553366174, 143.158232974)


@pytest.fixture(scope="module")
def nile() -> np.ndarray:
    return np.asarray(sm.datasets.nile.load_pandas().data["volume"], float)


@pytest.mark.parametrize(("correlation", "value", "se"), GLS)
def test_known_correlation_as_nlme(nile: np.ndarray, correlation: float, value: float, se: float) -> None:
    years = np.arange(1.0, 101)
    found = at_correlation(nile, course(years > 28, years), years, correlation)
    assert (found.value, found.se) == pytest.approx((value, se), rel=1e-9)


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0])
def test_weights_are_of_the_noise_alone(nile: np.ndarray, noise: float) -> None:
    """As statsmodels' GLS with that covariance written out; noise alone is WLS."""
    years, weights = np.arange(1.0, 41), np.tile([1.0, 2, 4, 1, 3], 8)
    design = course(years > 28, years, bends=False)
    state = 0.4 ** np.abs(np.subtract.outer(years, years))
    known = sm.GLS(nile[:40], design, sigma=(1 - noise) * state + noise * np.diag(weights.mean() / weights)).fit()
    found = at_correlation(nile[:40], design, years, 0.4, weights, noise)
    assert (found.value, found.se) == pytest.approx((known.params["after"], known.bse["after"]), rel=1e-9)
    if noise == 1:
        plain = sm.WLS(nile[:40], design, weights=weights).fit()
        assert (found.value, found.se) == pytest.approx((plain.params["after"], plain.bse["after"]), rel=1e-9)


def test_newey_west_as_sandwich(nile: np.ndarray) -> None:
    years = np.arange(1.0, 101)
    found = newey_west(nile, course(years > 28, years), 3)
    assert (found.value, found.se) == pytest.approx(NEWEY_WEST, rel=1e-9)


def test_national_weeks_are_dfes() -> None:
    with shared("dfe/attendance_weekly_national_autumn.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["geographic_level"] == "National"]
    published = {
        (phase.lower(), _monday(row)): float(row["overall_absence_perc"])
        for row in rows
        if (phase := row["school_type"] or row["education_phase"]) != "Total"
    }
    held = {(phase, week): pct for phase in PHASES for week, pct in national_weeks(phase).items()}
    assert len(held) == len(published) == 144
    assert held == pytest.approx(published, abs=5e-5)


def _monday(row: dict[str, str]) -> str:
    week = int(row["time_identifier"].removeprefix("Week "))
    return date.fromisocalendar(int(row["time_period"]), week, 1).isoformat()
