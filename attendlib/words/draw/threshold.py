"""A chart of what happens at a line: means on both sides of it, and the lines drawn through them."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from attendlib.records.answer import Chart, Row
from attendlib.words.draw.look import INK, NAVY, PLUM, SOFT, chart, grid, spread_of
from attendlib.words.numbers import count


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin's place on the line below, and its row."""

    place: float
    row: Row


def at_threshold(
    title: str, alt: str, bins: Sequence[Bin], lines: Sequence[tuple[tuple[float, float], tuple[float, float]]],
    threshold: float, axes_names: tuple[str, str],
) -> Chart:  # fmt: skip
    """Binned means with intervals and counts on both sides of `threshold`, and each of `lines` from point to point.

    `axes_names` are those of the line below and of the height. Withheld bins must be left out: they have no place.
    """

    def draw(axes: Axes) -> None:
        axes.axvline(threshold, color=SOFT, linewidth=1.2, linestyle=(0, (4, 2)))
        for number, each in enumerate(bins):
            _bin(axes, each, threshold, number % 2)
        for start, end in lines:
            axes.plot([start[0], end[0]], [start[1], end[1]], color=INK, linewidth=2.2)
        axes.set_xlabel(axes_names[0])
        axes.set_ylabel(axes_names[1])
        top = axes.get_ylim()[1]
        axes.set_ylim(min(0.0, axes.get_ylim()[0]) - 0.15 * top, top)  # the counts stand below
        axes.text(threshold, 1.01, "the line", transform=axes.get_xaxis_transform(), ha="center", va="bottom",
                  fontsize=10)  # fmt: skip
        grid(axes, "y")

    return chart(title, alt, draw, 3.8)


def _bin(axes: Axes, each: Bin, threshold: float, line: int) -> None:
    """Counts stand on two lines by turns: side by side they would run into each other."""
    color, marker = (NAVY, "o") if each.place >= threshold else (PLUM, "s")
    assert each.row.value is not None
    if interval := spread_of(each.row):
        axes.plot([each.place] * 2, interval, color=color, linewidth=1.4, alpha=0.6)
    axes.plot([each.place], [each.row.value], marker, color=color, markersize=6)
    transform = axes.get_xaxis_transform()
    axes.text(each.place, 0.02 + 0.05 * line, count(each.row.n), transform=transform, ha="center", fontsize=8)
