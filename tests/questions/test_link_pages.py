"""Whole answers of attainment_link: data nobody can answer from get a page that says why; real data without a clear
link do not get one."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from link_pupils import PLANTED, made_pupils
from link_study import ask, write_study
from shared import shared

from attendlib.errors import AttendError
from attendlib.records.answer import Answer
from attendlib.words.rule import causal_words
from attendlib.words.stories import tell

MATHS = "{outcome: maths}"
SHARE = "{outcome: {measure: maths, at_least: 50}, prior: ks2, adjust_for: [fsm6, sex]}"


def cohort(n: int = 80, seed: int = 1) -> pd.DataFrame:
    """Year 10 of one school."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"pupil": [f"P{i:03d}" for i in range(n)], "school": "900001", "year_group": 10})
    absent = rng.binomial(300, np.minimum(np.exp(rng.normal(np.log(0.06), 0.9, n)), 0.9))
    return frame.assign(possible=300, absent=absent, fsm6=rng.integers(0, 2, n), sex=rng.choice(["F", "M"], n))


def marks(frame: pd.DataFrame, values: object, measure: str = "maths", year: str = "2024/25") -> pd.DataFrame:
    return pd.DataFrame({"pupil": frame["pupil"], "academic_year": year, "measure": measure, "value": values})


def answered(
    folder: Path, monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame, results: pd.DataFrame, keys: str = MATHS
) -> Answer:
    return ask(write_study(folder, frame, results, keys), "900001", monkeypatch)


def test_a_result_that_is_all_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answered(tmp_path, monkeypatch, cohort(), marks(cohort(), 50))
    assert (answer.status, answer.verdict) == ("done", "Too few pupils to tell")
    assert answer.reasons == ("every pupil has the same result",)


def test_every_pupil_over_the_threshold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = "{outcome: {measure: maths, at_least: 1}}"
    answer = answered(tmp_path, monkeypatch, cohort(), marks(cohort(), range(20, 100)), keys)
    assert answer.reasons == ("every pupil has the same result",)
    assert answer.row("result_by_band", group="").withheld == "c"  # type: ignore[union-attr]


def test_results_that_are_all_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answered(tmp_path, monkeypatch, cohort(), marks(cohort(), np.nan))
    assert (answer.status, answer.reasons) == ("too_few", ("fewer than 5 pupils have both attendance and a result",))
    assert [step.lost for step in answer.steps if step.reason == "no result"] == [80]


def test_one_pupil_in_each_band(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = cohort(6).assign(absent=[0, 20, 40, 50, 90, 200])
    answer = answered(tmp_path, monkeypatch, frame, marks(frame, [60, 55, 50, 45, 40, 35]))
    assert answer.verdict == "Too few pupils to tell"
    assert [(row.group, row.n) for row in answer.select("result_by_band")] == [("absence_band=0-100", 6), ("", 6)]


def test_absence_over_100_percent_is_refused_at_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = cohort()
    frame.loc[3, "absent"] = 301
    with pytest.raises(AttendError, match="more sessions absent"):
        answered(tmp_path, monkeypatch, frame, marks(frame, range(80)))


def test_a_pupil_in_two_schools_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = cohort()
    moved = frame.iloc[:10].assign(school="900002", possible=320, absent=10)
    results = marks(frame, range(80))
    answer = answered(tmp_path, monkeypatch, pd.concat([frame, moved]), results)
    lost = {step.reason: (step.lost, step.left) for step in answer.steps}
    assert lost["counted in another school, where they were longer or sat the test"] == (10, 70)
    assert answer.row("result_by_band", group="").n == 70  # type: ignore[union-attr]


def test_a_result_counts_in_the_school_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = cohort()
    moved = frame.iloc[:10].assign(school="900002", possible=320, absent=10)
    results = marks(frame, range(80)).assign(school="900001")
    answer = answered(tmp_path, monkeypatch, pd.concat([frame, moved]), results)
    assert answer.row("result_by_band", group="").n == 80  # type: ignore[union-attr]


def test_no_prior_results_in_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Year 11 of 2024/25, whose Key Stage 2 tests were not held: without them, and the page says what that costs."""
    frame = cohort(200)
    scores = 60 - 60 * frame["absent"] / 300 + np.random.default_rng(3).normal(0, 3, 200)
    keys = "{outcome: maths, prior: ks2, adjust_for: [fsm6, sex]}"
    results = pd.concat([marks(frame, scores), marks(frame.iloc[:6], 100, "ks2", "2019/20")])
    answer = answered(tmp_path, monkeypatch, frame, results, keys)
    assert answer.verdict == "Clear link"
    assert answer.reasons == ("earlier results are not held alike, so it may be older than the year",)
    assert (answer.context["prior"], answer.context["prior_unused"]) == ("", "ks2")
    assert "no prior result" not in {step.reason for step in answer.steps}


def test_a_threshold_that_a_characteristic_settles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every girl reaches it and no boy does: no model may run off, and no traceback is made."""
    frame = cohort(120)
    scores = np.where(frame["sex"] == "F", 60, 40)
    results = pd.concat([marks(frame, scores), marks(frame, range(120), "ks2", "2019/20")])
    answer = answered(tmp_path, monkeypatch, frame, results, SHARE)
    assert answer.status == "done"
    for row in answer.rows:
        assert row.value is None or np.isfinite(row.value)


def test_more_to_hold_alike_than_pupils_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = cohort(60).assign(previous_school=[f"from {i}" for i in range(60)])
    results = marks(frame, 60 - frame["absent"] / 3)
    answer = answered(tmp_path, monkeypatch, frame, results, "{outcome: maths, adjust_for: [previous_school]}")
    assert answer.row("link", scope="school", model="adjusted") is None
    assert answer.verdict == "Too few pupils to tell"
    assert answer.reasons == ("pupils are too few to hold anything alike, and nothing rests on raw figures",)


@pytest.mark.parametrize("contrast", ["[2, 10]", "[10, 10]", "[10, -1]"])
def test_a_contrast_of_less_against_more_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, contrast: str
) -> None:
    with pytest.raises(AttendError, match="contrast_pct"):
        answered(
            tmp_path, monkeypatch, cohort(), marks(cohort(), range(80)), f"{{outcome: maths, contrast_pct: {contrast}}}"
        )


def test_twenty_five_pupils(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = cohort(25)
    scores = 50 + np.random.default_rng(2).normal(0, 10, 25)
    answer = answered(tmp_path, monkeypatch, frame, marks(frame, scores), "{outcome: maths, adjust_for: [fsm6, sex]}")
    assert (answer.status, answer.verdict) == ("done", "Too few pupils to tell")
    assert answer.reasons


def test_real_pupils_whose_absence_has_no_clear_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """395 Portuguese pupils (UCI Student Performance, maths): first grade and absences hardly go together (r = -0.03).

    Absences are counted as days of a nominal 180, since the file does not say how many were possible.
    """
    source = pd.read_csv(shared("dfe/pupils_uci_student_math.csv"))
    assert source["absences"].corr(source["G1"]) == pytest.approx(-0.031, abs=0.001)
    frame = pd.DataFrame({"pupil": [f"P{i:03d}" for i in range(len(source))], "school": "900001", "year_group": 11})
    frame = frame.assign(possible=360, absent=2 * source["absences"], sex=source["sex"])
    answer = answered(tmp_path, monkeypatch, frame, marks(frame, source["G1"]), "{outcome: maths, adjust_for: [sex]}")
    assert answer.verdict in ("No clear link", "Too few pupils to tell")
    assert answer.row("link", scope="school", model="adjusted").n == 395  # type: ignore[union-attr]


def ten_schools(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ten schools of 120 pupils whose lower ones miss more, the planted link the same in each."""
    made = made_pupils(seed, 120, schools=10)
    made["school"] = "90000" + made["school"].str[1:]
    frame = made[["pupil", "school", "absent", "possible"]].assign(year_group=10, fsm6=made["fsm6"].astype(int))
    return frame, pd.concat(
        [marks(made, made["result"].round(2)), marks(made, made["prior"].round(2), "ks2", "2019/20")]
    )


def test_a_school_beside_nine_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = "{outcome: maths, prior: ks2, adjust_for: [fsm6]}"
    frame, results = ten_schools(3)
    answer = answered(tmp_path, monkeypatch, frame, results, keys)
    for model in ("adjusted", "random_intercept"):
        row = answer.row("link", scope="all", model=model)
        assert row is not None, model
        assert (row.n, row.n_groups) == (1200, 10)
        assert row.low < PLANTED < row.high  # type: ignore[operator]
    beside = answer.row("link_beside_others", scope="school")
    assert beside is not None
    assert beside.low < 0 < beside.high  # type: ignore[operator]
    section = next(each for each in tell(answer).sections if each.title == "Beside the other schools")
    assert section.sentences[0].startswith("Too few pupils to tell this school's difference apart")
    words = " ".join(text for each in tell(answer).sections for text in each.sentences)
    assert "average" not in words
    assert causal_words(words) == ()


def test_no_withheld_figure_can_be_had_by_subtraction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pair of counts of pupils told for this school differs by none or by five or more."""
    rng = np.random.default_rng(8)
    for seed in range(6):
        folder = tmp_path / str(seed)
        folder.mkdir()
        frame = cohort(90, seed)
        scores = np.where(rng.random(90) < 0.1, np.nan, 60 + rng.normal(0, 8, 90))
        priors = marks(frame[rng.random(90) < 0.95], 100.0, "ks2", "2019/20")
        priors["value"] = rng.normal(100, 10, len(priors))
        answer = answered(folder, monkeypatch, frame, pd.concat([marks(frame, scores), priors]), SHARE)
        whole = {row.n for row in answer.rows if row.n is not None and row.estimate in ("link", "missing_result")}
        whole = {n for n in whole if n > 45} | {step.left for step in answer.steps if step.left is not None}
        apart = [b - a for a, b in pairwise(sorted(whole))]
        assert all(gap >= 5 for gap in apart), (seed, sorted(whole))
