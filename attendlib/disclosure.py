"""The one gate: withholds small numbers, and the neighbours that would give them away by subtraction.

Our rule is stricter than DfE's published ones: 5 or more pupils for staff of the school, 10 or more for anything shared
outside, for the group, for those counted in a share and for those not counted. A withheld figure is blank and marked
`c`, never 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from attendlib.records.answer import WITHHELD, Row, Step

LIMITS = {"internal": 5, "shareable": 10}
OTHER_SCHOOLS_NEEDED = 3  # a comparison with the trust needs this many other schools at the limit
ROUNDED_TO = 5  # counts anyone may see

Cell = tuple[str, ...]  # scope and group: the same pupils, whatever is said of them; a total stands for itself


def limit(audience: str) -> int:
    """The fewest pupils a figure may rest on: 5 for `internal`, 10 for `shareable`."""
    return LIMITS[audience]


def gate(rows: Iterable[Row], audience: str) -> tuple[Row, ...]:
    """Every row, those that rest on too few pupils or would give such a row away withheld.

    Raises ValueError for a figure without n: what cannot be judged is not shown.
    """
    rows = tuple(rows)
    nameless = [row.estimate for row in rows if row.n is None and row.value is not None]
    if nameless:
        raise ValueError(f"figures without n cannot pass the gate: {', '.join(nameless)}")
    rows = _withhold_few_pupils(rows, limit(audience))
    rows = _withhold_few_counted(rows, limit(audience))
    return tuple(_rounded(row) for row in rows) if audience == "shareable" else rows


def merged(counts: Sequence[int], fewest: int) -> tuple[tuple[int, ...], ...]:
    """Neighbouring positions of `counts` put together until each set holds `fewest` or is all there is.

    Each element lists the positions joined, in order; a last set that is too small joins the one before it.
    """
    sets: list[tuple[int, ...]] = []
    open_set: tuple[int, ...] = ()
    for position in range(len(counts)):
        open_set = (*open_set, position)
        if sum(counts[i] for i in open_set) >= fewest:
            sets.append(open_set)
            open_set = ()
    if open_set:
        sets = [*sets[:-1], (*sets[-1], *open_set)] if sets else [open_set]
    return tuple(sets)


def publishable_steps(steps: Sequence[Step], audience: str) -> tuple[Step, ...]:
    """The steps with small losses withheld, and those `left` whose difference would give a small loss away."""
    fewest, shown = limit(audience), None
    kept: list[Step] = []
    for step in reversed(steps):
        small = step.lost is not None and 0 < step.lost < fewest
        left = step.left
        if shown is not None and left is not None and 0 < left - shown < fewest:
            left = None
        shown = left if left is not None else shown
        kept.append(replace(step, lost=None if small else step.lost, left=left))
    kept.reverse()
    kept = _losses_kept_apart(kept, steps, fewest)
    return tuple(_rounded_step(step) for step in kept) if audience == "shareable" else tuple(kept)


def _losses_kept_apart(kept: list[Step], steps: Sequence[Step], fewest: int) -> list[Step]:
    """The same steps, with more losses withheld where two published counts and the rest would leave a small one."""
    shown_at = [place for place, step in enumerate(kept) if step.left is not None]
    for opened, closed in pairwise(shown_at):
        inside = range(opened + 1, closed + 1)
        while 0 < sum(steps[i].lost or 0 for i in inside if kept[i].lost is None) < fewest:
            shown = [i for i in inside if kept[i].lost]
            if not shown:
                break
            smallest = min(shown, key=lambda i: (steps[i].lost or 0, i))
            kept[smallest] = replace(kept[smallest], lost=None)
    return kept


def others_enough(pupils_per_other_school: Iterable[int], audience: str) -> bool:
    """Whether a figure over all schools may stand beside one school's: three others, each at the limit."""
    return sum(n >= limit(audience) for n in pupils_per_other_school) >= OTHER_SCHOOLS_NEEDED


def _withhold_few_pupils(rows: tuple[Row, ...], fewest: int) -> tuple[Row, ...]:
    cells = {_cell(row) for row in rows if row.n is not None and row.n < fewest}
    families = [{_cell(row): row.n for row in family if row.n is not None} for family in _families(rows)]
    while more := {cell for family in families for cell in _given_away(family, cells, fewest)} - cells:
        cells |= more
    return tuple(withheld(row) if _cell(row) in cells else row for row in rows)


def _withhold_few_counted(rows: tuple[Row, ...], fewest: int) -> tuple[Row, ...]:
    hidden: set[int] = set()
    for family in _families(rows):
        cells = {_cell(r) for r in family if r.withheld or _few_counted(r, fewest)}
        cells |= _given_away({_cell(r): _rarer(r) for r in family if r.numerator is not None}, cells, fewest)
        hidden |= {id(row) for row in family if _cell(row) in cells}
    return tuple(withheld(row) if id(row) in hidden else row for row in rows)


def _few_counted(row: Row, fewest: int) -> bool:
    return row.numerator is not None and _rarer(row) < fewest


def _rarer(row: Row) -> int:
    """How many are counted, or not counted, whichever is fewer."""
    assert row.numerator is not None
    assert row.n is not None
    return min(row.numerator, row.n - row.numerator)


def _given_away(pupils: dict[Cell, int], cells: set[Cell], fewest: int) -> set[Cell]:
    """The smallest published part to withhold too, where a published total would give the withheld parts away."""
    parts = {cell: n for cell, n in pupils.items() if cell[1]}
    hidden = [cell for cell in parts if cell in cells]
    total_shown = any(not cell[1] and cell not in cells for cell in pupils)
    if not hidden or not total_shown or (len(hidden) > 1 and sum(parts[cell] for cell in hidden) >= fewest):
        return set()
    shown = [cell for cell in parts if cell not in cells]
    return {min(shown, key=lambda cell: (parts[cell], cell))} if shown else set()


def _families(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows that part the same pupils by the same column, with their total."""
    rows = list(rows)
    families: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row.group:
            families.setdefault((*_what(row), _columns(row)), []).append(row)
    for what, family in families.items():
        family.extend(row for row in rows if not row.group and _what(row) == what[:-1])
    totals = [[row] for row in rows if not row.group and not any(row in family for family in families.values())]
    return [*families.values(), *totals]


def _what(row: Row) -> tuple[str, ...]:
    return (row.estimate, row.scope, row.outcome, row.period, row.model)


def _columns(row: Row) -> str:
    return ";".join(part.partition("=")[0] for part in row.group.split(";"))


def _cell(row: Row) -> Cell:
    return (row.scope, row.group) if row.group else (row.scope, "", *_what(row))


def withheld(row: Row) -> Row:
    """The row with every figure blank and marked `c`."""
    return Row(
        row.estimate, row.scope, row.outcome, row.group, row.period, row.model,
        confidence_pct=row.confidence_pct, unit=row.unit, withheld=WITHHELD, method=row.method,
    )  # fmt: skip


def _rounded(row: Row) -> Row:
    if row.numerator is None:
        return replace(row, n=_round_count(row.n))
    value, low, high = (None if each is None else float(round(each)) for each in (row.value, row.low, row.high))
    counts = replace(row, n=_round_count(row.n), numerator=_round_count(row.numerator))
    return replace(counts, value=value, low=low, high=high, se=None, df=None, p=None)


def _round_count(n: int | None) -> int | None:
    return None if n is None else ROUNDED_TO * round(n / ROUNDED_TO)


def _rounded_step(step: Step) -> Step:
    return replace(step, lost=_round_count(step.lost), left=_round_count(step.left))
