"""Bad input ends in a page or a check that says what and why; never in a number."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from impact_trust import Sides, ask_page, write_schools
from trust import Trust

from attendlib.notebook import impact_details
from attendlib.questions.common import start
from attendlib.questions.impact.chosen import within_overlap
from attendlib.questions.intervention_impact import intervention_impact
from attendlib.records.answer import Answer
from attendlib.words.rule import causal_words
from attendlib.words.stories import tell

OPEN = {"eligible": None, "baseline": {"from": "2024-01-08", "to": "2024-07-24"}}
# what is asked, the page's school, status, words of the reason
WINDOW = {"from": "2024-09-01", "to": "2024-12-20"}
ANYONE = {"absence_pct_at_least": 1, "window": {"from": "2024-09-01", "to": "2024-12-20"}}
NEAR = {"from": "2024-06-03", "to": "2024-07-24"}
NOBODY = "nobody is left to compare with"
REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"intervention": "breakfast"}, "999003", "not_applicable", "no pupil was referred to the breakfast"),
    ({"intervention": "everyone", **OPEN}, "999003", "too_few", NOBODY),
    ({"intervention": "everyone", **OPEN, "comparison": "other_schools"}, "all", "too_few", NOBODY),
    ({"intervention": "whole", **OPEN}, "999001", "too_few", NOBODY),
    ({"intervention": "late", **OPEN, "outcome": None, "academic_year": "2025/26"}, "999003", "not_applicable",
     "after the attendance data end"),
    ({"outcome": {"from": "2026-01-05", "to": "2026-07-22"}}, "999003", "not_applicable", "lie outside 2024/25"),
    ({"outcome": {"from": "2024-12-02", "to": "2025-07-22"}}, "999003", "not_applicable", "reach into the outcome"),
    ({"eligible": {"absence_pct_at_least": 95, "window": WINDOW}}, "999003", "too_few", "fewer than 5"),
    ({"design": "half_terms", "baseline": NEAR}, "999003", "not_applicable", "fewer than two half-terms"),
    ({"design": "half_terms", "comparison": "earlier_cohort"}, "999003", "not_applicable", "earlier cohort"),
]  # fmt: skip


def ask(trust: Trust, monkeypatch: pytest.MonkeyPatch, school: str, keys: dict[str, Any]) -> Answer:
    return intervention_impact(trust.pupils(school, monkeypatch), **keys)


@pytest.mark.parametrize(("changed", "school", "status", "said"), REFUSED)
def test_refused_with_a_reason(
    awkward: Trust, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any],
    changed: dict[str, Any], school: str, status: str, said: str,
) -> None:  # fmt: skip
    answer = ask(awkward, monkeypatch, school, {**keys, **changed})
    assert (answer.status, answer.rows) == (status, ())
    assert said in answer.reasons[0]
    assert said in tell(answer).sentences[0]


def check_of(answer: Answer, name: str) -> Any:
    return next(check for check in answer.checks if check.name.startswith(name))


@pytest.mark.parametrize(
    ("given", "changed", "page", "status", "said"),
    [
        ([Sides(10, under=20)], {"eligible": ANYONE}, "100001", "too_few", "no overlap"),
        ([Sides(10, under=20)], {"eligible": ANYONE}, "all", "too_few", "no overlap"),
        ([Sides(20, 25), Sides(0, 30)], {}, "all", "too_few", "only one school could be analysed"),
        ([Sides(20), Sides(0, 30)], {"comparison": "other_schools"}, "100001", "not_applicable", "one school alone"),
    ],
)
def test_small_trusts_refused_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[Sides], changed: dict[str, Any],
    page: str, status: str, said: str,
) -> None:  # fmt: skip
    schools = {f"10000{place}": sides for place, sides in enumerate(given, 1)}
    answer = ask_page(write_schools(tmp_path, schools), page, monkeypatch, **changed)
    assert (answer.status, answer.rows) == (status, ())
    assert said in answer.reasons[0]
    assert said in tell(answer).sentences[0]


def test_few_schools_beside_other_schools_show_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Schools are what is shuffled, and one of them alone has no interval."""
    schools = {"100001": Sides(20), "100002": Sides(0, 30), "100003": Sides(0, 25)}
    answer = ask_page(write_schools(tmp_path, schools), "all", monkeypatch, comparison="other_schools")
    assert answer.verdict == "Cannot tell"
    assert check_of(answer, "Enough schools").passed is False
    assert answer.row("points_fewer", model="raw").low is None
    assert "Cannot tell" in str(tell(answer))


def test_too_few_groups_to_shuffle_cannot_tell(
    awkward: Trust, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any]
) -> None:
    """Year 9 of one school beside its other year groups."""
    answer = ask(awkward, monkeypatch, "all", {**keys, **OPEN, "intervention": "group"})
    assert answer.verdict == "Cannot tell"
    assert check_of(answer, "Enough year groups").passed is False
    assert all(row.p is None for row in answer.rows if row.df is not None and row.df < 4)


def test_another_intervention_at_the_same_time_is_said_and_stops_a_verdict(
    awkward: Trust, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any]
) -> None:
    answer = ask(awkward, monkeypatch, "999003", keys)
    found = check_of(answer, "Nothing else")
    assert found.passed is False
    assert "cannot be told apart" in found.text
    assert answer.verdict == "Cannot tell"
    assert found.text in answer.reasons


def test_no_earlier_baseline_is_no_verdict(
    awkward: Trust, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any]
) -> None:
    answer = ask(awkward, monkeypatch, "999003", {**keys, "baseline": {"from": "2022-01-08", "to": "2022-07-24"}})
    assert answer.verdict == "Cannot tell"
    assert check_of(answer, "An earlier baseline").passed is False
    assert answer.select("choice") == ()


def test_brothers_and_sisters_are_not_compared(
    awkward: Trust, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any]
) -> None:
    answer = ask(awkward, monkeypatch, "999003", keys)
    assert [step.lost for step in answer.steps if "brothers" in step.reason] == [10]
    assert "not among the compared" in check_of(answer, "Support that reaches").text


def test_referral_after_the_first_day_fails_and_own_dates_mend_it(
    awkward: Trust, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any]
) -> None:
    late = ask(awkward, monkeypatch, "999003", {**keys, "intervention": "after_the_first_day"})
    assert check_of(late, "Followed").passed is False
    assert late.verdict == "Cannot tell"
    own = ask(awkward, monkeypatch, "999003", {**keys, "intervention": "staggered", "outcome": None})
    assert check_of(own, "Followed").passed is True
    assert "own start" in check_of(own, "Followed").text


def test_every_page_can_be_told_at_length(
    awkward: Trust, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any]
) -> None:
    for changed in ({}, {"design": "half_terms"}, {**OPEN, "intervention": "group", "design": "half_terms"}):
        answer = ask(awkward, monkeypatch, "999003", {**keys, **changed})
        badge = tell(answer).badge
        assert badge == "Cannot tell" or badge.endswith("otherwise alike")
        details = tell(impact_details(answer))
        fixed = answer.row("choice", group="alike=half_terms;characteristics=no;curve=none;weights=none")
        assert (fixed is not None) == ("design" in changed)
        assert details.tables[-1].caption == "Checks of the comparison"
        assert causal_words(f"{tell(answer)} {details}") == ()
        assert all(len(cells) == len(table.columns) for table in details.tables for cells in table.cells)


def test_claims_are_rederived_on_the_page(
    awkward: Trust, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any]
) -> None:
    answer = ask(awkward, monkeypatch, "999003", keys)
    improved, share, vague = answer.select("claim")
    assert improved.method.startswith(("reproduced", "not reproduced"))
    assert improved.numerator is not None
    assert share.unit == "percent of sessions"
    assert vague.value is None
    assert vague.method.startswith("cannot be checked")
    assert "82% improved" in str(tell(impact_details(answer)).tables)


def test_a_page_of_all_schools_keeps_to_each_schools_own_range() -> None:
    """A pupil whom a school's own page leaves out may not be the difference between two pages."""
    rows = [
        *(("A", treated, window) for treated in (1.0, 0.0) for window in (0.10, 0.15, 0.20)),
        ("A", 0.0, 0.30),  # outside A's referred, inside B's
        *(("B", treated, window) for treated in (1.0, 0.0) for window in (0.10, 0.25, 0.40)),
        ("C", 1.0, 0.12), ("C", 0.0, 0.35),  # too small for a page of its own: the range of all
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["school", "treated", "window"])
    assert len(within_overlap(start(frame, "pupils")).frame) == len(rows)
    kept = within_overlap(start(frame, "pupils"), own_pages_from=3).frame
    assert kept.groupby("school").size().to_dict() == {"A": 6, "B": 6, "C": 2}
