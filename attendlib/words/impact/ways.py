"""What every defensible way of answering gives, in one sentence."""

from collections.abc import Sequence

from attendlib.records.answer import Answer, Row
from attendlib.words.numbers import figure, interval_words, no_size, places_for, plain


def spread_over(answer: Answer, ways: str) -> tuple[str, ...]:
    """The least and the greatest figure over all `choice` rows, and how many intervals lie on either side of 0."""
    rows = [row for row in answer.select("choice") if row.value is not None]
    if not rows:
        return ()
    above = sum(row.low is not None and row.low > 0 for row in rows)
    below = sum(row.high is not None and row.high < 0 for row in rows)
    return (
        f"{len(rows)} ways {ways} that could be defended give {spread_words(rows)} {rows[0].unit};"
        f" {_many(above)} an interval wholly on the side of fewer, {_many(below)} one on the side of more.",
    )


def ways_title(answer: Answer) -> str:
    """'26 ways of answering give 8.1 more to 8.9 fewer days a year': all of them, as the title of their chart."""
    rows = answer.select("choice")
    told = spread_words([row for row in rows if row.value is not None])
    return f"{len(rows)} ways of answering give {told} {rows[0].unit}, {answer.context['school_name']}"


def points_title(answer: Answer, model: str, beside: str) -> str:
    """'1.2 points fewer absent beside the gap before': the main figure, for the title of its course over time."""
    row = answer.row("points_fewer", model=model)
    if row is None or row.value is None:
        return f"Points fewer {beside}, {answer.context['school_name']}"
    size = f"{plain(abs(row.value), places_for(row))} points {'fewer' if row.value >= 0 else 'more'}"
    return f"{'About as many points' if no_size(row) else size} {beside}, {answer.context['school_name']}"


def size_words(row: Row) -> str:
    """'0.3 days a year more (95% interval 2.3 more to 1.8 fewer)'."""
    if row.value is None:
        return figure(row)
    told = f"{row.confidence_pct:g}% interval {interval_words(row, 'more', 'fewer')}"
    return f"{plain(abs(row.value), places_for(row))} {row.unit} {'fewer' if row.value >= 0 else 'more'} ({told})"


def spread_words(rows: Sequence[Row]) -> str:
    """'8.1 more to 8.9 fewer': the least and the greatest value of `rows`; 'no figure' where there is none."""
    values = [row.value for row in rows if row.value is not None]
    if not values:
        return "no figure"
    low, high = min(values), max(values)
    return interval_words(Row("choice", "all", low=low, high=high), "more", "fewer")


def _many(n: int) -> str:
    return "none has" if not n else "1 has" if n == 1 else f"{n} have"
