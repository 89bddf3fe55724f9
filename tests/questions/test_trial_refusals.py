"""Trials that cannot be analysed as their study says: a named reason, on the page or at the door, no wrong number."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from trial_study import ask, keys, trial, write_trial

from attendlib.errors import AttendError
from attendlib.intake.protocol import freeze, protocol_path
from attendlib.intake.study import read_study
from attendlib.records.answer import Answer
from attendlib.stats.power import cluster_randomised, mdes


def cluster_trial(schools: int = 8, each: int = 20) -> pd.DataFrame:
    return trial("cluster", schools=schools, each=each, effect=0.3)


def answered(folder: Path, monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame, said: str, **more) -> Answer:
    answer = ask(write_trial(folder, frame, said, **more), monkeypatch)
    for row in answer.rows:
        assert row.value is None or np.isfinite(row.value), row
    return answer


def test_an_arm_of_one_school(tmp_path: Path, monkeypatch) -> None:
    frame = cluster_trial().assign(arm=lambda f: np.where(f["school"] == "900000", "calls", "usual"))
    answer = answered(tmp_path, monkeypatch, frame, keys("cluster"))
    assert answer.status == "too_few"
    assert answer.reasons == ("calls is one cluster: its own ways cannot be told from the arm's",)
    assert not answer.rows


def test_a_block_with_one_arm(tmp_path: Path, monkeypatch) -> None:
    """Two schools wholly in one arm tell nothing of the difference: the others do, and nothing breaks."""
    frame = trial("multi_site", schools=8, each=20, effect=0.3)
    frame.loc[frame["school"].isin(["900000", "900001"]), "arm"] = "usual"
    answer = answered(tmp_path, monkeypatch, frame, keys("multi_site"))
    rest = frame[~frame["school"].isin(["900000", "900001"])].reset_index(drop=True)
    alone = answered(tmp_path / "rest", monkeypatch, rest, keys("multi_site"))
    one, two = (each.row("itt", model="adjusted") for each in (answer, alone))
    assert one.value == pytest.approx(two.value, abs=0.6)  # type: ignore[union-attr]
    assert one.se == pytest.approx(two.se, rel=0.1)  # type: ignore[union-attr]
    check = next(check for check in answer.checks if check.name == "Strata with one arm")
    assert check.text == "2 of 8 strata or schools hold one arm only: nothing is compared inside them."
    assert "Strata with one arm" not in {check.name for check in alone.checks}


def test_an_outcome_that_is_the_same_for_all(tmp_path: Path, monkeypatch) -> None:
    answer = answered(tmp_path, monkeypatch, cluster_trial().assign(ks=50), keys("cluster"))
    assert (answer.status, answer.reasons) == ("too_few", ("the outcome is the same for every pupil",))


def test_no_variance_between_schools_is_said_and_caps_the_degrees_of_freedom(tmp_path: Path, monkeypatch) -> None:
    frame = cluster_trial(8, 20)
    frame["ks"] = frame["ks"] - frame.groupby("school")["ks"].transform("mean") + 50
    answer = answered(tmp_path, monkeypatch, frame, keys("cluster", baseline=None))
    row = answer.row("itt", model="adjusted")
    assert "no variance between clusters" in row.method  # type: ignore[union-attr]
    assert row.df == 6  # type: ignore[union-attr]  # 8 schools less arm and constant
    assert row.method.endswith("degrees of freedom: clusters less their own columns")  # type: ignore[union-attr]


def test_an_arm_that_nobody_has(tmp_path: Path, monkeypatch) -> None:
    said = keys("cluster").replace("control: usual", "control: waiting")
    answer = answered(tmp_path, monkeypatch, cluster_trial(), said)
    assert answer.status == "not_applicable"
    assert answer.reasons == ("No pupil was allocated to the control arm waiting; the arms are calls, usual.",)


def test_every_pupil_in_one_arm(tmp_path: Path, monkeypatch) -> None:
    answer = answered(tmp_path, monkeypatch, cluster_trial().assign(arm="usual"), keys("cluster"))
    assert answer.reasons == ("Every pupil was allocated to usual: there is nothing to compare.",)


def test_a_pupil_in_two_arms_is_refused_at_the_door(tmp_path: Path, monkeypatch) -> None:
    frame = cluster_trial()
    listed = pd.concat([frame, frame.head(3).assign(arm="usual"), frame.head(3).assign(arm="calls")])
    with pytest.raises(AttendError, match=r"allocation.csv, column .*: \d+ rows: .*twice|same"):
        answered(tmp_path, monkeypatch, frame, keys("cluster"), allocated=listed)


def test_schools_split_between_arms_are_no_cluster_trial(tmp_path: Path, monkeypatch) -> None:
    answer = answered(tmp_path, monkeypatch, trial("multi_site"), keys("cluster"))
    assert answer.reasons == ("8 of 8 clusters hold pupils of more than one arm: not a cluster trial.",)


def test_an_outcome_missing_from_a_whole_arm(tmp_path: Path, monkeypatch) -> None:
    frame = cluster_trial()
    frame.loc[frame["arm"] == "calls", "ks"] = np.nan
    answer = answered(tmp_path, monkeypatch, frame, keys("cluster"))
    assert (answer.status, answer.reasons) == (
        "too_few",
        ("fewer than 5 pupils of calls have an outcome and a baseline",),
    )
    assert {step.reason: step.lost for step in answer.steps} == {"randomised": 0, "no outcome": 80, "no baseline": 0}


def test_an_unknown_measure_is_refused_at_the_door(tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(AttendError, match="names ks4, which the table attainment does not have"):
        answered(tmp_path, monkeypatch, cluster_trial(), keys("cluster", "ks4"))


def test_a_stratum_the_data_do_not_have(tmp_path: Path, monkeypatch) -> None:
    answer = answered(tmp_path, monkeypatch, cluster_trial(), keys("cluster", more=", strata: [block]"))
    assert answer.reasons == ("The allocation table has no block for trial t1.",)


def test_an_allocation_that_lists_only_those_analysed_is_told(tmp_path: Path, monkeypatch) -> None:
    """No loss at all in a trial of schools is more likely a list made afterwards than a fact."""
    answer = answered(tmp_path, monkeypatch, cluster_trial(), keys("cluster"))
    check = next(check for check in answer.checks if check.name == "Everyone randomised is listed")
    assert check.passed is None
    assert "lists only pupils with an outcome" in check.text
    lossy = cluster_trial().assign(ks=lambda f: f["ks"].mask(f.index % 9 == 0))
    after = answered(tmp_path / "lossy", monkeypatch, lossy, keys("cluster"))
    assert "Everyone randomised is listed" not in {check.name for check in after.checks}


# Small losses


@pytest.mark.parametrize(("lost", "shown"), [(2, False), (6, True)])
def test_a_small_loss_of_one_arm_is_nowhere_to_be_read(lost: int, shown: bool, tmp_path: Path, monkeypatch) -> None:
    frame = trial("pupil", schools=1, each=101)
    frame["list_order"] = np.arange(101)
    of_arm = frame.index[frame["arm"] == "calls"][:lost]
    frame.loc[of_arm, "ks"] = np.nan
    more = ", assumed: {pupils: 120}, cost_per_pupil: 20, subgroups: [fsm6]"
    answer = answered(tmp_path, monkeypatch, frame, keys("pupil", more=more))
    left = 101 - lost
    assert answer.row("itt", model="adjusted").n == left  # type: ignore[union-attr]
    everyone = {row.n for row in answer.rows} | {row.value for row in answer.rows if row.unit == "pupils"}
    everyone |= {step.left for step in answer.steps}
    assert (101 in everyone) is shown
    assert bool(answer.select("attrition")) is shown
    texts = " ".join(check.text for check in answer.checks) + " ".join(row.method for row in answer.rows)
    assert "101" not in texts or shown


def test_a_few_without_a_baseline_are_nowhere_to_be_read(tmp_path: Path, monkeypatch) -> None:
    """Enough are lost in all, but two of an arm for want of a baseline: a count of those with one gives them away."""
    frame = trial("pupil", schools=1, each=120)
    calls = frame.index[frame["arm"] == "calls"]
    frame.loc[calls[:6], "ks"] = np.nan
    frame.loc[calls[6:8], "x"] = np.nan
    answer = answered(tmp_path, monkeypatch, frame, keys("pupil"))
    assert answer.row("flow", group="arm=calls", model="no outcome or no baseline").n == len(calls) - 8  # type: ignore[union-attr]
    assert {row.n for row in answer.rows} & {118, 112 + 2, len(calls) - 2} == set()


# The allocation itself


def test_an_allocation_sorted_by_school_number_is_caught(tmp_path: Path, monkeypatch) -> None:
    """As Magic Breakfast's: sorted by number inside strata, the first half to one arm."""
    frame = trial("cluster", schools=24, each=8)
    number = frame["school"].str[-4:].astype(int)
    frame["block"] = np.where(number < 12, "north", "south")
    sorted_ = frame.assign(arm=np.where(number % 12 < 6, "calls", "usual"))
    said = keys("cluster", "absence", more=", strata: [block], smallest_worthwhile_days: 2")
    answer = answered(tmp_path / "sorted", monkeypatch, sorted_, said)
    check = next(check for check in answer.checks if check.name == "Order of the list (school number)")
    assert check.passed is False
    assert answer.verdict == "Cannot tell"
    rng = np.random.default_rng(8)
    arms = np.concatenate([rng.permutation(np.repeat(["calls", "usual"], 6)) for _ in range(2)])
    drawn = answered(tmp_path / "drawn", monkeypatch, frame.assign(arm=arms[number]), said)
    assert next(c for c in drawn.checks if c.name == check.name).passed is True


def test_an_allocation_sorted_by_local_authority_inside_strata_is_caught(tmp_path: Path, monkeypatch) -> None:
    """Schools' numbers say nothing of their authority here, so only the order by authority shows it."""
    frame = trial("cluster", schools=24, each=8)
    number = frame["school"].str[-4:].astype(int)
    frame["block"] = np.where(number % 2 == 0, "large", "small")
    authority = 7 * number % 24 // 2  # the same in neighbours by no number
    place = authority.groupby(frame["block"]).rank(method="dense")
    sorted_ = frame.assign(arm=np.where(place <= 6, "calls", "usual"))
    study = write_trial(tmp_path, sorted_, keys("cluster", more=", strata: [block]"))
    schools = pd.read_csv(tmp_path / "data" / "schools.csv", dtype=str)
    known = {school: f"LA{code:02d}" for school, code in zip(frame["school"], authority, strict=True)}
    schools.assign(local_authority=schools["school"].map(known)).to_csv(tmp_path / "data" / "schools.csv", index=False)
    passed = {check.name: check.passed for check in ask(study, monkeypatch).checks}
    assert passed["Order of the list (local authority and school number)"] is False
    assert passed["Order of the list (school number)"] is True


def test_attrition_is_told_by_arm_and_as_a_difference(tmp_path: Path, monkeypatch) -> None:
    frame = trial("pupil", schools=1, each=200)
    for arm, lost in (("calls", 12), ("usual", 30)):
        frame.loc[frame.index[frame["arm"] == arm][:lost], "ks"] = np.nan
    answer = answered(tmp_path, monkeypatch, frame, keys("pupil"))
    found = {(row.group, row.model): row.value for row in answer.select("attrition")}
    assert found == {("arm=calls", ""): 12.0, ("arm=usual", ""): 30.0, ("", ""): 21.0,
                     ("arm=calls", "differential"): -18.0}  # fmt: skip


def test_the_detectable_effect_at_randomisation_uses_each_clusters_own_size(tmp_path: Path, monkeypatch) -> None:
    frame = trial("cluster", schools=12, each=30)
    frame = frame[(frame["school"] != "900000") | (frame.groupby("school").cumcount() < 6)].reset_index(drop=True)
    more = ", assumed: {pupils: 360, clusters: 12, icc: 0.2, r2_pupil: 0.4}"
    answer = answered(tmp_path, monkeypatch, frame, keys("cluster", more=more))
    design = cluster_randomised(12, [6.0, *[30.0] * 11], 0.2, r2_pupil=0.4)
    row = answer.row("mdes", model="randomisation")
    assert row.value == pytest.approx(mdes(design), rel=1e-9)  # type: ignore[union-attr]


def test_an_allocation_in_the_order_of_the_list_is_caught(tmp_path: Path, monkeypatch) -> None:
    frame = trial("pupil", schools=1, each=80).assign(list_order=np.arange(80))
    cut = frame.assign(arm=np.where(frame["list_order"] < 40, "calls", "usual"))
    answer = answered(tmp_path, monkeypatch, cut, keys("pupil"))
    assert next(c for c in answer.checks if c.name == "Order of the list (the list's order)").passed is False


def test_arms_sorted_by_their_baseline_are_caught(tmp_path: Path, monkeypatch) -> None:
    frame = trial("pupil", schools=1, each=80)
    best = frame["x"].rank() > 40
    answer = answered(tmp_path, monkeypatch, frame.assign(arm=np.where(best, "calls", "usual")), keys("pupil"))
    assert next(c for c in answer.checks if c.name == "Balance beside lots drawn anew (calls)").passed is False


def test_a_shareable_page_rounds_its_counts_and_shows_no_loss_under_ten(tmp_path: Path, monkeypatch) -> None:
    frame = trial("pupil", schools=1, each=121, effect=0.3).assign(list_order=np.arange(121))
    frame.loc[frame.index[frame["arm"] == "calls"][:8], "ks"] = np.nan
    answer = answered(tmp_path, monkeypatch, frame, keys("pupil"), audience="shareable")
    assert answer.status == "done"
    assert {row.n % 5 for row in answer.rows if row.n is not None} == {0}
    assert not answer.select("attrition")
    assert {(row.value, row.withheld) for row in answer.select("flow_lost")} <= {(None, "c")}
    assert not any(word in check.text for check in answer.checks for word in ("121", "113"))


# The plan


def test_the_page_says_whether_the_draw_was_changed_after_freezing(tmp_path: Path, monkeypatch) -> None:
    study = write_trial(tmp_path, cluster_trial(), keys("cluster", "absence"))
    written = study.read_text(encoding="utf-8")
    draw = "randomise: {{trial: t1, unit: school, arms: [calls, usual], shares: [{}, 1]}}\n"
    study.write_text(written + draw.format(1), encoding="utf-8")

    def said() -> str:
        return next(check.text for check in ask(study, monkeypatch).checks if check.name.startswith("Kept to a plan"))

    assert "No plan was frozen" in said()
    freeze(read_study(study), "2024-07-19")
    assert "up to 2024-07-19 was held: before the outcome began. The run kept to it." in said()
    study.write_text(written + draw.format(2), encoding="utf-8")
    assert "Changed since: randomise.shares: [1, 1] when frozen, [2, 1] now." in said()
    protocol_path(read_study(study)).unlink()
    study.write_text(written.replace("outcome: absence", "outcome: ks3"), encoding="utf-8")
    freeze(read_study(study), "2024-07-19")
    assert "whether results were held then is not recorded. The run kept to it." in said()
