"""Figures as people read them."""

import pytest

from attendlib.records.answer import Row
from attendlib.words import numbers


def row(value: float, low: float, high: float) -> Row:
    return Row("x", "school", value=value, low=low, high=high, confidence_pct=95.0, n=30)


# value, low, high              -> as printed: digits follow the interval's width
FIGURES = [
    (row(-1.734, -3.12, -0.35), "−1.7 (95% interval −3.1 to −0.4)"),
    (row(12.34, -5.6, 30.1), "12 (95% interval −6 to 30)"),
    (row(0.123, 0.101, 0.145), "0.12 (95% interval 0.10 to 0.15)"),
    (row(-0.04, -0.4, 2.4), "0.0 (95% interval −0.4 to 2.4)"),
    (Row("x", "school", withheld="c"), "c"),
]


@pytest.mark.parametrize(("found", "text"), FIGURES)
def test_figures(found: Row, text: str) -> None:
    assert numbers.figure(found) == text


# low, high -> each limit with its own direction
DIRECTIONS = [
    ((-3.12, -0.35), "0.4 to 3.1 lower"),
    ((0.35, 3.12), "0.4 to 3.1 higher"),
    ((-1.2, 0.6), "1.2 lower to 0.6 higher"),
]


@pytest.mark.parametrize(("limits", "text"), DIRECTIONS)
def test_directions(limits: tuple[float, float], text: str) -> None:
    assert numbers.interval_words(row(sum(limits) / 2, *limits), "lower", "higher") == text


def test_shares_days_lessons_and_chances() -> None:
    assert numbers.share(Row("x", "school", value=24.5, n=159, numerator=39)) == "39 of 159 (25%)"
    assert numbers.days_of(10, 190) == "19 days of 190"
    assert numbers.days_of(2, 190) == "about 4 days of 190"
    assert numbers.lessons(-2.0) == "about 10 lessons"
    assert [numbers.chances(x) for x in (0.2, 1.2, 76.4)] == [
        "under 1 chance in 100", "1 chance in 100", "76 chances in 100",
    ]  # fmt: skip
    assert numbers.listed(["a", "b", "c"]) == "a, b and c"


def test_halves_go_away_from_zero() -> None:
    found = [numbers.rounded(x, 1) for x in (0.35, -0.35, 0.25, 2.0, 1e-9)]
    assert found == ["0.4", "-0.4", "0.3", "2.0", "0.0"]
    assert numbers.signed(-0.04, 1) == "0.0"
    assert numbers.signed(-0.05, 1) == "−0.1"
