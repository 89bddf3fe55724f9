"""Charts that print their figures: a table shaded by value, and who went where."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from attendlib.records.answer import Chart, Row, Step
from attendlib.words.draw.look import INK, NAVY, PALE, SOFT, chart, wrapped
from attendlib.words.numbers import count, places_for, plain, pupils

LETTERS_ACROSS = 40
WHITE_TEXT_UNDER = 0.179  # relative luminance at which black and white text have the same contrast (WCAG 2.2)


def heat_table(
    title: str, alt: str, rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[Row | None]]
) -> Chart:
    """A figure and its n in each cell, the deeper the shade the larger; withheld cells hold their letter, unshaded.

    `cells` holds a line for each of `rows`, with one row for each of `columns`; None stands for no such group.
    """
    values = [row.value for line in cells for row in line if row is not None and row.value is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)

    def draw(axes: Axes) -> None:
        for y, line in enumerate(cells):
            for x, row in enumerate(line):
                _cell(axes, x, y, row, low, high)
        axes.set_xlim(-0.5, len(columns) - 0.5)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xticks(range(len(columns)), [wrapped(name, LETTERS_ACROSS // len(columns)) for name in columns])
        axes.set_yticks(range(len(rows)), [wrapped(name, 20) for name in rows])
        axes.xaxis.tick_top()
        axes.tick_params(left=False, top=False, length=0)
        axes.spines[:].set_visible(False)

    return chart(title, alt, draw, 0.8 + 0.52 * len(rows))


def flow(title: str, alt: str, steps: Sequence[Step], arms: Mapping[str, Sequence[Step]] | None = None) -> Chart:
    """Who was there, who left at each step and why, who stayed: boxes from the top down, then one column an arm.

    The first step of each part says who is there. A withheld count prints its letter.
    """
    arms = arms or {}
    deepest = max((len(found) for found in arms.values()), default=0)
    whole = len(steps) + deepest + (0.4 if arms else 0)

    def draw(axes: Axes) -> None:
        axes.set_xlim(0, 1)
        axes.set_ylim(whole, -0.1)
        axes.set_axis_off()
        left, width = (0.3, 0.4) if len(arms) > 1 else (0.02, 0.44)
        _column(axes, steps, left, width, 0.0, "")
        for place, (name, found) in enumerate(arms.items()):
            begin, each = place / len(arms), 1 / len(arms)
            _branch(axes, left + width / 2, begin + 0.27 * each, len(steps))
            _column(axes, found, begin + 0.01, 0.52 * each, len(steps) + 0.4, name)

    return chart(title, alt, draw, 0.2 + 0.85 * whole)


def _cell(axes: Axes, x: int, y: int, row: Row | None, low: float, high: float) -> None:
    if row is None or row.value is None:
        axes.text(x, y, row.withheld if row is not None and row.withheld else "–", ha="center", va="center")
        return
    share = 0.5 if high == low else (row.value - low) / (high - low)
    shade = tuple(1 - (1 - part) * (0.08 + 0.92 * share) for part in to_rgb(NAVY))
    axes.fill([x - 0.48, x + 0.48, x + 0.48, x - 0.48], [y - 0.46, y - 0.46, y + 0.46, y + 0.46], color=shade)
    color = "#ffffff" if _luminance(shade) < WHITE_TEXT_UNDER else "#000000"
    axes.text(x, y - 0.12, plain(row.value, places_for(row)), ha="center", va="center", color=color)
    axes.text(x, y + 0.24, f"n {count(row.n)}", ha="center", va="center", color=color, fontsize=9)


def _luminance(shade: tuple[float, ...]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shade]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _column(axes: Axes, steps: Sequence[Step], left: float, width: float, top: float, name: str) -> None:
    """Boxes down one column, and beside the arrow between two of them who left there."""
    letters = max(int(width * 74), 12)
    for place, step in enumerate(steps):
        y, middle = top + place, left + width / 2
        said = f"{name or step.reason}: {pupils(step.left)}" if place == 0 else pupils(step.left)
        _box(axes, middle, y + 0.3, wrapped(said, letters), INK)
        if place:
            axes.annotate("", (middle, y + 0.06), (middle, y - 0.46), arrowprops={"arrowstyle": "->", "color": SOFT})
            lost = f"{step.reason}: {count(step.lost)}"
            room = max(int((0.96 - width) * 66), 12) if width > 0.42 else letters
            axes.text(middle + 0.02, y - 0.2, wrapped(lost, room), va="center", fontsize=10, color=SOFT)


def _box(axes: Axes, x: float, y: float, text: str, color: str) -> None:
    style = {"boxstyle": "square,pad=0.45", "facecolor": "none", "edgecolor": PALE, "linewidth": 1.2}
    axes.text(x, y, text, ha="center", va="center", color=color, bbox=style)


def _branch(axes: Axes, start: float, end: float, bottom: float) -> None:
    axes.annotate("", (end, bottom + 0.46), (start, bottom - 0.4), arrowprops={"arrowstyle": "->", "color": SOFT})
