"""Both sides of the line as rows: binned means, the two local lines, counts near it, and the referred's own change."""

from dataclasses import replace

import numpy as np

from attendlib.disclosure import limit, merged, merged_alike
from attendlib.questions.common import row_of
from attendlib.questions.impact.threshold import Sides
from attendlib.records.answer import Row
from attendlib.stats.cutoff import Jump
from attendlib.stats.fit import Estimate
from attendlib.stats.shares import mean_interval

SIDES = (("below", 0), ("above", 1))
DRAWN_TO = 15  # points above the line: further up there are few pupils, and the line says nothing of them


def fewer(found: Estimate) -> Estimate:
    """The estimate turned round: fewer absent is positive."""
    return replace(found, value=-found.value, low=-found.high, high=-found.low)


def within_reach(found: Sides, reach: float) -> Sides:
    """The pupils nearer the line than `reach` points."""
    return found.where(np.abs(found.running) < reach)


def before_after_row(found: Sides) -> Row:
    """Points fewer missed by those at or above the line than when they were chosen: no comparison, so a warning."""
    own = found.frame[found.frame["above"] == 1]
    change = 100 * (own["window"] - own["outcome"])
    return row_of(mean_interval(change), "points_fewer", found.scope, model="before_after", unit="percentage points",
                  method="own change, nobody beside them")  # fmt: skip


def reach_count_rows(near: Sides) -> list[Row]:
    """How many pupils the local lines rest on, on each side."""
    counts = {name: int((near.frame["above"] == side).sum()) for name, side in SIDES}
    return [
        Row("pupils_in_reach", near.scope, group=f"side={name}", value=count, n=count, unit="pupils", method="count")
        for name, count in counts.items()
    ]


def bin_rows(found: Sides) -> list[Row]:
    """Mean absence in the outcome by absence when chosen, in whole points from the line, neighbours merged.

    No bin crosses the line; each holds the disclosure limit of pupils, on a page of all schools in every school.
    `binned_window` is the bin's mean absence when chosen. Those more than 15 points above are not drawn.
    """
    bins = np.floor(found.running).astype(int)
    rows = []
    for _, side in SIDES:
        here = (found.frame["above"] == side).to_numpy() & (bins < DRAWN_TO)
        if not here.any():
            continue
        first = int(bins[here].min())
        for joined in _joined(found, bins - first, here):
            chosen = here & np.isin(bins - first, joined)
            rows += _bin(found, chosen, first + joined[0], first + joined[-1] + 1)
    return rows


def _joined(found: Sides, places: np.ndarray, here: np.ndarray) -> tuple[tuple[int, ...], ...]:
    fewest, many = limit(found.audience), int(places[here].max()) + 1
    if found.scope == "school":
        return merged(np.bincount(places[here], minlength=many).tolist(), fewest)
    schools = found.frame["school"].to_numpy()
    counts = [
        np.bincount(places[here & (schools == school)], minlength=many).tolist() for school in np.unique(schools[here])
    ]
    return merged_alike(counts, fewest)


def _bin(found: Sides, chosen: np.ndarray, low: int, high: int) -> list[Row]:
    part = found.frame[chosen]
    if len(part) < 2:
        return []
    group = f"window={max(0.0, found.pct + low):g}-{found.pct + high:g}"
    rows = [
        row_of(mean_interval(100 * part[what]), f"binned_{what}", found.scope, group=group, unit="percent",
               method="mean, t interval")
        for what in ("outcome", "window")
    ]  # fmt: skip
    return [rows[0], replace(rows[1], low=None, high=None, se=None, df=None, p=None)]


def line_rows(found: Sides, made: Jump) -> list[Row]:
    """The two local lines: expected absence in the outcome at the line and where its reach ends, on each side."""
    rows = []
    for (name, side), (at_line, slope) in zip(SIDES, made.lines, strict=True):
        far = made.reach if side else -min(made.reach, found.pct)
        n = made.above if side else made.below
        for place, x in (("line", 0.0), ("end", far)):
            rows.append(Row("local_line", found.scope, group=f"at={place};side={name}", value=at_line + slope * x,
                            unit="percent", n=n, method="local line"))  # fmt: skip
    return rows
