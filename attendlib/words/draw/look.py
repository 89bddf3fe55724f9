"""One look for every chart: colours, fonts, marks, and inline SVG with real text that keeps to itself."""

import hashlib
import io
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import TightLayoutEngine

from attendlib.records.answer import Chart, Row

# Government Analysis Function: data visualisation colours in charts; never the only way two things differ.
NAVY, TEAL, PLUM, ORANGE = "#12436D", "#28A197", "#801650", "#F46A25"
SERIES = ((NAVY, "o", "-"), (PLUM, "s", "--"), (TEAL, "^", "-."), (ORANGE, "D", ":"))
INK, SOFT, RULE, PALE = "#0b0c0c", "#484d50", "#d9d9d8", "#b1b4b5"
# The page's style sheet may put another shade in place of these, in the dark; without it they stay as they are.
SHADES = {NAVY: "c1", TEAL: "c2", PLUM: "c3", ORANGE: "c4", INK: "ink", SOFT: "soft", RULE: "rule", PALE: "pale"}
LOOK: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "hatch.color": SOFT,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
}
POINTS = 72  # in an inch: an SVG's unit
WIDTH_INCHES = 4.6  # narrow enough for a phone to show it whole, in letters that can be read
KEY_LETTERS = 52  # across a key over the whole width, its samples and gaps counted
KEY_LINE, KEY_EDGE = 0.19, 0.1  # inches of the figure's height that a key takes, a line and in all
LABEL_LETTERS = 26
AXIS_LETTERS = 30  # of a name below the drawing, beside the widest labels
EDGE = 0.3  # free all round a drawing, in heights of its letters
_NOT_DRAWN = re.compile(r"<(?:metadata>.*?</metadata>|defs>\s*<style.*?</style>\s*</defs>|!--.*?-->)", re.DOTALL)
_PLACES = re.compile(r' (?:d|x|y|transform|points)="[^"]*"')
_INDENT = re.compile(r"\n\s+")
_DIGITS = re.compile(r"(\.\d\d)\d+")  # a hundredth of a point is less than any screen shows


class _Layout(TightLayoutEngine):
    """The tight layout below a key of so much of the figure's height.

    The library's own way, a rectangle to keep within, measures every word twice; "constrained" takes as long as all the
    rest of a drawing.
    """

    key = 0.0

    def execute(self, fig: Figure) -> None:
        """Places the axes."""
        for axes in fig.axes:
            axes.spines[:].set_in_layout(False)  # names of places reach further
        super().execute(fig)
        if self.key:
            fig.subplots_adjust(top=fig.subplotpars.top - self.key)
        for axes in fig.axes:
            for axis in (axes.xaxis, axes.yaxis):
                if not axis.get_label_text():
                    axis.set_label_coords(0, 0)  # anywhere: the library would look once more where no label goes


class _Canvas(FigureCanvasSVG):
    """The canvas with one renderer for layout and drawing: each text is measured once."""

    renderer: RendererSVG

    def get_renderer(self) -> RendererSVG:
        """What the layout measures with; the library would make another."""
        return self.renderer

    def svg(self) -> str:
        """The figure drawn."""
        file = io.StringIO()
        width, height = POINTS * self.figure.get_size_inches()
        self.renderer = RendererSVG(width, height, file, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        self.figure.draw(self.renderer)
        self.renderer.finalize()
        return file.getvalue()


@dataclass(frozen=True, slots=True)
class Dot:
    """A labelled figure with its interval; `row` may be withheld, and then leaves a marked gap."""

    label: str
    row: Row


def chart(title: str, alt: str, draw: Callable[[Axes], None], height: float) -> Chart:
    """What `draw` puts on one pair of axes, `height` inches high."""
    return drawn(title, alt, lambda figure: draw(figure.add_subplot()), height)


def drawn(title: str, alt: str, draw: Callable[[Figure], None], height: float) -> Chart:
    """What `draw` puts on a figure `height` inches high. The same title, alternative text and drawing: the same bytes.

    Raises ValueError without a title or an alternative text: neither can be made up later.
    """
    if not title.strip() or not alt.strip():
        raise ValueError("a chart needs a title that states its finding and an alternative text with its numbers")
    with mpl.rc_context({**LOOK, "svg.hashsalt": title + alt}):
        layout = _Layout(pad=EDGE, rect=None)  # type: ignore[arg-type]
        figure = Figure(figsize=(WIDTH_INCHES, height), dpi=POINTS, layout=layout)
        draw(figure)
        for axes in figure.axes:
            axes.set_xlabel(wrapped(axes.get_xlabel(), AXIS_LETTERS))
        svg = _Canvas(figure).svg()
    mark = hashlib.sha256((title + alt).encode()).hexdigest()[:8]
    return Chart(title, alt, _shaded(_own_ids(_bare(svg), mark)))


def wrapped(label: str, letters: int = LABEL_LETTERS) -> str:
    """The label on as many lines as it needs."""
    return "\n".join(textwrap.wrap(label, letters, break_long_words=False)) or label


def label_lines(items: list[Dot]) -> int:
    """How many lines the labels take, one at least for each."""
    return sum(wrapped(item.label).count("\n") + 1 for item in items)


def name_places(axes: Axes, items: list[Dot]) -> None:
    """The labels down the left, the first at the top."""
    axes.set_yticks(range(len(items)), [wrapped(item.label) for item in items])
    axes.set_ylim(len(items) - 0.5, -0.5)
    axes.tick_params(axis="y", left=False, length=0)


def mark_gap(axes: Axes, place: float, row: Row) -> None:
    """The letter that stands for a withheld figure, where its mark would have begun."""
    axes.text(0.02, place, row.withheld or "–", transform=axes.get_yaxis_transform(), va="center")


def spread_of(row: Row) -> tuple[float, float] | None:
    """The interval of a row that has one."""
    return None if row.low is None or row.high is None else (row.low, row.high)


def gapped(ends: Mapping[float, tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Places and ends of one line that goes from end to end at each place, with gaps: many would cost as much each."""
    places = [at for place in ends for at in (place, place, float("nan"))]
    return places, [end for both in ends.values() for end in (*both, float("nan"))]


def spreads(rows: Mapping[float, Row | None]) -> dict[float, tuple[float, float]]:
    """The intervals of rows that show a figure and have one, at their places."""
    shown = {place: row for place, row in rows.items() if row is not None and row.value is not None}
    return {place: spread for place, row in shown.items() if (spread := spread_of(row))}


def grid(axes: Axes, axis: Any) -> None:
    """Faint rules to read values by."""
    axes.grid(axis=axis, color=RULE, linewidth=0.8)


def taller(axes: Axes, inches: float) -> Figure:
    """The drawing, made so much higher: what stands around the axes shall not take their room."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.set_figheight(figure.get_figheight() + max(inches, 0.0))
    return figure


def key_above(axes: Axes) -> None:
    """The key over the whole drawing, its words level, in as many columns as have room; the axes keep below it."""
    marks, names = axes.get_legend_handles_labels()
    columns = max(KEY_LETTERS // (max(map(len, names), default=0) + 7), 1)
    lines = -(-len(names) // columns)
    figure = taller(axes, (lines - 1) * KEY_LINE)
    figure.legend(marks, names, frameon=False, loc="upper left", ncols=min(columns, len(names) or 1))
    layout = figure.get_layout_engine()
    assert isinstance(layout, _Layout)
    layout.key = (lines * KEY_LINE + KEY_EDGE) / figure.get_figheight()


def _shaded(svg: str) -> str:
    """The same drawing, its colours open to the page's: `#12436d` becomes `var(--c1, #12436d)` in style attributes."""
    for color, name in SHADES.items():
        svg = svg.replace(f": {color.lower()}", f": var(--{name}, {color.lower()})")
    return svg


def _own_ids(svg: str, mark: str) -> str:
    """The same drawing with ids no other figure on the page has."""
    for before in (' id="', 'href="#', "url(#"):
        svg = svg.replace(before, f"{before}f{mark}-")
    return svg


def _bare(svg: str) -> str:
    """The svg element alone: no prolog, metadata or style sheet that would reach the whole page."""
    svg = _NOT_DRAWN.sub("", svg[svg.index("<svg") :])
    svg = _PLACES.sub(lambda found: _DIGITS.sub(r"\1", found.group()), svg)
    return _INDENT.sub("\n", svg).strip()
