"""Planted trials as tidy folders: the page's figures are the numeric core's, and the truth lies in their intervals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM
from trial_study import POSSIBLE, ask, keys, trial, write_trial

from attendlib.questions.common import indicators
from attendlib.records.answer import Answer, Row
from attendlib.stats.effect_size import effect_size_cluster, hedges_g
from attendlib.stats.fit import Estimate, contrast
from attendlib.stats.itt import itt
from attendlib.stats.mixed import icc
from attendlib.stats.ols import ols

ARM = "arm=calls"
PLANTED = 0.5
SIZE = {"cluster": (14, 25), "multi_site": (8, 30), "pupil": (1, 160)}


def planted(design: str, seed: int = 3) -> pd.DataFrame:
    """One trial in twenty misses its truth, as it should; the next test says that it is one in twenty."""
    schools, each = SIZE[design]
    return trial(design, schools=schools, each=each, effect=PLANTED, seed=seed)


def row_in(answer: Answer, estimate: str, **labels: str) -> Row:
    row = answer.row(estimate, **labels)
    assert row is not None, (estimate, labels, [r.estimate for r in answer.rows])
    return row


def columns(frame: pd.DataFrame, design: str) -> pd.DataFrame:
    """The model's columns, made here anew."""
    x = pd.DataFrame({"treated": (frame["arm"] == "calls").astype(float), "one": 1.0, "x": frame["x"]})
    return pd.concat([x, indicators(frame, ["school"])], axis=1) if design == "multi_site" else x


def by_hand(frame: pd.DataFrame, design: str, y: pd.Series) -> Estimate:
    """The same estimate straight from the numeric core."""
    if design == "cluster":
        return itt(y, columns(frame, design), frame["school"].to_numpy(), "treated").difference
    return contrast(ols(y, columns(frame, design)), {"treated": 1.0})


def assert_same(row: Row, found: Estimate, factor: float = 1.0) -> None:
    for name in ("value", "low", "high", "se"):
        assert getattr(row, name) == pytest.approx(factor * getattr(found, name), rel=1e-7), name
    assert (row.df, row.n) == (pytest.approx(found.df, rel=1e-6), found.n)


def test_the_planted_truth_is_missed_one_time_in_twenty() -> None:
    """Cluster trials, 40 seeds: 34 or fewer covered has a chance of 1.4%."""
    frames = [planted("cluster", seed) for seed in range(40)]
    found = [by_hand(frame, "cluster", frame["ks"]) for frame in frames]
    assert sum(each.low < 10 * PLANTED < each.high for each in found) >= 35


@pytest.mark.parametrize("design", list(SIZE))
def test_attainment_rows_are_the_numeric_core_and_hold_the_truth(design: str, tmp_path: Path, monkeypatch) -> None:
    frame = planted(design)
    answer = ask(write_trial(tmp_path, frame, keys(design)), monkeypatch)
    assert (answer.status, answer.reasons) == ("done", ())
    found = by_hand(frame, design, frame["ks"])
    row = row_in(answer, "itt", group=ARM, model="adjusted")
    assert_same(row, found)
    assert row.low < 10 * PLANTED < row.high  # type: ignore[operator]
    sizes = {size.model: size for size in answer.select("hedges_g", group=ARM)}
    if design == "cluster":
        core = effect_size_cluster(frame["ks"], columns(frame, design), frame["school"].to_numpy(), "treated")
        assert sizes["unconditional_total"].value == pytest.approx(core.eef.value, rel=1e-7)
        assert sizes["pooled"].value == pytest.approx(core.sizes["pooled"].value, rel=1e-7)
        assert row_in(answer, "icc", model="outcome").value == pytest.approx(
            icc(frame["ks"], frame["school"].to_numpy()).value, rel=1e-6
        )
    else:
        sides = [frame.loc[frame["arm"] == arm, "ks"] for arm in ("calls", "usual")]
        pooled = hedges_g(*sides)
        assert sizes["pooled"].value == pytest.approx(found.value * pooled.j / pooled.sd, rel=1e-7)
    marked = [size.model for size in sizes.values() if "EEF" in size.method]
    assert marked == ["pooled" if design == "pupil" else "unconditional_total"]
    months = row_in(answer, "months", group=ARM)
    assert months.low <= months.value <= months.high  # type: ignore[operator]


@pytest.mark.parametrize("design", list(SIZE))
def test_attendance_is_told_in_days_and_never_in_months(design: str, tmp_path: Path, monkeypatch) -> None:
    frame = planted(design, seed=2)
    more = ", smallest_worthwhile_days: 2"
    answer = ask(write_trial(tmp_path, frame, keys(design, "absence", "ks2", more)), monkeypatch)
    attended = 100 - 100 * frame["absent"] / POSSIBLE
    found = by_hand(frame, design, attended)
    assert_same(row_in(answer, "itt", group=ARM, model="adjusted"), found)
    assert_same(row_in(answer, "days_fewer", group=ARM, model="adjusted"), found, POSSIBLE / 2 / 100)
    usual = frame["arm"] == "usual"
    truth = 0.1 * PLANTED * frame.loc[usual, "absent"].mean() / 2  # days fewer of what control missed
    days = row_in(answer, "days_fewer", group=ARM, model="adjusted")
    assert days.low < truth < days.high  # type: ignore[operator]
    ratio = row_in(answer, "rate_ratio", group=ARM)
    assert ratio.low < 1 - 0.1 * PLANTED < ratio.high  # type: ignore[operator]
    missed = row_in(answer, "persistent", group="arm=usual")
    assert missed.numerator == int((10 * frame.loc[usual, "absent"] >= POSSIBLE).sum())
    assert not answer.select("months")
    assert not [row for row in answer.rows if "month" in row.unit + row.method]
    assert answer.verdict


def test_blocks_are_held_alike_as_the_study_says(tmp_path: Path, monkeypatch) -> None:
    frame = planted("cluster")
    frame["block"] = frame["school"].str[-1].astype(int).mod(2).map({0: "even", 1: "odd"})
    answer = ask(write_trial(tmp_path, frame, keys("cluster", more=", strata: [block]")), monkeypatch)
    x = columns(frame, "cluster").assign(block=(frame["block"] == "odd").astype(float))
    found = itt(frame["ks"], x, frame["school"].to_numpy(), "treated").difference
    assert_same(row_in(answer, "itt", group=ARM, model="adjusted"), found)


def test_pupils_drawn_inside_schools_have_a_random_intercept_as_check(tmp_path: Path, monkeypatch) -> None:
    """As statsmodels' MixedLM fits it, with a stratum across schools held alike and none inside one."""
    frame = planted("multi_site")
    frame["block"] = frame["school"] + frame["sex"]
    answer = ask(write_trial(tmp_path, frame, keys("multi_site", more=", strata: [sex]")), monkeypatch)
    x = columns(frame, "cluster").assign(male=(frame["sex"] == "M").astype(float))
    peer = MixedLM(frame["ks"], x, frame["school"]).fit(reml=True)
    row = row_in(answer, "itt", group=ARM, model="check")
    assert (row.value, row.se) == pytest.approx((peer.params["treated"], peer.bse["treated"]), rel=1e-4)
    assert row.method.startswith("random intercept, REML")
    nested = ask(write_trial(tmp_path / "nested", frame, keys("multi_site", more=", strata: [block]")), monkeypatch)
    assert nested.row("itt", group=ARM, model="check") is None
    assert row_in(nested, "itt", group=ARM, model="adjusted").value is not None


def test_balance_is_that_inside_the_schools_lots_were_drawn_in(tmp_path: Path, monkeypatch) -> None:
    """Where more are drawn in schools that score higher, arms differ over all schools by design, and not inside one."""
    frame = planted("multi_site")
    higher = frame["school"].isin(sorted(frame["school"].unique())[:4])
    draws = np.random.default_rng(5).random(len(frame))
    frame["arm"] = np.where(draws < np.where(higher, 0.8, 0.2), "calls", "usual")
    frame["x"] += 10.0 * higher
    answer = ask(write_trial(tmp_path, frame, keys("multi_site")), monkeypatch)
    row = row_in(answer, "baseline_g", group=ARM, outcome="baseline", model="analysed")
    sides = [frame.loc[frame["arm"] == arm, "x"] for arm in ("calls", "usual")]
    raw = hedges_g(*sides)
    inside = contrast(ols(frame["x"], columns(frame, "multi_site").drop(columns="x")), {"treated": 1.0})
    assert raw.value > 0.4
    assert row.value == pytest.approx(inside.value * raw.j / raw.sd, rel=1e-7)
    assert abs(row.value) < 0.3


def test_each_of_several_arms_stands_against_control_alone(tmp_path: Path, monkeypatch) -> None:
    frame = planted("multi_site")
    rng = np.random.default_rng(4)
    frame.loc[(frame["arm"] == "calls") & (rng.random(len(frame)) < 0.4), "arm"] = "letters"
    answer = ask(write_trial(tmp_path, frame, keys("multi_site")), monkeypatch)
    for arm in ("calls", "letters"):
        part = frame[frame["arm"].isin([arm, "usual"])].reset_index(drop=True)
        x = columns(part, "multi_site").assign(treated=(part["arm"] == arm).astype(float))
        assert_same(
            row_in(answer, "itt", group=f"arm={arm}", model="adjusted"), contrast(ols(part["ks"], x), {"treated": 1.0})
        )


def test_over_a_hundred_schools_are_held_alike_as_if_each_had_a_column(tmp_path: Path, monkeypatch) -> None:
    frame = trial("multi_site", schools=105, each=6, effect=PLANTED)
    answer = ask(write_trial(tmp_path, frame, keys("multi_site", more=", subgroups: [fsm6]")), monkeypatch)
    row = row_in(answer, "itt", group=ARM, model="adjusted")
    assert "inside schools and strata" in row.method
    assert_same(row, by_hand(frame, "multi_site", frame["ks"]))
    member = (frame["fsm6"] != frame["fsm6"].mode()[0]).astype(float)
    x = columns(frame, "multi_site").assign(member=member, both=lambda d: d["member"] * d["treated"])
    assert_same(row_in(answer, "interaction"), contrast(ols(frame["ks"], x), {"both": 1.0}))


def test_numbers_for_schools_are_read_as_names(tmp_path: Path, monkeypatch) -> None:
    """Text or digits, the same trial: nothing is computed with a school's number."""
    frame = planted("cluster")
    named = frame.assign(school="S" + frame["school"] + "-x")
    one, two = (
        ask(write_trial(tmp_path / name, each, keys("cluster")), monkeypatch)
        for name, each in (("digits", frame), ("text", named))
    )
    for model in ("adjusted", "check"):
        first, second = (row_in(answer, "itt", group=ARM, model=model) for answer in (one, two))
        assert first.value == pytest.approx(second.value, rel=1e-9)
        assert first.df == pytest.approx(second.df, rel=1e-6)


def test_a_flat_truth_is_not_found(tmp_path: Path, monkeypatch) -> None:
    """Six null trials: an interval without 0 in two or more of them has a chance of 3%."""
    missed = 0
    for seed in range(6):
        frame = trial("multi_site", schools=6, each=20, effect=0.0, seed=100 + seed)
        row = row_in(
            ask(write_trial(tmp_path / str(seed), frame, keys("multi_site")), monkeypatch), "itt", model="adjusted"
        )
        missed += not row.low <= 0 <= row.high  # type: ignore[operator]
    assert missed <= 1
