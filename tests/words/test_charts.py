"""Charts: the same bytes twice, real text, no page-wide style, ids of their own, alternative text from the numbers."""

import re

from attendlib.records.answer import Chart, Row
from attendlib.words.charts import Dot, dots, lines, three_bars

ROW = Row("x", "school", value=2.0, low=1.0, high=3.0, n=30)
GAP = Row("x", "school", withheld="c")


def charts() -> list[Chart]:
    return [
        dots("By band", "2 points, 30 pupils", [Dot("a", ROW), Dot("b", GAP)], "points", zero_line=True),
        lines("By half-term", "rises", {"Year 6": [ROW, None], "Year 7": [ROW, ROW]}, ["1", "2"], "percent"),
        three_bars("Chances", "mostly better", (25, 50, 25), {"main": (5, 15, 80), "check": (10, 20, 70)}),
    ]


def test_same_bytes_twice() -> None:
    assert charts() == charts()


def test_nothing_reaches_outside_the_figure() -> None:
    for chart in charts():
        assert chart.svg.startswith("<svg")
        assert "<style" not in chart.svg
        assert "<metadata" not in chart.svg
        assert "<text" in chart.svg


def test_ids_differ_between_figures_and_every_reference_is_there() -> None:
    found = [set(re.findall(r'\bid="([^"]+)"', chart.svg)) for chart in charts()]
    assert sum(map(len, found)) == len(set().union(*found))
    for ids, chart in zip(found, charts(), strict=True):
        used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', chart.svg))
        assert used <= ids


def test_a_withheld_figure_is_marked_and_not_drawn() -> None:
    chart = dots("t", "a", [Dot("a", ROW), Dot("b", GAP)], "points")
    assert re.search(r">c<", chart.svg)
