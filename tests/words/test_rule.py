"""No word of cause without randomisation, on any story; the badge is the one exemption."""

import pytest
from trust import Trust

from attendlib.intake.study import read_study
from attendlib.notebook import attainment_link, intervention_impact, transition_dip
from attendlib.records.answer import Story
from attendlib.words.rule import IF_ALIKE, causal_words
from attendlib.words.stories import tell

QUESTIONS = {
    "attainment_link": attainment_link,
    "transition_dip": transition_dip,
    "intervention_impact": intervention_impact,
}


def texts(story: Story) -> str:
    parts = [story.title, story.badge, *story.sentences, *story.caveats, *story.next_steps]
    parts += [text for chart in story.charts for text in (chart.title, chart.alt)]
    parts += [text for table in story.tables for cells in (table.columns, *table.cells) for text in cells]
    return "\n".join([*parts, *(f"{table.caption} {table.note}" for table in story.tables)])


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("school", ["999001", "999005", "all"])
def test_no_word_of_cause(trust: Trust, monkeypatch: pytest.MonkeyPatch, question: str, school: str) -> None:
    if school == "all" and question != "intervention_impact":
        pytest.skip("this question has no page for all schools")
    keys = read_study(trust.study).notebooks[question].model_dump(mode="json", by_alias=True)  # type: ignore[union-attr]
    story = tell(QUESTIONS[question](trust.pupils(school, monkeypatch), **keys))  # type: ignore[operator]
    assert causal_words(texts(story)) == ()


def test_the_rule_finds_words_and_spares_the_badge() -> None:
    assert causal_words("The calls reduced absence and led to more days.") == ("led to", "reduced absence")
    assert causal_words(f"It worked, {IF_ALIKE}.") == ()
    assert causal_words("The due date is Friday.") == ()


@pytest.mark.parametrize(
    "marks", ["has no Attainment 8 results in 2024/25", "had lower results in maths", "the results in"]
)
def test_marks_on_a_paper_are_no_claim(marks: str) -> None:
    assert causal_words(marks) == ()


@pytest.mark.parametrize("claim", ["Absence results in lower marks.", "which results in", "the absence results in"])
def test_the_verb_is_a_claim(claim: str) -> None:
    assert causal_words(claim) == ("results in",)


def test_the_impact_verdict_always_carries_its_condition(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = read_study(trust.study).notebooks["intervention_impact"].model_dump(mode="json", by_alias=True)  # type: ignore[union-attr]
    story = tell(intervention_impact(trust.pupils("all", monkeypatch), **keys))
    assert story.badge.endswith(IF_ALIKE)
    assert "…" not in story.badge
