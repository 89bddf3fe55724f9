"""A trial's pupils without an outcome, in words: the 5% rule, who they are like, and what filling them in changes."""

from collections.abc import Sequence

from attendlib.facts.labels import group_label
from attendlib.records.answer import Answer, Row, Section
from attendlib.words.numbers import figure, plain
from attendlib.words.tables import Line, estimates_table
from attendlib.words.trial_tables import arm_name, table_of

TITLE = "Pupils without an outcome"
DROPOUT_NOTE = "Shares are of the pupils in the drop-out model, those with a baseline where the trial has one."


def missing_section(answer: Answer, arms: Sequence[str]) -> Section:
    """What the rule says, the drop-out model, the difference with gaps filled in, and the tipping point."""
    sentences = [f"{row.method}." for row in answer.select("missing_rule")]
    sentences += [text for arm in arms for text in _arm_sentences(answer, arm)]
    rows = answer.select("dropout")
    lost = answer.select("attrition")
    tables = (table_of(answer, ("attrition",), "Lost after the draw, percent of those randomised"),) if lost else ()
    if not rows:
        return Section(TITLE, tuple(sentences), tables=tables)
    lines = [Line(f"{arm_name(row.group)}: {_who(row)}", row) for row in rows]
    caption = "Without an outcome: points more of pupils, 95% intervals"
    table = estimates_table(caption, "Arm and who", "Points", lines, f"{_how(rows)} {DROPOUT_NOTE}")
    return Section(TITLE, tuple(sentences), tables=(*tables, table))


def _arm_sentences(answer: Answer, arm: str) -> list[str]:
    days = answer.context["outcome"] == "absence"
    row = answer.row("days_fewer" if days else "itt", group=f"arm={arm}", model="imputed")
    if row is None or row.value is None:
        return []
    unit = "days a year fewer missed" if days else "points"
    said = [f"With gaps filled in, the difference of {arm_name(arm)} is {figure(row)} {unit} ({row.method})."]
    tipping = answer.row("tipping_shift", group=f"arm={arm}")
    if tipping is None:
        return [*said, f"For {arm_name(arm)} no tipping point is given: no missing pupil, or an interval with 0 in it."]
    if tipping.value is None:
        return [*said, f"No shift of the missing pupils of {arm_name(arm)} takes the interval to 0: {tipping.method}."]
    return [*said, f"Tipping point: {plain(tipping.value)} {tipping.unit}, {tipping.method}."]


def _who(row: Row) -> str:
    if row.outcome == "arm":
        return "this arm beside control"
    if row.outcome == "baseline":
        return "a standard deviation higher in the baseline"
    return group_label(row.outcome)


def _how(rows: Sequence[Row]) -> str:
    said = "; ".join(dict.fromkeys(row.method for row in rows))
    return f"{said[:1].upper()}{said[1:]}."
