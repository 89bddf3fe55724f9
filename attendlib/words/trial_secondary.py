"""A trial's further outcomes, in words and one table."""

from attendlib.facts.labels import measure_label
from attendlib.records.answer import Answer, Row, Section, Table
from attendlib.words.numbers import count, interval, places_for, plain
from attendlib.words.tables import WITHHELD_NOTE
from attendlib.words.trial_tables import arm_name

TITLE = "Other outcomes named before outcomes were read"
SAID = (
    "The first outcome decides; these stand beside it. With several looked at, one may differ by chance alone: the p by"
    " Holm's rule allows for how many there are."
)


def secondary_section(answer: Answer) -> Section:
    """Each further outcome of each arm: difference, effect size, months for attainment, p as it is and by Holm."""
    rows = answer.select("secondary")
    cells = tuple(
        (f"{arm_name(row.group)}: {measure_label(row.outcome)}", *_figures(answer, row), row.withheld or count(row.n))
        for row in rows
    )
    reasons = {f"{measure_label(row.outcome)}: {row.method}" for row in rows if row.value is None}
    how = {row.method for row in rows if row.value is not None}
    how |= {row.method for row in answer.select("secondary_months")}
    note = "; ".join([*sorted(how), *sorted(reasons)]) + "."
    hidden = f" {WITHHELD_NOTE}" if any(row.withheld == "c" for row in rows) else ""
    columns = ("Arm and outcome", "Difference", "Effect size", "Months", "p (Holm)", "Pupils")
    table = Table("Other outcomes, 95% intervals", columns, cells, columns[1:], note[:1].upper() + note[1:] + hidden)
    return Section(TITLE, (SAID,), tables=(table,))


def _figures(answer: Answer, row: Row) -> tuple[str, ...]:
    size = answer.row("secondary_g", outcome=row.outcome, group=row.group)
    months = answer.row("secondary_months", outcome=row.outcome, group=row.group)
    allowed = answer.row("secondary_p", outcome=row.outcome, group=row.group)
    if row.value is None or size is None or size.value is None:
        mark = row.withheld or "–"
        return (mark,) * 4
    progress = "–" if months is None else _with_interval(months, 0)
    p = f"{_p(row.p)} ({_p(None if allowed is None else allowed.value)})"
    return _with_interval(row, places_for(row)), _with_interval(size, 2), progress, p


def _with_interval(row: Row, places: int) -> str:
    """'7.8 (6.0 to 9.6)': the caption says which interval, and the table has no room to say it again."""
    return f"{plain(row.value or 0.0, places)} ({interval(row, places)})"


def _p(value: float | None) -> str:
    return "–" if value is None else "under 0.001" if value < 0.001 else plain(value, 3)
