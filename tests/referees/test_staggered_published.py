"""Callaway and Sant'Anna's county teenage employment (mpdta), against the numbers R's did package prints for it.

500 counties, 2003 to 2007, log teenage employment, first rise of the minimum wage in 2004, 2006, 2007 or never.
"""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from diff_diff import ImputationDiD
from shared import shared

from attendlib.stats.staggered import (
    NEVER,
    Paths,
    estimate,
    group_time_weights,
    imputation_weights,
    paths,
    two_way_weights,
)
from attendlib.stats.staggered_package import by_diff_diff


@pytest.fixture(scope="module")
def counties() -> pd.DataFrame:
    return pd.read_csv(shared("referees/mpdta.csv"))


@pytest.fixture(scope="module")
def panel(counties: pd.DataFrame) -> Paths:
    wide = counties.pivot(index="countyreal", columns="year", values="lemp")
    starts = counties.groupby("countyreal")["first_treat"].first().reindex(wide.index)
    return paths(wide.to_numpy(), np.where(starts == 0, NEVER, starts - 2003))


@pytest.fixture(scope="module")
def printed() -> dict[str, Any]:
    every = json.loads(shared("referees/reference.json").read_text(encoding="utf-8"))
    rows = every if isinstance(every, list) else next(v for v in every.values() if isinstance(v, list))
    return next(row["estimates"] for row in rows if row["id"] == "mpdta_callaway_santanna")


def test_simple_aggregation_with_never_treated_controls(panel: Paths) -> None:
    assert estimate(panel, group_time_weights(panel, True)).value == pytest.approx(-0.0399512751551763, abs=1e-12)
    package = by_diff_diff(panel, never_only=True)
    assert package.value == pytest.approx(-0.0399512751551763, abs=1e-12)
    assert package.se == pytest.approx(0.0120340127701854, abs=1e-12)


def test_simple_aggregation_with_those_not_yet_treated(panel: Paths, printed: dict[str, Any]) -> None:
    value, se = printed["not_yet_treated_simple"]
    assert estimate(panel, group_time_weights(panel)).value == pytest.approx(value, abs=1e-12)
    assert by_diff_diff(panel).se == pytest.approx(se, abs=1e-12)


def test_the_other_aggregations(panel: Paths, printed: dict[str, Any]) -> None:
    """By distance from the start, by cohort and by year: each is a mean of the same differences."""
    events = [estimate(panel, group_time_weights(panel, True, event=e)).value for e in range(4)]
    assert events == pytest.approx([printed["event"][str(e)][0] for e in range(4)], abs=5e-8)
    assert np.mean(events) == pytest.approx(printed["dynamic_overall"][0], abs=1e-12)
    sizes = panel.sizes
    differences = {
        (g, t): float((group_time_weights_of(panel, g, t) * panel.means).sum())
        for g in range(len(sizes)) if panel.first[g] != NEVER
        for t in range(panel.first[g], 5)
    }  # fmt: skip
    cohorts = {g: np.mean([v for (own, _), v in differences.items() if own == g]) for g, _ in differences}
    by_cohort = sum(sizes[g] * v for g, v in cohorts.items()) / sum(sizes[g] for g in cohorts)
    assert by_cohort == pytest.approx(printed["group_overall"][0], abs=1e-12)
    years = sorted({t for _, t in differences})
    by_year = [np.average([v for (_, t), v in differences.items() if t == year],
                          weights=[sizes[g] for g, t in differences if t == year]) for year in years]  # fmt: skip
    assert np.mean(by_year) == pytest.approx(printed["calendar_overall"][0], abs=1e-12)


def group_time_weights_of(panel: Paths, cohort: int, period: int) -> np.ndarray:
    """One cohort in one year: the weights of its distance, with every other cohort's start taken away."""
    alone = np.isin(np.arange(len(panel.first)), [cohort, int(np.flatnonzero(panel.first == NEVER)[0])])
    rows = alone[panel.cohort]
    part = paths(panel.y[rows], panel.first[panel.cohort][rows])
    made = np.zeros((len(panel.first), panel.y.shape[1]))
    order = [int(np.flatnonzero(panel.first == first)[0]) for first in part.first]
    made[order] = group_time_weights(part, True, event=period - int(panel.first[cohort]))
    return made


def test_the_course_before_is_what_r_prints_as_steps(panel: Paths, printed: dict[str, Any]) -> None:
    """R compares each year before with the one before it; ours with the last: one cohort alone reaches back to -4."""
    both = [estimate(panel, group_time_weights(panel, True, event=e)).value for e in (-2, -1)]
    assert both[1] == 0
    assert -both[0] == pytest.approx(printed["event"]["-1"][0], abs=5e-8)


def test_welchs_error_is_near_the_packages_where_groups_are_many(panel: Paths) -> None:
    """Not equal: the package's counts that cohort sizes are drawn too, ours divides by n - 1."""
    own, theirs = estimate(panel, group_time_weights(panel, True)), by_diff_diff(panel, True)
    assert own.se == pytest.approx(theirs.se, rel=0.03)


def test_imputation(panel: Paths, counties: pd.DataFrame, printed: dict[str, Any]) -> None:
    """The reference holds did2s's and Stata's did_imputation's -0.04771; the package gives the digits after."""
    theirs = ImputationDiD().fit(counties, "lemp", "countyreal", "year", "first_treat").att
    assert printed["BJS_imputation"] == pytest.approx(theirs, abs=5e-8)
    assert estimate(panel, imputation_weights(panel)).value == pytest.approx(theirs, abs=1e-9)


def test_two_way_fixed_effects(panel: Paths, printed: dict[str, Any]) -> None:
    assert estimate(panel, two_way_weights(panel)).value == pytest.approx(printed["TWFE"], abs=5e-7)
