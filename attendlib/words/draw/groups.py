"""Charts of groups beside each other, one a line from the top down: dots, bars, chances, balance."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from attendlib.records.answer import Chart, Row
from attendlib.words.draw.look import (
    INK,
    NAVY,
    PALE,
    PLUM,
    RULE,
    SOFT,
    TEAL,
    Dot,
    chart,
    gapped,
    grid,
    key_above,
    label_lines,
    mark_gap,
    name_places,
    spread_of,
    spreads,
    wrapped,
)  # fmt: skip
from attendlib.words.numbers import places_for, plain

ORDER = ("worse", "no useful difference", "better")
BEFORE_AFTER = ("as found", "adjusted")
GUIDES = (0.05, 0.25)  # What Works Clearinghouse: no adjusting needed under 0.05, no adjusting enough over 0.25


def dots(title: str, alt: str, items: Sequence[Dot], axis: str, *, zero_line: bool = False) -> Chart:
    """A dot and an interval for each item, one a line, from the top down."""

    def draw(axes: Axes) -> None:
        shown = _shown(axes, items)
        for place, ends in spreads(shown).items():  # drawn as one line they would look a trace different
            axes.plot(ends, (place, place), color=NAVY, linewidth=2)
        axes.plot([row.value or 0.0 for row in shown.values()], [*shown], "o", color=NAVY, markersize=7)
        name_places(axes, list(items))
        axes.set_xlabel(axis)
        grid(axes, "x")
        if zero_line:
            axes.axvline(0, color=INK, linewidth=1)

    return chart(title, alt, draw, 0.8 + 0.2 * len(items) + 0.22 * label_lines(list(items)))


def bars(title: str, alt: str, items: Sequence[Dot], axis: str) -> Chart:
    """A horizontal bar from 0 for each item, its value printed at its end and its interval drawn over it."""

    def draw(axes: Axes) -> None:
        shown = _shown(axes, items)
        axes.barh([*shown], [row.value or 0.0 for row in shown.values()], height=0.6, color=NAVY)
        places, ends = gapped(spreads(shown))
        axes.plot(ends, places, color=INK, linewidth=1.5, marker="|", markersize=7)
        for place, row in shown.items():
            _print_value(axes, place, row)
        name_places(axes, list(items))
        axes.margins(x=0.26)
        axes.axvline(0, color=INK, linewidth=1)
        axes.set_xlabel(axis)
        grid(axes, "x")

    return chart(title, alt, draw, 0.8 + 0.24 * len(items) + 0.22 * label_lines(list(items)))


def three_bars(title: str, alt: str, before: Sequence[float], after: Mapping[str, Sequence[float]]) -> Chart:
    """Chances in percent of worse, none and better: before the data, then after by each way of comparing.

    Raises ValueError for more than two ways: three bars at a place are as many as can be told apart.
    """
    if len(after) > 2:
        raise ValueError("three_bars shows what was held before the data and at most two ways of comparing")
    found = {"before the data": before, **{f"after: {name}": chances for name, chances in after.items()}}
    high = 0.8 / len(found)

    def draw(axes: Axes) -> None:
        looks = ((PALE, ""), (NAVY, ""), (TEAL, "//"))
        for shift, ((name, chances), (color, hatch)) in enumerate(zip(found.items(), looks, strict=False)):
            ys = [place + shift * high for place in range(3)]
            axes.barh(ys, chances, height=high * 0.88, label=name, color=color, hatch=hatch)
            for y, chance in zip(ys, chances, strict=True):
                axes.text(chance + 1.5, y, f"{chance:.0f}", va="center", fontsize=10)
        axes.set_yticks([p + high * (len(found) - 1) / 2 for p in range(3)], [wrapped(name, 14) for name in ORDER])
        axes.tick_params(axis="y", left=False, length=0)
        axes.set_ylim(2.95, -0.3)
        axes.set_xlim(0, 108)
        axes.set_xlabel("chances in 100")
        key_above(axes)

    return chart(title, alt, draw, 1.8 + 0.62 * len(found))


def balance(
    title: str, alt: str, pairs: Mapping[str, tuple[float, float | None]], names: tuple[str, str] = BEFORE_AFTER
) -> Chart:
    """How unlike two groups are in each thing, in standard deviations: as found, and once weighted or adjusted.

    `pairs` holds for each label (before, after), after None where nothing was adjusted; `names` are what the two are
    called. Guides at 0.05 and 0.25.
    """
    moved: dict[float, tuple[float, float]]
    moved = {place: (before, after) for place, (before, after) in enumerate(pairs.values()) if after is not None}

    def draw(axes: Axes) -> None:
        for guide in GUIDES:
            for side in (-guide, guide):
                axes.axvline(side, color=SOFT, linewidth=1, linestyle=(0, (2, 2)))
            axes.text(guide, 1.01, f"{guide:g}", transform=axes.get_xaxis_transform(), ha="center", fontsize=9)
        axes.axvline(0, color=INK, linewidth=1)
        if moved:
            for place, ends in moved.items():
                axes.plot(ends, (place, place), color=RULE, linewidth=2)
            axes.plot([after for _, after in moved.values()], [*moved], "o", color=NAVY, markersize=8, label=names[1])
        axes.plot([before for before, _ in pairs.values()], range(len(pairs)), "s", color=PLUM, markersize=7,
                  label=names[0], markerfacecolor="none", markeredgewidth=1.8)  # fmt: skip
        axes.set_yticks(range(len(pairs)), [wrapped(label) for label in pairs])
        axes.tick_params(axis="y", left=False, length=0)
        axes.set_ylim(len(pairs) - 0.5, -0.5)
        widest = max([GUIDES[1], *(abs(one) for pair in pairs.values() for one in pair if one is not None)])
        axes.set_xlim(-1.15 * widest, 1.15 * widest)
        axes.set_xticks(_inner_ticks(widest))
        axes.set_xlabel("difference in standard deviations")
        key_above(axes)

    lines = sum(wrapped(label).count("\n") + 1 for label in pairs)
    return chart(title, alt, draw, 1.2 + 0.14 * len(pairs) + 0.22 * lines)


def _inner_ticks(widest: float) -> list[float]:
    """Ticks alike on both sides of 0, none beyond `widest`: at the very end of an axis its letters would be cut."""
    step = GUIDES[1]
    while widest / step > 2:
        step *= 2
    each_side = int(widest / step)
    return [step * place for place in range(-each_side, each_side + 1)]


def _shown(axes: Axes, items: Sequence[Dot]) -> dict[float, Row]:
    """The rows that show a figure, at their places; the others are marked."""
    for place, item in enumerate(items):
        if item.row.value is None:
            mark_gap(axes, place, item.row)
    return {place: item.row for place, item in enumerate(items) if item.row.value is not None}


def _print_value(axes: Axes, place: float, row: Row) -> None:
    """A bar's value beyond its end and its interval's."""
    assert row.value is not None
    low, high = spread_of(row) or (row.value, row.value)
    side, shift, end = ("left", 5, high) if row.value >= 0 else ("right", -5, low)
    text = plain(row.value, places_for(row))
    axes.annotate(text, (end, place), (shift, 0), textcoords="offset points", va="center", ha=side)
