"""One school over time through the question itself: pages that are made, and the reason for each that is not."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from trust import STUDY, Trust

from attendlib.intake import frames
from attendlib.intake.synthetic.write import write_trust
from attendlib.notebook import impact_details
from attendlib.questions.intervention_impact import intervention_impact
from attendlib.records.answer import Answer
from attendlib.words.reading import reading_age
from attendlib.words.rule import causal_words
from attendlib.words.stories import tell

STARTS = {"gate": "2025-01-06", "october": "2024-09-30", "late": "2026-01-05", "early": "2023-09-04",
          "soon": "2023-09-18"}  # fmt: skip
LEFT_OUT = 'exclude_dates: [{from: 2024-01-01, to: 2024-03-29, reason: "lost"}]\n'
KEYS: dict[str, Any] = {"smallest_worthwhile_days": 2.0, "design": "series"}
GATE = {"intervention": "gate"}
SINCE_DECEMBER = {"baseline": {"from": "2024-12-09", "to": "2025-01-05"}}
# what is asked, the page's school, status, words of the reason
REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    (GATE, "all", "not_applicable",
     "fewer than two schools have a course of their own since the gate began: see the pages of the schools where it did"
     " (Invented Primary 1)"),
    (GATE, "999002", "not_applicable", "the schools where it did (Invented Primary 1)"),
    ({"intervention": "nothing"}, "999001", "not_applicable", "no school or year group is known to have started"),
    ({"intervention": "tutor_calls"}, "999006", "not_applicable", "given to pupils by name"),
    ({"intervention": "late_gate"}, "999006", "too_few", "fewer than three other secondary schools"),
    ({**GATE, "comparison": "same_school"}, "999001", "too_few", "nobody is left to compare with"),
    ({**GATE, "comparison": "national"}, "999001", "not_applicable", "set `period: week`"),
    ({**GATE, "comparison": "national", "period": "week"}, "999001", "not_applicable", "0 weeks are published"),
    ({**GATE, "period": "week", **SINCE_DECEMBER}, "999001", "not_applicable", "2 weeks are held from before"),
    ({**GATE, "baseline": {"from": "2024-06-03", "to": "2025-01-05"}}, "999001", "not_applicable",
     "3 half-terms are held from before the start and this design needs 6"),
    ({"intervention": "late"}, "999001", "not_applicable", "after the attendance data end"),
    ({"intervention": "early"}, "999001", "not_applicable",
     "began the early in the first half-term held, so nothing is known from before"),
    ({"intervention": "soon"}, "999001", "not_applicable",
     "began the soon in the first half-term held, so nothing is known from before"),
    ({"intervention": "early", "period": "week"}, "999001", "not_applicable", "began the early in the first week held"),
]  # fmt: skip


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """The invented trust, smaller, with more starts at its first school."""
    folder = tmp_path_factory.mktemp("begun")
    write_trust(folder / "data", schools=6, pupils=700)
    rows = pd.read_csv(folder / "data" / "interventions.csv", dtype=str)
    starts = [{"intervention": name, "school": "999001", "start_date": day} for name, day in STARTS.items()]
    starts += [
        {"intervention": "in_turn", "school": "999001", "year_group": group, "start_date": day}
        for group, day in (("3", "2024-11-04"), ("4", "2025-02-24"))
    ]
    extra = pd.DataFrame(starts).assign(status="started")
    pd.concat([rows, extra]).to_csv(folder / "data" / "interventions.csv", index=False)
    return study_on(folder, "study")


def study_on(folder: Path, name: str, more: str = "") -> Trust:
    study = folder / "params" / f"{name}.yml"
    study.parent.mkdir(exist_ok=True)
    study.write_text(STUDY.format(audience="internal").replace("test-trust", name) + more, encoding="utf-8")
    return Trust(study, {})


def ask(trust: Trust, monkeypatch: pytest.MonkeyPatch, school: str, **keys: Any) -> Answer:
    return intervention_impact(trust.pupils(school, monkeypatch), **{**KEYS, **keys})


@pytest.mark.parametrize(("changed", "school", "status", "said"), REFUSED)
def test_refused_with_a_reason(
    begun: Trust, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], school: str, status: str, said: str
) -> None:
    answer = ask(begun, monkeypatch, school, **changed)
    assert (answer.status, answer.rows) == (status, ())
    assert said in answer.reasons[0]
    assert said in tell(answer).sentences[0]


def test_a_missing_term_is_refused(begun: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = study_on(begun.study.parents[1], "lost", LEFT_OUT)
    answer = ask(lost, monkeypatch, "999001", **GATE)
    assert answer.status == "not_applicable"
    assert "attendance is missing in between (2023/24-3, 2023/24-4)" in answer.reasons[0]


@pytest.mark.parametrize(
    ("lost", "status", "said"),
    [
        ("rows", "not_applicable", "attendance of this school is missing in some of the periods the others have"),
        ("pupils", "too_few", "this school held too few pupils in some period"),
    ],
)
def test_a_gap_of_one_school_is_not_few_pupils(
    begun: Trust, monkeypatch: pytest.MonkeyPatch, lost: str, status: str, said: str
) -> None:
    held = frames.absence_by_group

    def changed(*asked: Any) -> pd.DataFrame:
        cells = held(*asked)
        here = (cells["school"] == "999001") & (cells["academic_year"] == "2023/24") & (cells["period"] == "4")
        return cells[~here] if lost == "rows" else cells.assign(pupils=cells["pupils"].mask(here, 0.1))

    monkeypatch.setattr(frames, "absence_by_group", changed)
    answer = ask(begun, monkeypatch, "999001", **GATE)
    assert (answer.status, answer.rows) == (status, ())
    assert said in answer.reasons[0]


def test_only_the_year_groups_that_began_first_are_told_of_and_named(
    begun: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ask(begun, monkeypatch, "999001", intervention="in_turn", comparison="same_school")
    which = "the year groups that began the in turn on 4 November 2024 (1 of 2)"
    assert f"pupils in {which} missed" in tell(answer).sentences[0]
    (later,) = (step for step in answer.steps if step.reason == "year groups here that began later")
    assert later.lost > 0
    assert ask(begun, monkeypatch, "999001", **GATE).context["which"] == ""


MADE = [
    ({**GATE}, "999001", 4),
    ({**GATE, "period": "week"}, "999001", 4),
    ({"intervention": "breakfast_club", "comparison": "same_school"}, "999003", 2),
    ({"intervention": "october", "comparison": "national", "period": "week"}, "999001", 1),
    ({**GATE, "comparison": "none"}, "999001", 1),
]


@pytest.mark.parametrize(("keys", "school", "fewest_groups"), MADE)
def test_a_page_is_made(
    begun: Trust, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], school: str, fewest_groups: int
) -> None:
    answer = ask(begun, monkeypatch, school, **keys)
    assert answer.status == "done"
    points, days = (answer.row(name, model="series") for name in ("points_fewer", "days_fewer_in_window"))
    assert points is not None
    assert days is not None
    assert points.n_groups is not None
    assert points.n_groups >= fewest_groups
    assert days.value == pytest.approx(points.value * _days(answer) / 100, rel=0.01)  # type: ignore[operator]
    assert answer.row("points_fewer", model="same_season") is not None
    assert answer.row("autocorrelation") is not None
    assert bool(answer.select("placebo")) == (keys.get("comparison") != "none")  # whose season leaves too few periods
    assert len(answer.select("choice")) > 5
    assert answer.select("choice")[0].group == answer.context["main_choice"]
    for story in (tell(answer), tell(impact_details(answer))):
        told = [*story.sentences, *story.caveats, *(chart.alt for chart in story.charts)]
        assert causal_words("\n".join(told)) == ()
        assert story.sentences
    assert reading_age(" ".join(tell(answer).sentences[:5])) < 13


def _days(answer: Answer) -> float:
    return float(answer.context["window_days"])


def test_one_series_alone_cannot_tell(begun: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(begun, monkeypatch, "999001", **GATE, comparison="none")
    assert answer.verdict == "Cannot tell"
    assert "Only this school's own course is held" in answer.reasons[0]
    assert "Not begun after its worst spell" not in {check.name for check in answer.checks}  # winter's, not its own


@pytest.mark.parametrize(("shift", "passed"), [(0.05, False), (-0.05, True)])
def test_begun_after_its_worst_spell(begun: Trust, monkeypatch: pytest.MonkeyPatch, shift: float, passed: bool) -> None:
    held = frames.absence_by_group

    def changed(*asked: Any) -> pd.DataFrame:
        cells = held(*asked)
        last = (cells["school"] == "999001") & (cells["academic_year"] == "2024/25") & cells["period"].isin(["1", "2"])
        return cells.assign(rate_per_pupil=cells["rate_per_pupil"] + shift * last)

    monkeypatch.setattr(frames, "absence_by_group", changed)
    answer = ask(begun, monkeypatch, "999001", **GATE)
    (check,) = (check for check in answer.checks if check.name == "Not begun after its worst spell")
    assert check.passed is passed
    if not passed:
        assert answer.verdict == "Cannot tell"
        assert "The two half-terms before the start were the worst two in a row of the 8 held" in check.text


def test_other_schools_stand_together_on_the_page(begun: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    """The school, the mean of three others, and the course carried on: no single other school."""
    answer = ask(begun, monkeypatch, "999001", **GATE)
    sides = {row.group.rpartition("side=")[2] for row in answer.select("absence_over_time")}
    assert sides == {"school", "carried", "compared"}
    compared = answer.row("absence_over_time", group="period=2023/24-1;side=compared")
    school = answer.row("absence_over_time", group="period=2023/24-1;side=school")
    assert compared is not None
    assert school is not None
    assert compared.n is not None
    assert school.n is not None
    assert compared.n > 2 * school.n
    assert "9990" not in str([row.group for row in answer.rows])


def test_placebo_dates_are_the_studys_own(begun: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(begun, monkeypatch, "999001", **GATE, placebo_dates=["2024-04-15", "2023-09-04"])
    checks = {check.name: check for check in answer.checks if check.name.startswith("Placebo")}
    assert list(checks) == ["Placebo start on 4 September 2023", "Placebo start on 15 April 2024"]
    assert checks["Placebo start on 4 September 2023"].passed is None
    assert [row.group for row in answer.select("placebo")] == ["start=2024-04-15"]
