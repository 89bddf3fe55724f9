"""Both sides of the line as rows: binned means, the two local lines, counts near it, and the referred's own change."""

from dataclasses import replace

import numpy as np

from attendlib.disclosure import limit, merged_alike, withheld
from attendlib.questions.common import row_of
from attendlib.questions.impact.threshold import REACH_SESSIONS, Sides
from attendlib.records.answer import Row
from attendlib.stats.cutoff import Jump
from attendlib.stats.fit import Estimate
from attendlib.stats.shares import mean_interval

SIDES = (("below", 0), ("above", 1))
DRAWN_TO = 15  # points above the line: further up there are few pupils, and they are put together


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


def reach_count_rows(found: Sides, reach: float) -> list[Row]:
    """How many pupils the local lines rest on, on each side.

    Withheld where those further off, the side's pupils less these, are few in any school.
    """
    near = np.abs(found.running) < reach
    rows, given_away = [], False
    for name, side in SIDES:
        here = (found.frame["above"] == side).to_numpy()
        count = int((here & near).sum())
        rows.append(Row("pupils_in_reach", found.scope, group=f"side={name}", value=count, n=count, unit="pupils",
                        method="count"))  # fmt: skip
        given_away |= any(_few(each & ~near, found) for each in _by_school(found, here))
    return [withheld(row) for row in rows] if given_away else rows


def bin_rows(found: Sides) -> list[Row]:
    """Mean absence in the outcome by absence when chosen, in whole points from the line, neighbours merged.

    No bin crosses the line; each holds the disclosure limit of pupils, on a page of all schools in every school. Those
    15 points or more above share the last: left out, the total less the bins would be their mean.
    """
    bins = np.minimum(np.floor(found.running), DRAWN_TO).astype(int)
    rows = []
    for _, side in SIDES:
        here = (found.frame["above"] == side).to_numpy()
        if not here.any():
            continue
        first = int(bins[here].min())
        for joined in _joined(found, bins - first, here, side):
            chosen = here & np.isin(bins - first, joined)
            rows += _bin(found, chosen, first + joined[0], first + joined[-1] + 1)
    return rows


def _joined(found: Sides, places: np.ndarray, here: np.ndarray, side: int) -> list[tuple[int, ...]]:
    """The positions put together, none ending a few pupils short of the reach of the lines, whose count is told."""
    many, own = int(places[here].max()) + 1, _by_school(found, here)
    sets = merged_alike(
        [np.bincount(places[each], minlength=many).tolist() for each in own], limit(found.audience)
    )  # fmt: skip
    # A school's own page has its own reach, and pages are subtracted from each other.
    cuts = [(each, reach) for each in own for reach in _reaches(found, each)]
    joined: list[tuple[int, ...]] = []
    open_set: tuple[int, ...] = ()
    for each in sets:
        open_set = (*open_set, *each)
        last = each is sets[-1]
        if last or not any(
            _few(_between(found, places, pupils, each[-1], reach, side), found) for pupils, reach in cuts
        ):
            joined.append(open_set)
            open_set = ()
    return joined


def _reaches(found: Sides, pupils: np.ndarray) -> tuple[float, float]:
    """The reach of the page's lines, and of those on a page of `pupils` alone."""
    return REACH_SESSIONS * found.session, REACH_SESSIONS * found.where(pupils).session


def _between(
    found: Sides, places: np.ndarray, pupils: np.ndarray, end: int, reach: float, side: int
) -> np.ndarray:  # fmt: skip
    """Which of `pupils` stand between the end of a bin and the end of the reach."""
    near = np.abs(found.running) < reach
    return pupils & ((places <= end) != (near if side else ~near))


def _few(pupils: np.ndarray, found: Sides) -> bool:
    return 0 < int(pupils.sum()) < limit(found.audience)


def _by_school(found: Sides, here: np.ndarray) -> list[np.ndarray]:
    """`here` parted by school."""
    schools = found.frame["school"].to_numpy()
    return [here & (schools == school) for school in np.unique(schools[here])]


def _bin(found: Sides, chosen: np.ndarray, low: int, high: int) -> list[Row]:
    part = found.frame[chosen]
    if len(part) < 2:
        return []
    start = f"{max(0.0, found.pct + low):g}"
    group = f"window={start}+" if high > DRAWN_TO else f"window={start}-{found.pct + high:g}"
    return [row_of(mean_interval(100 * part["outcome"]), "binned_outcome", found.scope, group=group, unit="percent",
                   method="mean, t interval")]  # fmt: skip


def line_rows(found: Sides, made: Jump) -> list[Row]:
    """The two local lines: expected absence in the outcome at the line and where its reach ends, on each side.

    `n` is of both together: the sides apart are told by `pupils_in_reach`, where they may be.
    """
    rows = []
    for (name, side), (at_line, slope) in zip(SIDES, made.lines, strict=True):
        far = made.reach if side else -min(made.reach, found.pct)
        for place, x in (("line", 0.0), ("end", far)):
            rows.append(Row("local_line", found.scope, group=f"at={place};side={name}", value=at_line + slope * x,
                            unit="percent", n=made.below + made.above, method="local line"))  # fmt: skip
    return rows
