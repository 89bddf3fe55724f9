"""How strong a hidden difference between the groups would have to be to undo what was found."""

from attendlib.questions.impact.chosen import Compared
from attendlib.records.answer import Row


def strength_rows(found: Compared, weight: str = "") -> list[Row]:
    """Rows `robustness`: percent of what is left to explain that a hidden difference must share on both sides."""
    return []
