"""No word of cause without randomisation, on any story or in any notebook; the badge is the one exemption."""

from pathlib import Path

import nbformat
import pytest
from trust import Trust

from attendlib.intake.study import read_study
from attendlib.notebook import attainment_link, intervention_impact, transition_dip
from attendlib.records.answer import Section, Story
from attendlib.words.reading import reading_age
from attendlib.words.rule import IF_ALIKE, causal_words
from attendlib.words.stories import tell

QUESTIONS = {
    "attainment_link": attainment_link,
    "transition_dip": transition_dip,
    "intervention_impact": intervention_impact,
}
RANDOMISED = {"trial_evaluation"}
NOTEBOOKS = sorted(
    path for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb") if path.stem not in RANDOMISED
)


def texts(story: Story) -> str:
    parts = [story.title, story.badge, *story.caveats, *story.next_steps, *story.sure]
    return "\n".join([*parts, *shown(story), *(text for section in story.sections for text in shown(section))])


def shown(part: Story | Section) -> list[str]:
    """What a story or a folded section says, draws and tabulates."""
    tables = [text for table in part.tables for cells in (table.columns, *table.cells) for text in cells]
    charts = [text for chart in part.charts for text in (chart.title, chart.alt)]
    return [part.title, *part.sentences, *charts, *tables, *(f"{table.caption} {table.note}" for table in part.tables)]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("school", ["999001", "999005", "all"])
def test_no_word_of_cause(trust: Trust, monkeypatch: pytest.MonkeyPatch, question: str, school: str) -> None:
    if school == "all" and question != "intervention_impact":
        pytest.skip("this question has no page for all schools")
    keys = read_study(trust.study).notebooks[question].model_dump(mode="json", by_alias=True)  # type: ignore[union-attr]
    story = tell(QUESTIONS[question](trust.pupils(school, monkeypatch), **keys))  # type: ignore[operator]
    assert causal_words(texts(story)) == ()
    assert reading_age(" ".join(story.sentences[:5])) < 13  # about 12: the summary box holds five sentences
    if question == "intervention_impact":
        assert story.badge == "Cannot tell" or story.badge.endswith(IF_ALIKE)
        assert "…" not in story.badge


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_word_of_cause_in_a_notebooks_own_words(notebook: Path) -> None:
    cells = nbformat.read(notebook, as_version=4).cells
    assert causal_words("\n".join(cell.source for cell in cells if cell.cell_type == "markdown")) == ()


def test_the_rule_finds_words_and_spares_the_badge() -> None:
    assert causal_words("The calls reduced absence and led to more days.") == ("led to", "reduced absence")
    assert causal_words(f"It worked, {IF_ALIKE}.") == ()
    assert causal_words("The due date is Friday.") == ()


@pytest.mark.parametrize("marks", ["has no Attainment 8 results in 2024/25", "had lower results in maths"])
def test_marks_on_a_paper_are_no_claim(marks: str) -> None:
    assert causal_words(marks) == ()


@pytest.mark.parametrize("claim", ["Absence results in lower marks.", "which results in", "the absence results in"])
def test_the_verb_is_a_claim(claim: str) -> None:
    assert causal_words(claim) == ("results in",)
