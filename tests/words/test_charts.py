"""Charts: the same bytes twice, real text, no page-wide style, ids of their own, alternative text from the numbers."""

import re

import pytest

from attendlib.records.answer import Chart, Row, Step
from attendlib.words.charts import (
    Dot,
    balance,
    bars,
    dots,
    event_study,
    flow,
    funnel,
    heat_table,
    lines,
    specification_curve,
    three_bars,
)

ROW = Row("x", "school", value=2.0, low=1.0, high=3.0, n=30)
GAP = Row("x", "school", withheld="c")
STEPS = [Step("Pupils in Year 11", 0, 100), Step("no result", None, 97)]


def charts() -> list[Chart]:
    return [
        dots("By band", "2 points, 30 pupils", [Dot("a", ROW), Dot("b", GAP)], "points", zero_line=True),
        lines("By half-term", "rises", {"Year 6": [ROW, None], "Year 7": [ROW, ROW]}, ["1", "2"], "percent"),
        three_bars("Chances", "mostly better", (25, 50, 25), {"main": (5, 15, 80), "check": (10, 20, 70)}),
        bars("By group", "2 points, 30 pupils", [Dot("a", ROW), Dot("b", GAP)], "points"),
        event_study("Around the start", "2 days after, 30 pupils", [ROW, GAP, ROW], ["1", "2", "3"], "days", start=1.5),
        heat_table(
            "By year and band", "2 in Year 7", ["Year 7", "Year 8"], ["0–5%", "5% +"], [[ROW, GAP], [ROW, None]]
        ),
        funnel("Schools", "2 of 30", [Dot("a", ROW), Dot("b", GAP)], "days", centre=1, spread=4, here="a"),
        balance("Alike", "0.6 before, 0.1 after", {"Sex": (0.6, 0.1), "Age": (-0.1, None)}),
        specification_curve("Ways", "2 in all", [Dot("a", ROW), Dot("b", GAP)], {"one": (True, False)}, "days"),
        flow("Who stayed", "100, then 97", STEPS, {"Calls": STEPS, "Waiting list": STEPS}),
    ]


def test_same_bytes_twice() -> None:
    assert charts() == charts()


def test_nothing_reaches_outside_the_figure() -> None:
    for chart in charts():
        assert chart.svg.startswith("<svg")
        assert "<style" not in chart.svg
        assert "<metadata" not in chart.svg
        assert "<text" in chart.svg


@pytest.mark.parametrize("apart", [0.1, 0.436, 0.5, 1.31, 9.0])
def test_no_tick_of_a_balance_chart_is_cut(apart: float) -> None:
    """Letters are about 8 wide; browsers draw them wider than they were laid out."""
    svg = balance("t", "a", {"Sex": (apart, 0.1)}).svg
    ticks = svg[svg.index("xtick_1") : svg.index("ytick_1")]
    places = [
        float(x) for x in re.findall(r"<text[^>]*translate\(([\d.]+)|<text[^>]*? x=\"([\d.]+)", ticks) for x in x if x
    ]
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg).group(1))  # type: ignore[union-attr]
    assert len(places) >= 3
    assert max(places) + 18 < width


def test_ids_differ_between_figures_and_every_reference_is_there() -> None:
    found = [set(re.findall(r'\bid="([^"]+)"', chart.svg)) for chart in charts()]
    assert sum(map(len, found)) == len(set().union(*found))
    for ids, chart in zip(found, charts(), strict=True):
        used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', chart.svg))
        assert used <= ids


def test_a_withheld_figure_is_marked_and_not_drawn() -> None:
    chart = dots("t", "a", [Dot("a", ROW), Dot("b", GAP)], "points")
    assert re.search(r">c<", chart.svg)


def test_every_chart_is_light_and_opens_its_colours_to_the_page() -> None:
    for chart in charts():
        assert len(chart.svg) < 30_000, chart.title
        assert re.search(r"var\(--(c1|ink|soft), #[0-9a-f]{6}\)", chart.svg), chart.title
        assert not re.search(r": #(12436d|0b0c0c)", chart.svg, re.IGNORECASE), chart.title


def test_charts_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 4 lines"):
        lines("t", "a", {str(i): [ROW] for i in range(5)}, ["1"], "percent")
    with pytest.raises(ValueError, match="at most two ways"):
        three_bars("t", "a", (25, 50, 25), {str(i): (1, 2, 97) for i in range(3)})
    with pytest.raises(ValueError, match="alternative text"):
        dots("t", " ", [Dot("a", ROW)], "points")


def test_a_bar_prints_its_value_and_a_cell_its_n() -> None:
    assert ">2.0<" in bars("t", "a", [Dot("a", ROW)], "points").svg
    assert ">n 30<" in heat_table("t", "a", ["r"], ["k"], [[ROW]]).svg


def test_a_flow_prints_who_left_and_who_stayed() -> None:
    words = re.sub(r"<[^>]+>", " ", flow("t", "a", STEPS).svg)
    assert "Pupils in Year 11: 100" in " ".join(words.split())
    assert "no result: c" in " ".join(words.split())
    assert "97 pupils" in " ".join(words.split())
