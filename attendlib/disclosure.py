"""The one gate: withholds small numbers, and the neighbours that would give them away by subtraction.

Our rule is stricter than DfE's published ones: 5 or more pupils for staff of the school, 10 or more for anything shared
outside, for the group, for those counted in a share and for those not counted. A withheld figure is blank and marked
`c`, never 0.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

from attendlib.records.answer import WAYS, WITHHELD, Row, Scope, Step
from attendlib.records.rounding import in_few_digits, rounded, rounded_step, uncounted
from attendlib.stats.shares import wilson

LIMITS = {"internal": 5, "shareable": 10}
OTHER_SCHOOLS_NEEDED = 3  # a comparison with the trust needs this many other schools at the limit

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
    return tuple(map(_for_anyone, rows)) if audience == "shareable" else _kept_apart(rows, limit(audience))


def _for_anyone(row: Row) -> Row:
    """The row rounded, a share's limits those of its rounded counts."""
    shown = rounded(row)
    if row.low is None or not shown.n or shown.numerator is None:
        return shown
    share = wilson(shown.numerator, shown.n, row.confidence_pct or 95)
    return replace(shown, low=float(round(100 * share.low)), high=float(round(100 * share.high)))


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


def merged_alike(counts: Iterable[Sequence[int]], fewest: int) -> tuple[tuple[int, ...], ...]:
    """The sets of neighbouring positions that figures of several schools together may use: those whose ends are ends
    of `merged` in every school. Anything finer would, less the other schools' own pages, show one school's few pupils.
    """
    counts = list(counts)
    if not counts:
        return ()
    whole = (tuple(range(max(map(len, counts)))),)
    return common_sets([merged(each, fewest) for each in counts if sum(each)] or [whole])


def common_sets(sets_by_school: Iterable[Sequence[Sequence[int]]]) -> tuple[tuple[int, ...], ...]:
    """The finest sets of neighbouring positions that every school's own sets can be joined to."""
    ends = [{joined[-1] for joined in sets if joined} for sets in sets_by_school]
    common = sorted(set.intersection(*ends)) if ends else []
    starts = [0, *(end + 1 for end in common[:-1])]
    return tuple(tuple(range(start, end + 1)) for start, end in zip(starts, common, strict=True))


def publishable_steps(steps: Sequence[Step], audience: str) -> tuple[Step, ...]:
    """The steps with small losses withheld, those `left` whose difference would give a small loss away, and few `left`.

    Where few are left, the losses since the last count shown are withheld too: that count less them is the few.
    """
    fewest, shown = limit(audience), None
    kept: list[Step] = []
    for step in reversed(steps):
        small = step.lost is not None and 0 < step.lost < fewest
        left = step.left
        few = left is not None and 0 < left < fewest
        if few or (shown is not None and left is not None and 0 < left - shown < fewest):
            left = None
        ends_in_few = few and shown is None
        shown = left if left is not None else shown
        kept.append(replace(step, lost=None if small or ends_in_few else step.lost, left=left))
    kept.reverse()
    kept = _losses_kept_apart(kept, steps, fewest)
    return tuple(map(rounded_step, kept)) if audience == "shareable" else tuple(kept)


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


@dataclass(frozen=True, slots=True)
class _Family:
    """Rows that part the same pupils by the same columns, and the row of all those pupils where there is one."""

    parts: tuple[Row, ...]
    total: Row | None


def _withhold_few_pupils(rows: tuple[Row, ...], fewest: int) -> tuple[Row, ...]:
    cells = {_cell(row) for row in rows if row.n is not None and row.n < fewest}
    families = [family for family in _families(rows) if family.total is not None]
    counted = [(_counts(family.parts, lambda row: row.n), family.total) for family in families]
    while (
        more := {
            cell
            for parts, total in counted
            if total is not None and _cell(total) not in cells and total.n is not None
            for cell in (*_left_over(parts, total.n, fewest), *_given_away(parts, cells, total.n, fewest))
        }
        - cells
    ):
        cells |= more
    return tuple(withheld(row) if _cell(row) in cells else row for row in rows)


def _withhold_few_counted(rows: tuple[Row, ...], fewest: int) -> tuple[Row, ...]:
    hidden = {place for place, row in enumerate(rows) if row.withheld or _few_counted(row, fewest)}
    places = {id(row): place for place, row in enumerate(rows)}
    families = [family for family in _families(rows) if family.total is not None and family.total.numerator is not None]
    while (
        more := {
            place
            for family in families
            if family.total is not None and places[id(family.total)] not in hidden
            for place in _counted_away(family, hidden, places, fewest)
        }
        - hidden
    ):
        hidden |= more
    return tuple(withheld(row) if place in hidden else row for place, row in enumerate(rows))


def _counted_away(family: _Family, hidden: set[int], places: Mapping[int, int], fewest: int) -> set[int]:
    """As `_given_away`, of those counted and those not: withheld parts must hold enough of either."""
    unknown = [row for row in family.parts if places[id(row)] in hidden]
    shown = [row for row in family.parts if places[id(row)] not in hidden and row.numerator is not None]
    if not unknown or not shown or family.total is None:
        return set()
    counted = (family.total.numerator or 0) - sum(row.numerator or 0 for row in shown)
    pupils = (family.total.n or 0) - sum(row.n or 0 for row in shown)
    if len(unknown) > 1 and min(counted, pupils - counted) >= fewest:
        return set()
    return {places[id(min(shown, key=lambda row: (_rarer(row), _cell(row))))]}


def _few_counted(row: Row, fewest: int) -> bool:
    return row.numerator is not None and _rarer(row) < fewest


def _rarer(row: Row) -> int:
    """How many are counted, or not counted, whichever is fewer."""
    assert row.numerator is not None
    assert row.n is not None
    return min(row.numerator, row.n - row.numerator)


def _kept_apart(rows: tuple[Row, ...], fewest: int) -> tuple[Row, ...]:
    """The rows, those of all but a few of the pupils of another row of the same group and figure in few digits.

    One mean times its count, less the other times its own, would else be what those few have in all.
    """
    counts: dict[tuple[str, ...], set[int]] = {}
    for row in rows:
        if row.n is not None:
            counts.setdefault(_figure(row), set()).add(row.n)
    near = {(of, n) for of, every in counts.items() for n in every if any(0 < more - n < fewest for more in every)}
    return tuple(
        in_few_digits(row, 1) if row.numerator is None and (_figure(row), row.n) in near else row for row in rows
    )


def counts_kept_apart(
    rows: Iterable[Row], steps: Sequence[Step], scope: Scope, audience: str, others: Callable[[Row], bool] | None = None
) -> tuple[Row, ...]:
    """The gated rows without counts a few from another of the same pupils: what they differ by is a small cell.

    Known first are the steps' counts, then each row's in turn, so that an answer's own stays; a row keeps its figure
    without what tells its count. `others` says of which rows `n` counts other people than the group names.
    """
    if audience == "shareable":
        return tuple(rows)  # counts are rounded
    known: dict[tuple[str, str], set[int]] = {(scope, ""): {step.left for step in steps if step.left is not None}}
    kept = []
    for row in rows:
        if (n := row.n) is not None and not row.withheld and not (others and others(row)):
            counts = known.setdefault((row.scope, "" if row.estimate in WAYS else row.group), set())
            if any(0 < abs(n - other) < limit(audience) for other in counts):
                row = withheld(row) if row.unit == "pupils" else uncounted(row)
            else:
                counts.add(n)
        kept.append(row)
    return tuple(kept)


def _figure(row: Row) -> tuple[str, ...]:
    """What is said of whom, over whichever period."""
    return (row.scope, row.group, row.estimate, row.outcome, row.model)


def _counts(rows: Iterable[Row], of: Callable[[Row], int | None]) -> dict[Cell, int]:
    return {_cell(row): n for row in rows if (n := of(row)) is not None}


def _left_over(parts: Mapping[Cell, int], total: int, fewest: int) -> set[Cell]:
    """Parts that all but a few of the pupils are in: beside the total they give the few away, named or not."""
    return {cell for cell, n in parts.items() if 0 < total - n < fewest}


def _given_away(parts: Mapping[Cell, int], cells: set[Cell], total: int, fewest: int) -> set[Cell]:
    """The smallest published part to withhold too, where the total less what is published would leave too few.

    Pupils in no part listed count among those withheld. Parts that overlap sum to more than the total: then no
    subtraction holds, and each has been judged by itself.
    """
    if sum(parts.values()) > total:
        return set()
    shown = {cell: n for cell, n in parts.items() if cell not in cells}
    unlisted = total - sum(parts.values())
    unknown, rest = len(parts) - len(shown), total - sum(shown.values())
    if not shown or (not unknown and (not unlisted or rest >= fewest)):
        return set()
    if unknown + (unlisted > 0) > 1 and rest >= fewest:
        return set()
    return {min(shown, key=lambda cell: (shown[cell], cell))}


def _families(rows: Iterable[Row]) -> list[_Family]:
    """Every way in which rows part another row's pupils: all by sex, girls by school meals, all by sex and meals."""
    by_what: dict[tuple[str, ...], dict[frozenset[str], Row]] = {}
    for row in rows:
        by_what.setdefault(_what(row), {})[_items(row)] = row
    families: list[_Family] = []
    for group in by_what.values():
        parts: dict[tuple[frozenset[str], tuple[str, ...]], list[Row]] = {}
        for items, row in group.items():
            for own in _subsets(sorted(items)):
                columns = tuple(item.partition("=")[0] for item in own)
                parts.setdefault((items - set(own), columns), []).append(row)
        families += [_Family(tuple(found), group.get(parent)) for (parent, _), found in parts.items()]
    return families


def _subsets(items: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """Every choice of one item or more."""
    return (own for many in range(1, len(items) + 1) for own in combinations(items, many))


def _items(row: Row) -> frozenset[str]:
    return frozenset(row.group.split(";")) if row.group else frozenset()


def _what(row: Row) -> tuple[str, ...]:
    return (row.estimate, row.scope, row.outcome, row.period, row.model)


def _cell(row: Row) -> Cell:
    return (row.scope, row.group) if row.group else (row.scope, "", *_what(row))


def withheld(row: Row) -> Row:
    """The row with every figure blank and marked `c`, or as it was marked already (x, z)."""
    return Row(
        row.estimate, row.scope, row.outcome, row.group, row.period, row.model,
        confidence_pct=row.confidence_pct, unit=row.unit, withheld=row.withheld or WITHHELD, method=row.method,
    )  # fmt: skip
