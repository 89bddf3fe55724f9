"""transition_dip: equal to the planted truth, the same pupils only, every loss counted."""

import re
from itertools import combinations, pairwise
from pathlib import Path

import pandas as pd
import pytest
from trust import Trust

from attendlib.intake import frames
from attendlib.page.fragment import SOURCE_HERE, fragment
from attendlib.questions.transition_dip import transition_dip
from attendlib.records.answer import Answer
from attendlib.words.rule import causal_words
from attendlib.words.stories import tell

SECONDARIES = ("999005", "999006")


ANSWERS: dict[tuple[object, ...], Answer] = {}  # one trust a session: each question is asked of it once


def ask(trust: Trust, monkeypatch: pytest.MonkeyPatch, school: str = "999005", **changed: object) -> Answer:
    keys = {"before_year_group": 6, "after_year_group": 7, "by": "fsm6", **changed}
    asked = (str(trust.study), school, *sorted(keys.items()))
    if asked not in ANSWERS:
        ANSWERS[asked] = transition_dip(trust.pupils(school, monkeypatch), **keys)  # type: ignore[arg-type]
    return ANSWERS[asked]


def test_the_two_schools_add_up_to_the_realised_truth(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = [ask(trust, monkeypatch, school).select("change", scope="school") for school in SECONDARIES]
    step = next(s for s in trust.truth["dip"]["steps"] if s["from_year_group"] == 6)
    for group, name in (("", "all"), ("fsm6=0", "fsm6=0"), ("fsm6=1", "fsm6=1")):
        rows = [next(row for row in rows if row.group == group) for rows in changes]
        n = sum(row.n for row in rows)
        assert n == step[name]["n"]
        assert sum(row.value * row.n for row in rows) / n == pytest.approx(step[name]["points"], abs=1e-5)


def test_days_are_points_of_190_days(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch)
    days, points = answer.row("change_days", group=""), answer.row("change", group="")
    assert days.value == pytest.approx(points.value * 1.9)
    assert (days.low, days.high) == pytest.approx((points.low * 1.9, points.high * 1.9))


def test_the_change_recomputed_by_hand(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    pupils = trust.pupils("999006", monkeypatch)
    before, after = (frames.absence_by_half_term(pupils, year) for year in ("2023/24", "2024/25"))
    sixth = frames.enrolments(pupils, "2023/24", 6)["pupil"]
    seventh = frames.enrolments(pupils, "2024/25", 7).query("school == '999006'")["pupil"]
    after = after[after["pupil"].isin(seventh) & (after["school"] == "999006")]
    columns = ["pupil", "half_term", "absent", "possible"]
    both = before.loc[before["pupil"].isin(sixth), columns].merge(after[columns], on=columns[:2])
    both = both[(both["possible_x"] > 0) & (both["possible_y"] > 0)].groupby("pupil").sum()
    both = both[(both["possible_x"] >= 20) & (both["possible_y"] >= 20)]
    change = 100 * (both["absent_y"] / both["possible_y"] - both["absent_x"] / both["possible_x"])
    row = ask(trust, monkeypatch, "999006").row("change", group="")
    assert (row.n, row.value) == (len(change), pytest.approx(change.mean()))
    assert row.se == pytest.approx(change.sem())


def test_before_and_after_are_the_same_pupils(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch)
    for group in ("", "fsm6=0", "fsm6=1"):
        rows = [answer.row(name, group=group) for name in ("absence_before", "absence_after", "change")]
        assert len({row.n for row in rows}) == 1
        assert rows[1].value - rows[0].value == pytest.approx(rows[2].value)


def test_a_primary_is_not_asked(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch, "999001")
    assert answer.status == "not_applicable"
    assert "has no Year 7 in 2024/25" in answer.reasons[0]


def test_two_secondaries_show_no_trust_figure(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(trust, monkeypatch).select("change", scope="all") == ()


def test_nobody_found_before_is_too_few_and_says_so(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch, academic_year="2023/24")
    assert answer.status == "too_few"
    assert answer.steps[0].left == answer.steps[1].lost


def test_half_term_rows_cover_both_years(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch)
    periods = {row.period for row in answer.rows if " half-term " in row.period}
    assert periods == {f"{year} half-term {half}" for year in ("2023/24", "2024/25") for half in range(1, 7)}


def test_every_step_adds_up_before_the_gate(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = ask(trust, monkeypatch).steps
    known = [(a, b) for a, b in pairwise(steps) if None not in (a.left, b.left, b.lost)]
    assert known
    assert all(a.left - b.lost == b.left for a, b in known)
    assert pd.notna(steps[-1].left)


def test_the_reference_is_the_realised_step_of_the_year_below(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    step = next(s for s in trust.truth["dip"]["steps"] if s["from_year_group"] == 5)
    row = ask(trust, monkeypatch).row("reference_change")
    assert row.n == step["all"]["n"]
    assert row.value == pytest.approx(step["all"]["points"], abs=1e-5)


def test_the_dips_hold_what_was_planted(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both schools together hold the realised truth of truth.json, within their joint standard error."""
    for group, name in (("", "all"), ("fsm6=0", "fsm6=0"), ("fsm6=1", "fsm6=1")):
        rows = [ask(trust, monkeypatch, school).row("dip", group=group, model="") for school in SECONDARIES]
        truth = trust.truth["dip"]["realised_extra_points"][name]
        n = sum(row.n for row in rows)
        assert n == truth["n"]
        both = sum(row.value * row.n for row in rows) / n
        error = sum(row.se * row.n for row in rows) / n  # one reference serves both: errors add
        assert abs(both - truth["points"]) < 2.6 * error


def test_every_estimate_is_in_the_reference_of_results(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    section = text.partition("## `transition_dip`")[2].partition("\n## ")[0]
    missing = {row.estimate for row in ask(trust, monkeypatch).rows if f"`{row.estimate}`" not in section}
    assert missing == set()


def test_no_word_of_cause_and_no_group_left_nameless(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    story = tell(ask(trust, monkeypatch))
    text = "\n".join([story.title, *story.sentences, *story.caveats, *story.next_steps])
    for section in story.sections:
        text += "\n".join([section.title, *section.sentences, *(t.caption + t.note for t in section.tables)])
        for table in section.tables:
            assert all(cells[0].strip() and "=" not in cells[0] for cells in table.cells), table.caption
    assert causal_words(text) == ()


@pytest.mark.parametrize("school", SECONDARIES)
def test_nothing_withheld_can_be_had_by_subtraction(trust: Trust, monkeypatch: pytest.MonkeyPatch, school: str) -> None:
    """No figure of fewer than five pupils, nor two figures of the same thing that differ by a few pupils."""
    rows = [row for row in ask(trust, monkeypatch, school).rows if row.value is not None and row.unit != "words"]
    others = ("share_of_", "reference", "not_kept")  # n counts other people than the movers
    own = [row for row in rows if not row.estimate.startswith(others) and "cohort" not in row.model]
    assert min(row.n for row in rows if row.n is not None) >= 5
    assert any(row.n is None for row in own), "some half-terms lack a few pupils"
    for scope, group in {(row.scope, row.group) for row in own}:
        counts = {row.n for row in own if (row.scope, row.group) == (scope, group) and row.n is not None}
        assert all(abs(one - other) >= 5 for one, other in combinations(counts, 2)), (scope, group, counts)


def test_englands_figures_are_not_called_the_schools_own(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    html = fragment(tell(ask(trust, monkeypatch)), "dip")
    notes = re.findall(r'<p class="note">(.*?)</p>', html)
    theirs = [note for note in notes if "FFT Education Datalab" in note or "DfE absence" in note]
    assert len(theirs) == 2
    assert not any(SOURCE_HERE in note for note in theirs)
    assert any(SOURCE_HERE in note for note in notes)


def test_the_next_step_is_the_realised_step_from_year_7_to_8(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    step = next(s for s in trust.truth["dip"]["steps"] if s["from_year_group"] == 7)["all"]
    rows = [ask(trust, monkeypatch, school).row("next_step_change", group="year_group=8") for school in SECONDARIES]
    assert sum(row.n for row in rows) == step["n"]
    assert sum(row.value * row.n for row in rows) / step["n"] == pytest.approx(step["points"], abs=1e-5)
