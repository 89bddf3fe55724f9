"""Charts of many figures at once: schools against their size, and one question answered in many ways."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attendlib.records.answer import Chart
from attendlib.words.draw.look import (
    INK,
    NAVY,
    PALE,
    PLUM,
    SOFT,
    Dot,
    chart,
    drawn,
    gapped,
    grid,
    key_above,
    spreads,
    wrapped,
)  # fmt: skip

WAY, FIXED = (NAVY, "o", 1.4, 5), (PLUM, "D", 2.4, 8)  # colour, marker, its line's width and its size
LIMITS = ((1.96, "95 in 100", (0, (4, 2))), (3.09, "998 in 1,000", (0, (1, 1.5))))  # the usual two of a funnel


def funnel(
    title: str, alt: str, items: Sequence[Dot], axis: str, *, centre: float, spread: float, here: str = ""
) -> Chart:
    """Each group's figure over its number of pupils, between the limits that chance alone would keep to.

    `centre` is the figure of all together, `spread` the standard deviation of one pupil's, in the same unit: limits
    are centre ± z spread/√n. `here` is the label of the one group that is named; no other can be read off.
    """
    shown = [item for item in items if item.row.value is not None and item.row.n]
    hidden = len(items) - len(shown)

    def draw(axes: Axes) -> None:
        sizes = [item.row.n or 1 for item in shown] or [1]
        low, high = max(min(sizes) * 0.7, 1), max(sizes) * 1.1
        steps = [low + (high - low) * step / 60 for step in range(61)]
        for z, name, style in LIMITS:
            for sign in (-1, 1):
                edge = [centre + sign * z * spread / n**0.5 for n in steps]
                label = f"chance keeps {name} inside" if sign > 0 else None
                axes.plot(steps, edge, color=SOFT, linewidth=1.2, linestyle=style, label=label)
        axes.axhline(centre, color=INK, linewidth=1, label="all together")
        others = [item.row for item in shown if item.label != here]
        axes.plot([r.n or 0 for r in others], [r.value or 0 for r in others], "o", ls="", markersize=6,
                  markerfacecolor=PALE, markeredgecolor=NAVY)  # fmt: skip
        for row in (item.row for item in shown if item.label == here):
            axes.plot([row.n or 0], [row.value or 0], "D", color=PLUM, markersize=9)
            axes.annotate(here, (row.n or 0, row.value or 0), (8, 6), textcoords="offset points", fontweight="bold")
        axes.set_xlabel("pupils" + (f" ({hidden} not drawn: withheld)" if hidden else ""))
        axes.set_ylabel(axis)
        key_above(axes)

    return chart(title, alt, draw, 3.8)


def specification_curve(
    title: str, alt: str, items: Sequence[Dot], choices: Mapping[str, Sequence[bool]], axis: str, *, main: int = 0
) -> Chart:
    """One question answered in many reasonable ways: estimates in order of size, and which choice each one made.

    `choices` holds, for each choice's name, whether each item made it; `main` is the place of the one fixed first.
    Withheld items keep their place at the end, marked.
    """
    names = [wrapped(name, 30) for name in choices]
    deep = 0.24 * sum(name.count("\n") + 1 for name in names) + 0.06 * len(names)
    order = sorted(range(len(items)), key=lambda i: (items[i].row.value is None, items[i].row.value or 0.0, i))

    def draw(figure: Figure) -> None:
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.5, 0.3 + deep])
        top.axhline(0, color=INK, linewidth=1)
        for first, look in ((False, WAY), (True, FIXED)):
            _estimates(
                top, {place: items[which] for place, which in enumerate(order) if (which == main) is first}, look
            )
        for first, color in ((False, NAVY), (True, PLUM)):  # all marks of a colour at once: hundreds would be slow
            marks = [
                (place, line) for place, which in enumerate(order) if (which == main) is first
                for line, made in enumerate(choices.values()) if made[which]
            ]  # fmt: skip
            below.plot([place for place, _ in marks], [line for _, line in marks], "o", color=color, markersize=5)
        top.set_ylabel(wrapped(axis, 24))
        grid(top, "y")
        below.set_yticks(range(len(choices)), names, fontsize=10)
        below.set_ylim(len(choices) - 0.5, -0.5)
        below.set_xlim(-0.6, len(items) - 0.4)
        below.tick_params(axis="y", left=False, length=0)
        below.set_xticks([])  # of both: they share them
        below.set_xlabel("each way (diamond: the one fixed first)")
        grid(below, "y")

    return drawn(title, alt, draw, 3.4 + deep)


def _estimates(axes: Axes, items: Mapping[int, Dot], look: tuple[str, str, float, int]) -> None:
    """Items at their places: all intervals as one line with gaps, all marks as another."""
    color, marker, width, size = look
    axes.plot(*gapped(spreads({place: item.row for place, item in items.items()})), color=color, linewidth=width)
    shown = {place: item.row.value for place, item in items.items() if item.row.value is not None}
    axes.plot([*shown], [*shown.values()], marker, color=color, markersize=size)
    for place in sorted(items.keys() - shown.keys()):
        axes.text(place, 0.03, items[place].row.withheld or "–", transform=axes.get_xaxis_transform(), ha="center")
