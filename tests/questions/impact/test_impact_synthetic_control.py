"""One school beside a mixture of others, from the study's keys to the page: what is told, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from trust import Trust

from attendlib.intake import frames
from attendlib.notebook import impact_details, intervention_impact
from attendlib.questions.impact import pool as pools
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.designs import synthetic_control as designs
from attendlib.questions.impact.designs.synthetic_control import spell_check
from attendlib.questions.impact.pool import hidden, hidden_beside_plain_mean, one_school_check, refuse_readable
from attendlib.records.answer import Answer
from attendlib.stats.synthetic_control import Synthetic, synthetic_control
from attendlib.words.reading import reading_age
from attendlib.words.rule import causal_words
from attendlib.words.stories import tell

HERE, START = "999006", "2025-01-06"
OTHERS = ["999001", "999002", "999003", "999004", "999005"]
KEYS: dict[str, Any] = {
    "intervention": "late_gate",
    "smallest_worthwhile_days": 1.0,
    "design": "synthetic_control",
    "donors": OTHERS,
    "outcome": {"from": START, "to": "2025-07-22"},
}
Asks = Callable[..., Answer]


@pytest.fixture
def ask(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> Asks:
    """The question on the demo's trust; `starts` puts other rows in place of its interventions table."""

    def asked(school: str = HERE, starts: list[tuple[str, float, str]] | None = None, **changed: Any) -> Answer:
        if starts is not None:
            rows = pd.DataFrame(starts, columns=["school", "year_group", "start_date"])
            rows = rows.assign(
                intervention="late_gate", pupil=None, status="started", start_date=pd.to_datetime(rows["start_date"]),
                referred_date=pd.NaT, end_date=pd.NaT,
            )  # fmt: skip
            monkeypatch.setattr(frames, "interventions", lambda pupils, name=None: rows)
        return intervention_impact(trust.pupils(school, monkeypatch), **{**KEYS, **changed})

    return asked


def whole(*schools: str) -> list[tuple[str, float, str]]:
    return [(school, float("nan"), START) for school in schools]


# changed keys, the page's school, rows of the interventions table or the demo's own; status, words of the reason
REFUSED: list[tuple[dict[str, Any], str, list[tuple[str, float, str]] | None, str, str]] = [
    ({}, "all", None, "not_applicable", "see the page of each school that began the late gate (Invented Secondary 2)"),
    ({}, "999001", None, "not_applicable", "see the page of a school that did (Invented Secondary 2)"),
    ({"donors": [*OTHERS, "999999"]}, HERE, None, "not_applicable", "no school of the study is called 999999"),
    ({"donors": [*OTHERS, HERE]}, HERE, None, "not_applicable", "no school can stand in for itself"),
    ({}, HERE, whole(HERE, "999002"), "not_applicable", "`donors` names 999002, which began the late gate too"),
    ({"donors": OTHERS[:3]}, HERE, None, "too_few", "only 3 other schools are left to mix from, and a mixture needs 4"),
    ({"donors": []}, HERE, None, "too_few", "only 1 other school is left to mix from"),
    ({"donors": []}, HERE, whole(HERE, *OTHERS), "too_few", "only 0 other schools are left"),
    ({"baseline": {"from": "2024-09-01", "to": "2024-12-20"}}, HERE, None, "not_applicable",
     "only 2 half-terms are held from before the start"),
    ({"intervention": "tutor_calls"}, HERE, None, "not_applicable", "given to pupils by name"),
    ({"intervention": "breakfast_club"}, HERE, None, "not_applicable", "began at different times"),
    ({"outcome": {"from": "2025-07-14", "to": "2025-07-22"}}, HERE, None, "not_applicable", "no whole half-term lies"),
    ({}, HERE, [(HERE, float("nan"), "2026-01-05")], "not_applicable", "before the last period held"),
    ({}, HERE, [(HERE, float("nan"), "2023-09-18")], "not_applicable",
     "this school began the late gate in the first half-term held, so nothing is known from before"),
    ({}, HERE, [(HERE, 9.0, "2023-09-18")], "not_applicable", "in the first half-term held"),
    ({}, "999002", [("999001", 1.0, START)], "not_applicable", "did not begin the late gate"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "school", "starts", "status", "said"), REFUSED)
def test_refused_with_a_reason(
    ask: Asks, changed: dict[str, Any], school: str, starts: list[tuple[str, float, str]] | None, status: str, said: str
) -> None:
    answer = ask(school, starts, **changed)
    assert (answer.status, answer.rows) == (status, ())
    assert said in answer.reasons[0]
    assert said in tell(answer).sentences[0]


def test_a_missing_term_is_refused(ask: Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    held = frames.absence_by_group
    monkeypatch.setattr(
        frames, "absence_by_group",
        lambda *asked: held(*asked)[lambda cells: (cells["academic_year"] != "2023/24") | (cells["period"] != "5")],
    )  # fmt: skip
    answer = ask()
    assert answer.status == "not_applicable"
    assert "missing in between (2023/24-5)" in answer.reasons[0]


def test_five_donors_cannot_reach_a_verdict_and_the_page_says_why(ask: Asks) -> None:
    answer = ask()
    assert answer.verdict == "Cannot tell"
    assert "With 5 other schools" in answer.reasons[0]
    assert "counts ups and downs alike" in " ".join(tell(answer).sentences)
    assert "at least 19 others are needed" in answer.reasons[0]
    assert "with 5 other schools" in " ".join(tell(answer).sentences)


def test_nothing_was_planted_and_the_interval_holds_nothing(ask: Asks) -> None:
    answer = ask()
    for model in ("synthetic_control", "check", "raw"):
        row = answer.row("days_fewer", model=model)
        assert row is not None
        assert row.low < 0 < row.high


def test_better_is_positive(ask: Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two points fewer at the school after the start are two points more in the row."""
    before = ask().row("points_fewer", model="synthetic_control")
    held = frames.absence_by_group

    def fewer(*asked: Any) -> pd.DataFrame:
        cells = held(*asked)
        after = (cells["school"] == HERE) & (cells["period_start"] >= START)
        return cells.assign(rate_per_pupil=cells["rate_per_pupil"] - 0.02 * after)

    monkeypatch.setattr(frames, "absence_by_group", fewer)
    after = ask().row("points_fewer", model="synthetic_control")
    assert after.value - before.value == pytest.approx(2.0)
    assert after.se == pytest.approx(before.se)


def test_a_spell_before_the_start_is_told_and_the_choice_without_it_is_free_of_it(
    ask: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four points more in the last two of eight half-terms before move main by about one, the choice by nothing."""
    plain, held = ask(), frames.absence_by_group

    def spell(*asked: Any) -> pd.DataFrame:
        cells = held(*asked)
        last = (cells["school"] == HERE) & (cells["period_start"] >= "2024-09-01") & (cells["period_start"] < START)
        return cells.assign(rate_per_pupil=cells["rate_per_pupil"] + 0.04 * last)

    monkeypatch.setattr(frames, "absence_by_group", spell)
    answer = ask()
    check = next(check for check in answer.checks if check.name == "Not begun after its worst spell")
    assert check.passed is None
    assert "were the worst two in a row of the 8" in check.text
    assert "the other choices have the difference without these two" in check.text
    main = [each.row("points_fewer", model="synthetic_control", outcome="absence") for each in (plain, answer)]
    assert main[1].value - main[0].value == pytest.approx(1.0, abs=0.4)  # a quarter; weights move a little too
    without = [each.row("choice", group="way=spell_left_out") for each in (plain, answer)]
    assert without[1].value == pytest.approx(without[0].value)


def test_a_school_that_was_no_worse_just_before_is_told_so_and_not_reassured() -> None:
    made = synthetic_control(np.vstack([np.arange(12.0, 0, -1), np.random.default_rng(1).normal(7, 1, (4, 12))]), 8)
    assert spell_check(made, 8, "week").text == (
        "The two weeks before the start were not the worst two in a row of the 8 held from before it, beside its"
        " mixture: that does not make the difference surer, for a bad spell may have been just before all the same; the"
        " other choices have the difference without these two."
    )


def test_days_and_course_agree_with_the_points(ask: Asks) -> None:
    answer = ask()
    points, days = (answer.row(name, model="synthetic_control") for name in ("points_fewer", "days_fewer"))
    assert days.value == pytest.approx(1.9 * points.value)
    gaps = [row.value for row in answer.select("mixture_gap") if "period=after" in row.group]
    assert len(gaps) == 4
    assert min(gaps) <= points.value <= max(gaps)
    school, mixture = (
        [row.value for row in answer.select("mixture_course") if row.group.endswith(who)]
        for who in ("who=school", "who=mixture")
    )
    differences = np.subtract(mixture, school)
    assert differences == pytest.approx([row.value for row in answer.select("mixture_gap")])
    assert differences[:8].mean() == pytest.approx(0)  # a difference in level is allowed


def test_year_groups_named_are_compared_with_the_same_year_groups_elsewhere(
    ask: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Years 1 and 2 of a primary, beside those of the other three: the pool holds no secondary, so is too small."""
    starts = [("999001", 1.0, START), ("999001", 2.0, START)]
    assert "only 3 other schools are left to mix from" in ask("999001", starts, donors=[]).reasons[0]
    monkeypatch.setattr(pools, "FEWEST_DONORS", 3)  # the rest of the road, were three enough
    answer = ask("999001", starts, donors=[])
    assert answer.status == "done"
    assert answer.row("points_fewer", model="synthetic_control").n_groups == 4
    assert answer.row("points_fewer", model="synthetic_control").n < 4 * 2 * 70
    assert answer.row("points_fewer", model="raw").withheld == "c"
    assert not any("999005" in row.group for row in answer.select("donor_weight"))


@pytest.mark.parametrize(
    ("weights", "hides"),
    [
        ([0.5, 0.3, 0.2], True),
        ([0.5, 0.5, 0.0], False),
        ([0.8, 0.1, 0.1], False),
        ([0.8, 0.05, 0.05, 0.05, 0.05], True),
        ([0.7, 0.28, 0.02], False),  # the second knows its own 28%, and so the first to a fiftieth
        ([0.7, 0.19, 0.11], True),
        ([1.0, 0.0, 0.0, 0.0], False),
        ([0.6, 0.395, 0.005], False),
    ],
)
def test_a_mixture_hides_the_schools_in_it(weights: list[float], hides: bool) -> None:
    assert hidden(np.array(weights)) == hides


@pytest.mark.parametrize(
    ("weights", "hides"),
    [
        ([0.5, 0.3, 0.2], False),  # with the plain mean one donor has two sums of two unknowns
        ([0.3, 0.3, 0.2, 0.2], False),  # and of four, with the plain mean's standard error, three sums of three
        ([0.34, 0.27, 0.19, 0.12, 0.08], True),
        ([0.225, 0.225, 0.225, 0.225, 0.1], False),  # mixture less 0.9 of all five is the fifth school alone
        ([0.3, 0.199, 0.2, 0.2, 0.101], False),  # less the plain mean, the first and the last: each knows itself
        ([0.2] * 5, True),  # the plain mean itself: no second sum
        ([0.25, 0.25, 0.25, 0.25, *[0.0] * 16], True),
    ],
)
def test_a_mixture_beside_the_plain_mean_hides_them_too(weights: list[float], hides: bool) -> None:
    assert hidden_beside_plain_mean(np.array(weights)) == hides


def test_rows_of_another_mixture_that_shows_a_school_are_withheld(ask: Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mixture but the main one and the plain mean is taken to be of one school."""
    real = designs.mix

    def one_school(y: Any, first: int, after: Any, kind: Any = "mixture") -> Synthetic:
        made = real(y, first, after, kind)
        main = kind == "mixture" and y.shape[1] == 12 and not seen.append(kind) and len(seen) == 1
        return made if main or kind == "did" else replace(made, weights=np.eye(len(y) - 1)[0])

    seen: list[Any] = []
    monkeypatch.setattr(designs, "mix", one_school)
    monkeypatch.setattr(designs, "choice_rows", lambda *asked: [])
    answer = ask()
    assert answer.row("days_fewer", model="synthetic_control", outcome="absence").value is not None
    check, codes = answer.select("points_fewer", model="check"), ("authorised absence", "unauthorised absence")
    hid = [*check, *answer.select("placebo"), *(row for row in answer.rows if row.outcome in codes)]
    assert [row.withheld for row in hid] == ["c"] * (2 + 2 * len(codes))
    placebo = next(check for check in answer.checks if check.name.startswith("Placebo"))
    assert (placebo.passed, "not shown" in placebo.text) == (None, True)


def test_one_school_that_is_most_of_the_mixture_is_named_as_such() -> None:
    light, heavy = (one_school_check(np.array(weights)) for weights in ([0.5, 0.3, 0.2], [0.6, 0.2, 0.2]))
    assert light.passed is heavy.passed is None
    assert light.text == "The school that counts most is 50% of the mixture."
    assert "60% of the mixture: whatever befell that one school" in heavy.text


def test_a_mixture_that_is_one_school_is_never_shown() -> None:
    """A school's twin among the donors, fitted without a ridge: the mixture would be the twin's own course."""
    y = np.random.default_rng(3).normal(7, 1, (8, 12))
    y[0] = y[4] + np.where(np.arange(12) >= 8, -1.0, 0.0)
    with pytest.raises(Refused, match="their own figures could be read"):
        refuse_readable(synthetic_control(y, 8, kind="classic"), ())
    refuse_readable(synthetic_control(y, 8, kind="did"), ())


def test_the_whole_page_can_be_told(ask: Asks) -> None:
    answer = ask(placebo_dates=["2024-02-19", "2023-09-10"])
    names = [check.name for check in answer.checks]
    assert "Placebo start on 19 February 2024" in names
    late = next(check for check in answer.checks if check.name.endswith("2023"))
    assert late.passed is None  # nothing lies before it
    story, details = tell(answer), tell(impact_details(answer))
    assert causal_words(f"{story} {details}") == ()
    assert len(details.charts) == 3
    assert reading_age(" ".join(story.sentences[:5])) < 13
    assert all(len(cells) == len(table.columns) for table in details.tables for cells in table.cells)
    assert "6 schools" in story.sentences[0]
    assert "mixture of other schools" in story.sentences[0]
    assert not any("referred" in text for text in (*story.sentences, *details.sentences, story.tables[0].caption))


def test_weeks_can_be_the_points_in_time(ask: Asks) -> None:
    answer = ask(period="week")
    assert answer.status == "done"
    assert answer.row("choice", group="way=by_half_term") is not None
    assert all("week=" in row.group for row in answer.select("mixture_gap"))
    assert tell(impact_details(answer)).charts
