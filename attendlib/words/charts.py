"""Figures drawn by matplotlib's object API as inline SVG with real text; one look for all, uncertainty always drawn."""

import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from attendlib.records.answer import Chart, Row

# Government Analysis Function: data visualisation colours in charts; never the only way two things differ.
NAVY, TEAL, PLUM, ORANGE = "#12436D", "#28A197", "#801650", "#F46A25"
SERIES = ((NAVY, "o", "-"), (PLUM, "s", "--"), (TEAL, "^", "-."), (ORANGE, "D", ":"))
LOOK: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
}
WIDTH_INCHES = 6.6


@dataclass(frozen=True, slots=True)
class Dot:
    """A labelled figure with its interval; `row` may be withheld, and then leaves a marked gap."""

    label: str
    row: Row


def dots(title: str, alt: str, items: Sequence[Dot], axis: str, *, zero_line: bool = False) -> Chart:
    """A dot and an interval for each item, one a line, from the top down."""

    def draw(axes: Axes) -> None:
        for place, item in enumerate(items):
            _dot(axes, place, item.row)
        axes.set_yticks(range(len(items)), [item.label for item in items])
        axes.set_ylim(len(items) - 0.5, -0.5)
        axes.set_xlabel(axis)
        axes.grid(axis="x", color="#d9d9d9", linewidth=0.8)
        if zero_line:
            axes.axvline(0, color="#0b0c0c", linewidth=1)

    return _chart(title, alt, draw, height=0.9 + 0.42 * len(items))


def _dot(axes: Axes, place: int, row: Row) -> None:
    if row.value is None:
        axes.annotate(row.withheld or "–", (0.02, place), xycoords=("axes fraction", "data"), va="center")
        return
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [place, place], color=NAVY, linewidth=2)
    axes.plot([row.value], [place], "o", color=NAVY, markersize=7)


def lines(title: str, alt: str, series: Mapping[str, Sequence[Row | None]], places: Sequence[str], axis: str) -> Chart:
    """A line a series over the same places, each point with its interval; a missing point is a gap."""

    def draw(axes: Axes) -> None:
        for shift, ((name, rows), look) in enumerate(zip(series.items(), SERIES, strict=False)):
            _line(axes, name, rows, look, 0.06 * shift)
        axes.set_xticks(range(len(places)), places)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(axis)
        axes.grid(axis="y", color="#d9d9d9", linewidth=0.8)
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 1.18), ncols=2)

    return _chart(title, alt, draw, height=3.4)


def _line(axes: Axes, name: str, rows: Sequence[Row | None], look: tuple[str, str, str], shift: float) -> None:
    color, marker, style = look
    points = [(place + shift, row.value, row) for place, row in enumerate(rows) if row and row.value is not None]
    for place, _, row in points:
        if row.low is not None and row.high is not None:
            axes.plot([place, place], [row.low, row.high], color=color, linewidth=1.5, alpha=0.7)
    places, values = [place for place, _, _ in points], [value for _, value, _ in points]
    axes.plot(places, values, color=color, marker=marker, ls=style, label=name)


def three_bars(title: str, alt: str, before: Sequence[float], after: Mapping[str, Sequence[float]]) -> Chart:
    """Chances in percent of worse, none and better: before the data, then after by each way of comparing."""
    names = ["before the data", *after]
    values = [list(before), *(list(found) for found in after.values())]

    def draw(axes: Axes) -> None:
        high = 0.8 / len(names)
        for shift, (name, chances) in enumerate(zip(names, values, strict=True)):
            ys = [place + shift * high for place in range(3)]
            hatch = ("//", "", "..")[shift]
            axes.barh(ys, chances, height=high * 0.9, label=name, color=("#d9d9d9", NAVY, TEAL)[shift], hatch=hatch)
            for y, chance in zip(ys, chances, strict=True):
                axes.annotate(f"{chance:.0f}%", (chance + 1, y), va="center", fontsize=9)
        middle = high * (len(names) - 1) / 2
        axes.set_yticks([p + middle for p in range(3)], ["worse", "no useful difference", "better"])
        axes.set_ylim(3, -0.3)
        axes.set_xlim(0, 108)
        axes.set_xlabel("chances in 100")
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 1.16), ncols=3)

    return _chart(title, alt, draw, height=3.4)


def _chart(title: str, alt: str, draw: Callable[[Axes], None], height: float) -> Chart:
    with mpl.rc_context({**LOOK, "svg.hashsalt": title + alt}):
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        draw(figure.add_subplot())
        file = io.StringIO()
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return Chart(title, alt, _own_ids(_bare(file.getvalue()), hashlib.sha256((title + alt).encode()).hexdigest()[:8]))


def _own_ids(svg: str, mark: str) -> str:
    """The same drawing with ids no other figure on the page has."""
    svg = re.sub(r'\bid="', f'id="f{mark}-', svg)
    return re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>f{mark}-", svg)


def _bare(svg: str) -> str:
    """The svg element alone: no prolog, metadata or style sheet that would reach the whole page."""
    svg = svg[svg.index("<svg") :]
    for pattern in (r"<metadata>.*?</metadata>", r"<defs>\s*<style.*?</style>\s*</defs>", r"<!--.*?-->"):
        svg = re.sub(pattern, "", svg, flags=re.DOTALL)
    return svg.strip()
