"""What the trial's page says: arms by name, days before effect sizes, counts beside figures, no word of cause."""

import re
from dataclasses import replace

import pytest

from attendlib.facts.trials import UNCHECKED
from attendlib.records.answer import Answer, Check, Row, Step, Story
from attendlib.words.rule import causal_words
from attendlib.words.trial_evaluation import tell
from attendlib.words.trial_missing import missing_section
from attendlib.words.trial_secondary import secondary_section

GROUP = "arm=tutor_calls"
CONTEXT = {
    "arms": "tutor_calls", "control": "usual", "outcome": "absence", "design": "cluster", "period": "2024/25",
    "delta_days": "2", "certainty_pct": "75", "trial": "t1", "baseline": "absence",
}  # fmt: skip


def figure(estimate: str, value: float, low: float, high: float, **more: object) -> Row:
    labels = {"group": GROUP, "model": "adjusted", "n": 400, "n_groups": 20, "confidence_pct": 95.0, **more}
    return Row(estimate, "all", value=value, low=low, high=high, **labels)  # type: ignore[arg-type]


def word(estimate: str, text: str, group: str = GROUP) -> Row:
    return Row(estimate, "all", group=group, unit="words", method=text, n=400)


ROWS = (
    figure("days_fewer", 1.84, 0.42, 3.26, unit="days a year"),
    figure("days_fewer", 1.7, 0.1, 3.3, unit="days a year", model="imputed", method="20 sets, Rubin's rules"),
    figure("itt", 0.97, 0.22, 1.72, unit="percentage points attended"),
    figure("hedges_g", 0.18, 0.04, 0.32, model="unconditional_total", method="divided by SD 5.4; the EEF effect size"),
    word("verdict", "Probably helped"),
    word("missing_rule", f"5% or more are missing; {UNCHECKED}", ""),
    figure("dropout", -3.0, -8.0, 2.0, outcome="arm", method="logistic, average difference, HC2"),
    figure("dropout", 1.0, -2.0, 4.0, outcome="baseline", method="logistic, average difference, HC2"),
    Row("tipping_shift", "all", group=GROUP, model="imputed", value=14.2, n=450, unit="percentage points attended",
        method="how much worse than filled in the arm's missing pupils must have done before the interval takes in 0"),
    Row("padlock", "all", group=GROUP, model="lowest", value=3.0, unit="padlocks of 5", n=400, method=UNCHECKED),
    *(Row("flow", "all", group=group, model=step, value=float(n), unit="pupils", n=n)
      for group in (GROUP, "arm=usual") for step, n in (("randomised", 225), ("no outcome", 200))),
)  # fmt: skip
ANSWER = Answer(
    "trial_evaluation", "all", "done", ROWS, (Step("randomised", 0, 450), Step("no outcome", 50, 400)),
    (Check("Order of the list", True, "Fine."),), "Probably helped", (), CONTEXT,
)  # fmt: skip


def told(**changed: object) -> Story:
    return tell(replace(ANSWER, **changed))  # type: ignore[arg-type]


def everything(story: Story) -> str:
    parts = [story.title, *story.sentences, *story.caveats, *story.next_steps]
    parts += [part for c in story.charts for part in (c.title, c.alt)]
    for section in story.sections:
        parts += [section.title, *section.sentences, *(c.alt for c in section.charts)]
    tables = [*story.tables, *(table for section in story.sections for table in section.tables)]
    parts += [cell for table in tables for cells in (table.columns, *table.cells) for cell in cells]
    return "\n".join([*parts, *(f"{table.caption} {table.note}" for table in tables)])


def test_the_first_sentence_gives_days_the_interval_and_how_many() -> None:
    assert told().sentences[0] == (
        "Pupils drawn into tutor calls missed 1.8 days a year fewer than those drawn into usual (95% interval 0.4 to"
        " 3.3 fewer; 400 pupils)."
    )


def test_then_the_effect_size_and_the_verdict_against_the_worthwhile_days() -> None:
    _, effect, verdict = told().sentences
    assert effect == "As an effect size that is +0.18 standard deviations (0.04 to 0.32)."
    assert verdict == "Against 2 days a year, the smallest difference worth having: probably helped."


def test_more_missed_is_said_as_more() -> None:
    worse = (figure("days_fewer", -1.5, -3.0, 0.0), *ROWS[1:])
    assert "missed 1.5 days a year more than" in told(rows=worse).sentences[0]


def test_several_years_count_pupils_and_their_years() -> None:
    several = CONTEXT | {"period": "1985/86 to 1988/89", "design": "multi_site"}
    assert "; 20 pupils, 400 years of them)." in told(context=several).sentences[0]


def test_attainment_has_months_beside_their_interval() -> None:
    rows = (
        figure("itt", 2.1, 0.4, 3.8, unit="points"),
        figure("months", 2.0, 0.0, 4.0, model="", unit="months of progress"),
        *ROWS[3:],
    )
    story = told(rows=rows, context=CONTEXT | {"outcome": "maths"})
    assert "had maths 2.1 points higher than those drawn into usual (95% interval 0.4 to 3.8" in story.sentences[0]
    assert story.sentences[1].endswith(", +2 months of progress (0 to +4).")
    recalled = (rows[0], replace(rows[1], method=f"EEF months of progress; {UNCHECKED}"), *ROWS[3:])
    sentence = told(rows=recalled, context=CONTEXT | {"outcome": "maths"}).sentences[1]
    assert sentence.endswith(f", +2 months of progress (0 to +4; {UNCHECKED}).")


def test_each_model_says_how_it_was_fitted() -> None:
    fitted = replace(ROWS[2], method="random intercept, REML, Satterthwaite")
    (table,) = told(rows=(*ROWS[:2], fitted, *ROWS[3:])).tables
    assert table.note.startswith("Main: random intercept, REML, Satterthwaite.")


def test_attendance_has_none() -> None:
    assert not re.search(r"\bmonths\b", everything(told()))


def test_no_word_of_cause_even_of_a_trial() -> None:
    """A trial may say what being offered made of it; the words for cause stay out of its sentences."""
    text = everything(told())
    assert "the difference made by being offered it" in text
    assert causal_words(" ".join([*told().sentences, *told().caveats, *told().next_steps])) == ()


def test_what_was_not_checked_says_so() -> None:
    assert everything(told()).count(UNCHECKED) >= 2


def test_the_missing_have_a_section() -> None:
    section = missing_section(ANSWER, ["tutor_calls"])
    rule, filled, tipping = section.sentences
    assert rule.endswith(f"{UNCHECKED}.")
    assert filled.startswith("With gaps filled in, the difference of tutor calls is 1.7 (95% interval 0.1 to 3.3) days")
    assert tipping.startswith("Tipping point: 14.2 percentage points attended, how much worse")
    (table,) = section.tables
    assert [cells[0] for cells in table.cells] == [
        "tutor calls: this arm beside control", "tutor calls: a standard deviation higher in the baseline"
    ]  # fmt: skip
    assert table.note.startswith("Logistic, average difference, HC2. ")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "no tipping point is given"),
        ([Row("tipping_shift", "all", group=GROUP, withheld="z", method="not even 10 SD would do it", n=9)],
         "No shift of the missing pupils of tutor calls takes the interval to 0: not even 10 SD"),
    ],
)  # fmt: skip
def test_no_tipping_point_is_said(rows: list[Row], says: str) -> None:
    kept = tuple(row for row in ROWS if row.estimate != "tipping_shift")
    section = missing_section(replace(ANSWER, rows=(*kept, *rows)), ["tutor_calls"])
    assert says in section.sentences[-1]


def test_a_failed_check_asks_for_the_program_and_its_log() -> None:
    failed = (Check("Order of the list", False, "Sorted."),)
    assert "its log" in told(checks=failed).next_steps[0]


def test_further_outcomes_have_one_line_each_with_both_ps() -> None:
    rows = (
        figure("secondary", 7.8, 6.0, 9.55, outcome="maths", p=0.012, method="OLS"),
        figure("secondary_g", 0.18, 0.14, 0.22, outcome="maths"),
        figure("secondary_months", 2, 2, 3, outcome="maths", method=f"EEF months of progress; {UNCHECKED}"),
        Row("secondary_p", "all", outcome="maths", group=GROUP, value=0.024, n=400),
        figure("secondary", 0.4, -0.2, 1.0, outcome="absence", p=0.2, method="OLS"),
        figure("secondary_g", 0.05, -0.02, 0.12, outcome="absence"),
        Row("secondary", "all", outcome="reading", group=GROUP, withheld="c", method="a few pupils more"),
    )
    (table,) = secondary_section(replace(ANSWER, rows=rows)).tables
    assert table.cells == (
        ("tutor calls: maths", "7.8 (6.0 to 9.6)", "0.18 (0.14 to 0.22)", "2 (2 to 3)", "0.012 (0.024)", "400"),
        ("tutor calls: absence", "0.4 (−0.2 to 1.0)", "0.05 (−0.02 to 0.12)", "–", "0.200 (–)", "400"),
        ("tutor calls: reading", "c", "c", "c", "c", "c"),
    )
    assert table.note == (
        f"EEF months of progress; {UNCHECKED}; OLS; reading: a few pupils more. c: withheld, so that no pupil can be"
        " recognised."
    )
    assert any(section.title.startswith("Other outcomes") for section in told(rows=(*ROWS, *rows)).sections)
