"""What is said alike of several schools or several studies put together: the forest, the spread, the other ways."""

from collections.abc import Sequence
from dataclasses import dataclass

from attendlib.records.answer import Answer, Chart, Row, Table
from attendlib.words.charts import Dot, dots
from attendlib.words.numbers import count, figure, plain, pupils
from attendlib.words.tables import Line, estimates_table

WAYS = {
    "REML": "Random effects (REML), the main one",
    "DL": "Random effects (DerSimonian and Laird)",
    "common": "One true difference for all",
    "REML_knapp_hartung": "The main one, its error as Knapp and Hartung have it",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is put together: its name for one and for several, and who missed the days."""

    one: str
    several: str
    who: str

    def label(self, answer: Answer, row: Row) -> str:
        """What the unit of this row is called."""
        return self.name(answer, row.group.partition("=")[2])

    def name(self, answer: Answer, key: str) -> str:
        """A school by its name; a study by its own short one."""
        return answer.context.get(f"{self.one}_{key}", key)


def spread(answer: Answer, of: Told) -> tuple[str, ...]:
    """How far true differences spread."""
    row = answer.row(f"between_{of.several}")
    if row is None or row.value is None:
        return ("The figures are withheld.",)
    whose = f"{of.several.capitalize()}' true differences"
    if row.low is None:
        return (
            f"{whose} spread by {plain(row.value)} {row.unit} around their mean (standard deviation), without an"
            f" interval: {of.several} agree better than their own errors allow.",
        )
    return (f"{whose} spread by {figure(row)} {row.unit} around their mean (standard deviation).",)


def forest(answer: Answer, of: Told, mean: Row | None) -> tuple[Chart, ...]:
    """Each one's own difference, the mean, and where one more would lie; nothing where no figure is shown."""
    rows = [row for row in answer.select(f"{of.one}_difference") if row.value is not None]
    new = answer.row(f"new_{of.one}")
    if not rows or mean is None or mean.value is None or new is None:
        return ()
    items = [Dot(f"{of.label(answer, row)}, n\u00a0{count(row.n)}", row) for row in rows]
    items += [Dot("All of them together", mean), Dot(f"Where one more {of.one} would lie", new)]
    said = "; ".join(f"{item.label}: {figure(item.row)}" for item in items)
    title = f"Each {of.one}'s own difference, and all {len(rows)} together"
    alt = f"{rows[0].unit.capitalize()} fewer missed {of.who}, 95% intervals, {pupils(mean.n)}. {said}."
    return (dots(title, alt, items, f"fewer {rows[0].unit}", zero_line=True),)


def choices(answer: Answer, of: Told) -> Table:
    """The mean by other ways, and without each one."""
    lines = []
    for row in answer.select("choice"):
        made = dict(part.split("=", 1) for part in row.group.split(";"))
        left_out = {"none": "", "failed": f"Without {of.several} that failed a check of their own"}
        name = left_out.get(made["without"], f"Without {of.name(answer, made['without'])}") or WAYS[made["together"]]
        lines.append(Line(name, row))
    return estimates_table(f"Put together in other ways: fewer {missed(lines)} missed", "Way", "Difference", lines)


def missed(lines: Sequence[Line]) -> str:
    """'days', or 'percentage points' where the figures are not in days."""
    return "percentage points" if any(line.row.unit == "percentage points" for line in lines) else "days"
