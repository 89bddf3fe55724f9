"""California's Proposition 99 beside 38 other states: Arkhangelsky and others (2021, AER 111(12), table 1).

They print difference in differences -27.3 (17.7), synthetic control -19.6 (9.9), synthetic difference in differences
-15.6 (8.4). Their R package stops its search for weights early; ours is exact, so synthetic control is -19.51. The
same number comes from diff-diff's own solver, and its synthetic difference in differences (-15.60383, R's digits) is
0.002 from ours.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from diff_diff import SyntheticControl, SyntheticDiD

from attendlib.stats.synthetic_control import Kind, Synthetic, synthetic_control

FIRST = 19  # 1970 to 1988 before, 1989 to 2000 after


@pytest.fixture(scope="module")
def states() -> pd.DataFrame:
    """Packs a person: California first, then the 38 others; a column a year."""
    packs = pd.read_csv(Path(__file__).parent / "california_prop99.csv", comment="#", index_col="State")
    return packs.loc[["California", *packs.index.drop("California")]]


def fitted(states: pd.DataFrame, kind: Kind) -> Synthetic:
    return synthetic_control(states.to_numpy(), FIRST, kind=kind)


def long(states: pd.DataFrame) -> pd.DataFrame:
    packs = states.rename_axis(columns="year").stack().rename("packs").reset_index()
    california = (packs["State"] == "California").astype(int)
    year = packs["year"].astype(int)
    return packs.assign(year=year, ever=california, treated=california * (year >= 1989))


@pytest.mark.parametrize(
    ("kind", "printed", "within"), [("did", -27.3, 0.05), ("classic", -19.6, 0.1), ("sdid", -15.6, 0.05)]
)
def test_the_three_printed_estimates(states: pd.DataFrame, kind: Kind, printed: float, within: float) -> None:
    assert fitted(states, kind).estimate.value == pytest.approx(printed, abs=within)


def test_the_printed_standard_errors_are_near(states: pd.DataFrame) -> None:
    """Theirs are standard deviations over random placebos; ours the root mean square over every state, widened."""
    printed = {"did": 17.7, "classic": 9.9, "sdid": 8.4}
    for kind, se in printed.items():
        assert fitted(states, kind).estimate.se == pytest.approx(se, rel=0.15)  # type: ignore[arg-type]


def test_the_states_that_weigh_most_are_the_printed_ones(states: pd.DataFrame) -> None:
    """The package's own summary: Nevada 0.124, New Hampshire 0.105, Connecticut 0.078, Delaware 0.070."""
    weights = pd.Series(fitted(states, "sdid").weights, states.index[1:]).sort_values(ascending=False)
    assert list(weights.index[:4]) == ["Nevada", "New Hampshire", "Connecticut", "Delaware"]
    assert weights.iloc[:4].to_numpy() == pytest.approx([0.124, 0.105, 0.078, 0.070], abs=0.0006)


def test_diff_diff_finds_the_same_synthetic_control(states: pd.DataFrame) -> None:
    years = [int(year) for year in states.columns]
    model = SyntheticControl(v_method="custom", custom_v=np.ones(FIRST), standardize="none")
    found = model.fit(
        long(states), "packs", "treated", "State", "year",
        post_periods=years[FIRST:], pre_period_outcomes=years[:FIRST],
    )  # fmt: skip
    ours = fitted(states, "classic")
    assert ours.estimate.value == pytest.approx(found.att, abs=1e-8)
    assert ours.fit_before == pytest.approx(found.pre_rmspe, abs=1e-8)


def test_diff_diff_finds_the_same_synthetic_difference_in_differences(states: pd.DataFrame) -> None:
    model = SyntheticDiD(variance_method="placebo", n_bootstrap=20, seed=1)
    found = model.fit(
        long(states), outcome="packs", treatment="ever", unit="State", time="year",
        post_periods=[int(year) for year in states.columns[FIRST:]],
    )  # fmt: skip
    assert found.att == pytest.approx(-15.60383, abs=1e-5)
    assert fitted(states, "sdid").estimate.value == pytest.approx(found.att, abs=0.002)


def test_california_parts_from_its_mixture_most_of_all_states(states: pd.DataFrame) -> None:
    """Abadie, Diamond and Hainmueller (2010): no other state's ratio is as large, so p is 1 in 39."""
    found = fitted(states, "mixture")
    assert (found.p_rank, found.smallest_p) == pytest.approx((1 / 39, 1 / 39))
