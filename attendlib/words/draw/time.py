"""Charts over time: lines, and differences before and after a start."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from attendlib.records.answer import Chart, Row
from attendlib.words.draw.look import (
    INK,
    NAVY,
    PLUM,
    SERIES,
    SOFT,
    chart,
    gapped,
    grid,
    key_above,
    spreads,
    taller,
    wrapped,
)

LETTERS_ACROSS = 48
SLANTED = 0.05  # inches down that each letter of a slanted name takes


def lines(
    title: str, alt: str, series: Mapping[str, Sequence[Row | None]], places: Sequence[str], axis: str, *,
    marks: Mapping[float, str] | None = None, from_zero: bool = True,
) -> Chart:  # fmt: skip
    """A line a series over the same places, each point with its interval; a missing point is a gap in the line.

    `marks` names moments on the way (a start, a change of code, a strike): its keys are places, counted from 0.
    Raises ValueError for more than four series: nobody can tell more apart.
    """
    if len(series) > len(SERIES):
        raise ValueError(f"a chart holds at most {len(SERIES)} lines, not {len(series)}: draw several charts")

    def draw(axes: Axes) -> None:
        for shift, ((name, rows), look) in enumerate(zip(series.items(), SERIES, strict=False)):
            _line(axes, name, rows, look, 0.06 * shift)
        _name(axes, places)
        if from_zero:
            axes.set_ylim(bottom=0)
        axes.set_ylabel(axis)
        grid(axes, "y")
        _moments(axes, marks or {})
        key_above(axes)

    return chart(title, alt, draw, 3.4)


def event_study(title: str, alt: str, rows: Sequence[Row], places: Sequence[str], axis: str, *, start: float) -> Chart:
    """The difference at each time with its interval, around 0; a rule marks the start, between two places.

    `start` is counted in places from 0: 2.5 stands between the third and the fourth.
    """

    def draw(axes: Axes) -> None:
        axes.axhline(0, color=INK, linewidth=1)
        for place, row in enumerate(rows):
            if row.value is None:
                axes.text(place, 0.03, row.withheld or "–", transform=axes.get_xaxis_transform(), ha="center")
        for after, color, marker in ((False, PLUM, "s"), (True, NAVY, "o")):
            shown: dict[float, Row] = {
                at: row for at, row in enumerate(rows) if row.value is not None and (at > start) is after
            }
            axes.plot(*gapped(spreads(shown)), color=color, linewidth=2)
            axes.plot([*shown], [row.value or 0.0 for row in shown.values()], marker, color=color, markersize=7)
        axes.set_xlim(-0.5, len(rows) - 0.5)
        _name(axes, places)
        axes.set_ylabel(axis)
        grid(axes, "y")
        _moments(axes, {start: "start"})

    return chart(title, alt, draw, 3.2)


def _name(axes: Axes, places: Sequence[str]) -> None:
    """Every place named, on two lines where that helps; slanted only where names would still run into each other."""
    room = max(LETTERS_ACROSS // max(len(places), 1), 1)
    names = [wrapped(place, room) for place in places]
    axes.set_xticks(range(len(places)), names)
    if any(len(line) > room for name in names for line in name.splitlines()):
        axes.set_xticks(range(len(places)), places)
        taller(axes, SLANTED * max(map(len, places)))
        axes.tick_params(axis="x", labelrotation=40)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")


def _moments(axes: Axes, marks: Mapping[float, str]) -> None:
    for place, name in marks.items():
        axes.axvline(place, color=SOFT, linewidth=1.2, linestyle=(0, (4, 2)))
        axes.text(place, 1.01, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=10)


def _line(axes: Axes, name: str, rows: Sequence[Row | None], look: tuple[str, str, str], shift: float) -> None:
    color, marker, style = look
    values = [float("nan") if row is None or row.value is None else row.value for row in rows]
    at = {place + shift: row for place, row in enumerate(rows)}
    for place, row in at.items():
        if row is not None and row.value is None and row.withheld:
            axes.text(place, 0.02, row.withheld, transform=axes.get_xaxis_transform(), ha="center")
    for place, ends in spreads(at).items():  # drawn as one line they would look a trace different
        axes.plot((place, place), ends, color=color, linewidth=1.5, alpha=0.7)
    axes.plot([*at], values, color=color, marker=marker, ls=style, label=name)
