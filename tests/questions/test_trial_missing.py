"""Pupils without an outcome: the 5% rule, the drop-out model, gaps filled in, and the tipping point."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from trial_study import ask, keys, trial, write_trial

from attendlib.facts.trials import UNCHECKED
from attendlib.questions.common import indicators
from attendlib.questions.trial import missing
from attendlib.questions.trial.sample import Plan, Sample
from attendlib.records.answer import Answer, Row
from attendlib.stats.logistic import average_difference, logit
from attendlib.stats.ols import ols

ARM = "arm=calls"


def lossy(design: str, share: float, effect: float = 0.6, seed: int = 3) -> pd.DataFrame:
    """More of the control's pupils are lost, whatever they would have scored."""
    schools, each = {"cluster": (12, 24), "multi_site": (6, 36), "pupil": (1, 200)}[design]
    frame = trial(design, schools=schools, each=each, effect=effect, seed=seed)
    lost = np.random.default_rng(seed).random(len(frame)) < np.where(frame["arm"] == "calls", 1, 1.6) * share
    return frame.assign(ks=frame["ks"].mask(lost))


def answered(folder: Path, monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame, said: str, **more) -> Answer:
    return ask(write_trial(folder, frame, said, **more), monkeypatch)


def the(answer: Answer, estimate: str, **labels: str) -> Row:
    row = answer.row(estimate, **labels)
    assert row is not None, (estimate, labels)
    return row


@pytest.mark.parametrize("design", ["cluster", "multi_site", "pupil"])
def test_at_5_percent_missing_the_gaps_are_filled_in(design: str, tmp_path: Path, monkeypatch) -> None:
    frame = lossy(design, 0.12)
    answer = answered(tmp_path, monkeypatch, frame, keys(design, more=", subgroups: [fsm6]"))
    rule = the(answer, "missing_rule")
    assert rule.method.startswith("5% or more of the pupils randomised are missing")
    assert UNCHECKED in rule.method
    main, imputed = (the(answer, "itt", group=ARM, model=model) for model in ("adjusted", "imputed"))
    assert imputed.n == len(frame)
    assert main.n == int(frame["ks"].notna().sum())
    assert abs(imputed.value - main.value) < main.se  # type: ignore[operator]  # lost at random: little changes
    assert imputed.df < main.df * len(frame) / main.n  # type: ignore[operator]
    assert ("random intercepts drawn too" in imputed.method) is (design == "cluster")


def test_under_5_percent_complete_cases_suffice(tmp_path: Path, monkeypatch) -> None:
    frame = trial("multi_site", schools=8, each=50, effect=0.3)
    frame.loc[frame.groupby("arm").head(6).index, "ks"] = np.nan
    answer = answered(tmp_path, monkeypatch, frame, keys("multi_site"))
    assert the(answer, "missing_rule").method.startswith("Under 5% of the pupils randomised are missing")
    assert answer.row("itt", model="imputed") is None
    assert answer.select("dropout")


def test_nobody_missing(tmp_path: Path, monkeypatch) -> None:
    answer = answered(tmp_path, monkeypatch, trial("pupil", schools=1, each=80), keys("pupil"))
    assert the(answer, "missing_rule").method.startswith("No pupil who was randomised is missing")
    assert not answer.select("dropout")


def test_a_few_missing_are_not_told(tmp_path: Path, monkeypatch) -> None:
    frame = trial("pupil", schools=1, each=60)
    frame.loc[frame.index[frame["arm"] == "calls"][:4], "ks"] = np.nan
    answer = answered(tmp_path, monkeypatch, frame, keys("pupil"))
    rule = the(answer, "missing_rule")
    assert "so few in an arm that figures about them are withheld" in rule.method
    assert rule.n == 56
    assert not answer.select("dropout")
    assert answer.row("itt", model="imputed") is None


def test_the_drop_out_model_is_the_numeric_cores(tmp_path: Path, monkeypatch) -> None:
    frame = lossy("pupil", 0.15).assign(block=lambda f: np.where(f["sex"] == "F", "f", "m"))
    answer = answered(tmp_path, monkeypatch, frame, keys("pupil", more=", strata: [block]"))
    x = pd.DataFrame({"treated": (frame["arm"] == "calls").astype(float), "constant": 1.0})
    x = x.assign(baseline=(frame["x"] - frame["x"].mean()) / frame["x"].std(ddof=1))
    x = pd.concat([x, indicators(frame, ["block"])], axis=1)
    fit = logit(frame["ks"].isna().astype(float), x)
    found = average_difference(fit, x.assign(treated=1.0), x.assign(treated=0.0)).difference
    row = the(answer, "dropout", outcome="arm")
    assert (row.value, row.low, row.high) == (
        pytest.approx(100 * found.value), pytest.approx(100 * found.low), pytest.approx(100 * found.high)
    )  # fmt: skip
    assert row.n == len(frame)
    assert {r.outcome for r in answer.select("dropout")} == {"arm", "baseline", x.columns[-1]}
    assert "logistic" in row.method


def test_a_column_that_settles_who_is_missing_leaves_least_squares(tmp_path: Path, monkeypatch) -> None:
    """One school lost nobody, so no logistic has an answer."""
    frame = lossy("multi_site", 0.15)
    frame.loc[frame["school"] == "900002", "ks"] = 50.0 + frame["x"] / 10
    answer = answered(tmp_path, monkeypatch, frame, keys("multi_site"))
    x = pd.DataFrame({"treated": (frame["arm"] == "calls").astype(float), "constant": 1.0, "x": frame["x"]})
    fit = ols(frame["ks"].isna().astype(float), pd.concat([x, indicators(frame, ["school"])], axis=1))
    row = the(answer, "dropout", outcome="arm")
    assert row.value == pytest.approx(100 * fit.coef["treated"])
    assert row.method.startswith("least squares")


def test_dropping_out_that_goes_with_the_baseline_is_seen(tmp_path: Path, monkeypatch) -> None:
    frame = trial("pupil", schools=1, each=300)
    low = frame["x"] < frame["x"].quantile(0.3)
    frame.loc[low & (frame.index % 2 == 0), "ks"] = np.nan
    row = the(answered(tmp_path, monkeypatch, frame, keys("pupil")), "dropout", outcome="baseline")
    assert row.high < 0  # type: ignore[operator]
    assert row.unit.endswith("a standard deviation")


def test_beyond_the_tipping_point_the_interval_takes_in_nought() -> None:
    """One site, no baseline: shifting the arm's gaps by hand, in the same filled sets, tips the interval."""
    frame = lossy("pupil", 0.15)
    plan = Plan("t1", "pupil", "usual", "ks3", ("2024/25",), None, None, (), (), None)
    rows = frame.assign(y=frame["ks"], x=np.nan, cluster=frame["school"], year="2024/25")
    sample = Sample(rows, ("calls",), "usual", plan, 190.0)
    _, tipping = missing.imputed_rows(sample, "calls", 5, True)
    assert tipping.estimate == "tipping_shift"
    filled = missing._filled(sample, "calls", 5)
    for factor, inside in ((0.95, False), (1.05, True)):
        found = missing._pooled(filled, plan, -factor * tipping.value).estimate  # type: ignore[operator]
        assert (found.low <= 0) is inside


def test_no_tipping_point_where_the_interval_holds_nought(tmp_path: Path, monkeypatch) -> None:
    answer = answered(tmp_path, monkeypatch, lossy("pupil", 0.15, effect=0.0), keys("pupil"))
    assert the(answer, "itt", model="imputed").low < 0  # type: ignore[operator]
    assert not answer.select("tipping_shift")


def test_loss_that_goes_with_the_baseline_is_put_right(tmp_path: Path, monkeypatch) -> None:
    """The arm loses its able pupils, control its less able; a model without baseline is pulled down, one filled in with
    the subgroup that carries the baseline is not."""
    frame = trial("pupil", schools=1, each=600, effect=0.5, seed=6)
    high = frame["x"] > frame["x"].median()
    frame["fsm6"] = high.astype(int)
    away = np.random.default_rng(2).random(len(frame)) < 0.6
    frame.loc[away & (high == (frame["arm"] == "calls")), "ks"] = np.nan
    answer = answered(tmp_path, monkeypatch, frame, keys("pupil", baseline=None, more=", subgroups: [fsm6]"))
    main, imputed = (the(answer, "itt", group=ARM, model=model) for model in ("adjusted", "imputed"))
    assert main.high < 5  # type: ignore[operator]  # planted: 5 points
    assert imputed.low < 5 < imputed.high  # type: ignore[operator]


@pytest.mark.parametrize("design", ["cluster", "multi_site"])
def test_a_school_or_block_lost_whole(design: str, tmp_path: Path, monkeypatch) -> None:
    """Nothing tells its level: the model's own column takes that up, and the difference stays where it was."""
    frame = lossy(design, 0.1)
    frame["block"] = np.where(frame["school"] < "900002", "a", "b")
    frame.loc[frame["school"] < ("900002" if design == "cluster" else "900001"), "ks"] = np.nan
    answer = answered(tmp_path, monkeypatch, frame, keys(design, more=", strata: [block]"))
    main, imputed = (the(answer, "itt", group=ARM, model=model) for model in ("adjusted", "imputed"))
    assert imputed.n == len(frame)
    assert abs(imputed.value - main.value) < main.se  # type: ignore[operator]
    assert imputed.se < 1.5 * main.se  # type: ignore[operator]
