"""Every kind of chart, by name: inline SVG in one look by matplotlib's object API, uncertainty always drawn.

Each takes `title` (the finding, in words), `alt` (the same with its numbers: unit, n, interval) and the rows, and
returns a `Chart`. Withheld rows leave a gap marked with their letter.

| chart | for |
|---|---|
| `dots` | estimates with intervals |
| `bars` | groups, as horizontal bars from 0 |
| `lines` | something over time, four lines at most |
| `event_study` | differences before and after a start |
| `heat_table` | two-way tables, values and n printed |
| `funnel` | schools against their size |
| `three_bars` | the chances behind an impact verdict, before and after the data |
| `balance` | how alike two groups are, as found and adjusted |
| `specification_curve` | one question answered in many reasonable ways |
| `flow` | who was there, who left and why |
| `at_threshold` | what happens where pupils cross a line |
"""

from attendlib.words.draw.boxes import flow, heat_table
from attendlib.words.draw.groups import balance, bars, dots, three_bars
from attendlib.words.draw.look import LOOK, NAVY, ORANGE, PLUM, SERIES, TEAL, WIDTH_INCHES, Dot
from attendlib.words.draw.many import funnel, specification_curve
from attendlib.words.draw.threshold import Bin, at_threshold
from attendlib.words.draw.time import event_study, lines

__all__ = [
    "LOOK", "NAVY", "ORANGE", "PLUM", "SERIES", "TEAL", "WIDTH_INCHES", "Bin", "Dot", "at_threshold", "balance", "bars",
    "dots", "event_study", "flow", "funnel", "heat_table", "lines", "specification_curve", "three_bars",
]  # fmt: skip
