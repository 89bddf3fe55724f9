"""What every defensible way of answering gives, in one sentence."""

from attendlib.records.answer import Answer
from attendlib.words.numbers import plain


def spread_over(answer: Answer, ways: str) -> tuple[str, ...]:
    """The least and the greatest figure over all `choice` rows, and how many intervals lie on either side of 0."""
    rows = [row for row in answer.select("choice") if row.value is not None]
    if not rows:
        return ()
    values = [row.value for row in rows if row.value is not None]
    above = sum(row.low is not None and row.low > 0 for row in rows)
    below = sum(row.high is not None and row.high < 0 for row in rows)
    return (
        f"{len(rows)} ways {ways} that could be defended give {plain(min(values))} to {plain(max(values))}"
        f" {rows[0].unit} fewer; the intervals of {above} of them lie above 0, of {below} below.",
    )
