"""The dip holds what was planted, nought included, and its interval covers as often as it says."""

import numpy as np
import pandas as pd
import pytest
from pupil_rates import World, make
from scipy.stats import binom

from attendlib.questions.dip.expected import (
    Curve,
    beyond_expected,
    design,
    dip_rows,
    double_difference,
    fitted,
    make_curve,
    share_rows,
)
from attendlib.stats.shares import mean_interval

PLANTED = World()
NOTHING = World(dip=(0.0, 0.0), base=-4.0, chosen=0.4)  # a floor most pupils are near, and movers with a bad year
FEW = World(movers=25)
SEEDS, QUICK = 2000, 40


def curve_of(stayers: pd.DataFrame) -> Curve:
    curve = make_curve("stayers", stayers, "secondary", "internal")
    assert isinstance(curve, Curve)
    return curve


BOTH = ("all", "fsm6=1")


def covered(world: World, seeds: int, groups: tuple[str, ...] = BOTH) -> dict[str, int]:
    """In how many of `seeds` worlds the interval holds the realised truth of each group."""
    hits = dict.fromkeys(groups, 0)
    for seed in range(seeds):
        stayers, movers, added = make(world, seed)
        curve = curve_of(stayers)
        for group in hits:
            inside = movers["group"].eq(group) if group != "all" else pd.Series(True, index=movers.index)
            found = beyond_expected(movers[inside], curve)
            hits[group] += int(found.low <= added[inside].mean() <= found.high)
    return hits


def within_bounds(hits: int, seeds: int) -> bool:
    """Whether a coverage of 93 to 97% could have given so many hits: one in a thousand on each side."""
    return bool(binom.ppf(0.001, seeds, 0.93) <= hits <= binom.ppf(0.999, seeds, 0.97))


@pytest.mark.parametrize("world", [PLANTED, NOTHING], ids=["planted", "nothing planted"])
def test_the_interval_covers_the_realised_dip(world: World) -> None:
    for group, hits in covered(world, QUICK).items():
        assert within_bounds(hits, QUICK), f"{group}: {hits} of {QUICK}"


@pytest.mark.prove
@pytest.mark.parametrize(
    ("world", "groups"),
    [(PLANTED, BOTH), (NOTHING, BOTH), (FEW, ("all",))],
    ids=["planted", "nothing planted", "25 pupils"],
)
def test_coverage_over_two_thousand_worlds(world: World, groups: tuple[str, ...]) -> None:
    for group, hits in covered(world, SEEDS, groups).items():
        assert 0.93 * SEEDS <= hits <= 0.97 * SEEDS, f"{group}: {hits} of {SEEDS}"


def test_a_bad_earlier_year_mends_by_itself_and_is_not_called_a_dip() -> None:
    """Movers chosen for a bad year drift back: the plain change says absence fell, the expectation knew."""
    changes, dips = [], []
    for seed in range(20):
        stayers, movers, _ = make(World(dip=(0.0, 0.0), chosen=0.6), seed)
        changes.append(movers["change"].mean())
        dips.append(beyond_expected(movers, curve_of(stayers)).value)
    assert np.mean(changes) < -1.5
    assert abs(np.mean(dips)) < 0.4


def test_the_dip_by_hand() -> None:
    stayers, movers, _ = make(PLANTED, 3)
    curve = curve_of(stayers)
    x, z = design(curve, stayers).to_numpy(), design(curve, movers).to_numpy()
    coef = np.linalg.lstsq(x, stayers["after"].to_numpy(), rcond=None)[0]
    found = beyond_expected(movers, curve)
    left = movers["after"].to_numpy() - z @ coef
    assert found.value == pytest.approx(left.mean())
    of_the_curve = z.mean(axis=0) @ fitted(curve).vcov.to_numpy() @ z.mean(axis=0)
    assert found.se == pytest.approx(np.sqrt(left.var(ddof=1) / len(left) + of_the_curve))
    assert found.se > left.std(ddof=1) / np.sqrt(len(left))


def test_fitted_on_the_movers_themselves_the_dip_is_nought() -> None:
    _, movers, _ = make(PLANTED, 4)
    spread = pd.Series([f"school {place % 6}" for place in range(len(movers))])
    curve = curve_of(movers.assign(school=spread))
    assert beyond_expected(movers, curve).value == pytest.approx(0, abs=1e-9)


def test_groups_add_up_to_all() -> None:
    stayers, movers, _ = make(PLANTED, 5)
    curve = curve_of(stayers)
    parts = [movers[movers["group"] == group] for group in ("fsm6=0", "fsm6=1")]
    values = [beyond_expected(part, curve).value for part in parts]
    together = sum(value * len(part) for value, part in zip(values, parts, strict=True)) / len(movers)
    assert beyond_expected(movers, curve).value == pytest.approx(together)


def test_double_difference_is_two_means_apart() -> None:
    stayers, movers, _ = make(PLANTED, 6)
    (row,) = double_difference(movers, curve_of(stayers), "school", "internal")
    assert row.value == pytest.approx(movers["change"].mean() - stayers["change"].mean())
    ends = mean_interval(movers["change"]).se, mean_interval(stayers["change"], stayers["school"]).se
    assert row.se == pytest.approx(np.hypot(*ends))


def test_the_share_who_fell_stands_beside_the_share_expected() -> None:
    """Where nothing was planted the two agree, though two pupils in five fell."""
    beyond = []
    for seed in range(20):
        stayers, movers, _ = make(World(dip=(0.0, 0.0)), seed)
        rows = {row.estimate: row for row in share_rows(movers, curve_of(stayers), "school", "internal")}
        assert rows["share_fell"].numerator == int((movers["change"] >= 1).sum())
        beyond.append(rows["share_fell"].value - rows["share_fell_expected"].value)
        assert rows["share_fell_beyond"].value == pytest.approx(beyond[-1])
    assert rows["share_fell"].value > 25
    assert abs(np.mean(beyond)) < 3


@pytest.mark.parametrize(("counted", "shown"), [(4, False), (5, True), (55, True), (56, False)])
def test_a_share_of_few_is_not_the_sum_of_two_figures_shown(counted: int, shown: bool) -> None:
    stayers, movers, _ = make(PLANTED, 6)
    movers = movers.head(60).assign(rose=0.0, persistent_after=0.0)
    movers.loc[movers.index[:counted], "rose"] = 100.0
    rows = share_rows(movers, curve_of(stayers), "school", "internal")
    fell, persistent = rows[:3], rows[3:]
    assert [row.value is not None for row in fell] == [shown] * 3
    assert [row.withheld for row in persistent] == ["c"] * 3


def test_days_are_points_of_190_and_of_the_weeks_compared() -> None:
    stayers, movers, _ = make(PLANTED, 7)
    rows = {row.estimate: row for row in dip_rows(movers, curve_of(stayers), "school")}
    assert rows["dip_days"].value == pytest.approx(rows["dip"].value * 1.9)
    assert rows["dip_window_days"].value == pytest.approx(rows["dip"].value * 380 / 2 / 100)
    short = movers.assign(possible_after=40)
    assert "dip_days" not in {row.estimate for row in dip_rows(short, curve_of(stayers), "school")}


@pytest.mark.parametrize(
    ("schools", "pupils", "reason"),
    [(4, 0, "hold none of them"), (4, 5, "too few of them"), (2, 30, "fewer than three other schools")],
)
def test_no_curve_says_why(schools: int, pupils: int, reason: str) -> None:
    stayers, _, _ = make(World(primaries=4, stayers=30), 1)
    few = stayers.groupby("school").head(pupils)
    few = few[few["school"].isin([f"primary {place}" for place in range(schools)])]
    found = make_curve("stayers", few, "secondary", "internal")
    assert isinstance(found, str)
    assert reason in found


def test_a_school_of_its_own_serves_where_others_are_too_few() -> None:
    stayers, _, _ = make(World(primaries=1, stayers=60), 1)
    curve = make_curve("stayers", stayers.assign(school="secondary"), "secondary", "internal")
    assert isinstance(curve, Curve)
    assert curve.own_school
