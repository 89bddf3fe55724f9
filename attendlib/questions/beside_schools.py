"""What a page of all schools may show beside the schools' own pages: no sum that, less those pages, is a few pupils.

A school's page withholds counts under the limit. All schools together less every page that shows its count is the sum
of the counts withheld, so that sum must itself be large, and must not say what each of them is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import pandas as pd

from attendlib.records.answer import Step


def sum_is_safe(parts: Sequence[int], fewest: int, least: int = 1) -> bool:
    """Whether the sum of schools' counts `parts` may be shown.

    Withheld on a school's own page is a count of `least` to `fewest` - 1. Those withheld must hold `fewest` together.
    Staff of one school know its own: the others' must be two or more, and not as few or as many as they can be, for
    then each would be known.
    """
    few = [part for part in parts if least <= part < fewest]
    if not few:
        return True
    others = len(few) - 1
    known = any(not least * others < sum(few) - own < (fewest - 1) * others for own in few)
    return sum(few) >= fewest and others > 1 and not known


def share_is_safe(counted: pd.Series, school: pd.Series, fewest: int) -> bool:
    """Whether a share over all schools may be shown: `counted` says of each pupil of a `school` whether they count.

    A school's own page withholds its share where few count or few do not, none included.
    """
    by_school = counted.astype(int).groupby(school.to_numpy())
    hits, misses = by_school.sum(), by_school.size() - by_school.sum()
    hidden = (hits < fewest) | (misses < fewest)
    return not hidden.any() or any(
        bool((side[hidden] < fewest).all())
        and bool(side[hidden].sum() < (hits + misses)[hidden].clip(upper=fewest - 1).sum())  # or all known
        and sum_is_safe([int(n) for n in side[hidden]], fewest, least=0)
        for side in (hits, misses)
    )


def sides_are_safe(sides: pd.DataFrame, fewest: int) -> bool:
    """Whether schools with few pupils on a side may be counted together with the others.

    `sides` has a row a school: `referred` and `compared` pupils. Where both are there and one is few, the school's page
    says which, and may say how many they are together: that narrows what either can be.
    """
    either = sides["referred"] + sides["compared"]
    if not all(sum_is_safe([*counts], fewest) for counts in (sides["referred"], sides["compared"], either)):
        return False
    first = sides["referred"] < sides["compared"]  # the page names the referred as the fewer
    few = sides[["referred", "compared"]].min(axis=1).between(1, fewest - 1)
    most = ((either - first) // 2).clip(upper=fewest - 1)  # of the fewer
    for name, fewer in (("referred", first), ("compared", ~first)):
        here = few & (sides[name] < fewest)
        low, high = (either - most).mask(fewer, 1), (either - 1).mask(fewer, most)
        known = (low >= high)[here].any() or not low[here].sum() < sides.loc[here, name].sum() < high[here].sum()
        if here.any() and known:
            return False
    return True


def steps_beside_schools(
    steps: Sequence[Step], left: Sequence[Mapping[str, int]], fewest: int, *, last_known: bool = True
) -> tuple[Step, ...]:
    """Steps of all schools without the counts that, less the schools' own pages, would be a few pupils of one.

    `left` has a mapping for each step: each school's pupils still in. Other figures tell the count at one end
    (`last_known`, or the first). Shown are counts of which `sum_is_safe` holds, as of what lies between neighbours, and
    so many that as much as can be is told of what was lost: that needs the counts on both sides of it.
    """
    shown = _most_told(steps, left, fewest, len(steps) - 1 if last_known else 0)
    return tuple(
        replace(
            step,
            lost=step.lost if place == 0 or {place - 1, place} <= shown else None,
            left=step.left if place in shown else None,
        )
        for place, step in enumerate(steps)
    )


def _most_told(steps: Sequence[Step], left: Sequence[Mapping[str, int]], fewest: int, known: int) -> frozenset[int]:
    """The places whose counts may be shown together, `known` among them where it may."""
    alone = [place for place, counts in enumerate(left) if sum_is_safe([*counts.values()], fewest)]
    together = {
        (one, other) for one, other in combinations(alone, 2) if sum_is_safe(_between(left[one], left[other]), fewest)
    }
    sets = [
        chosen
        for many in range(1, len(alone) + 1)
        for chosen in combinations(alone, many)
        if {*pairwise(chosen)} <= together and (known in chosen or known not in alone)
    ]

    def told(chosen: Iterable[int]) -> tuple[int, int]:
        places = {*chosen}
        return sum(steps[place].lost or 0 for place in places if place - 1 in places), len(places)

    return frozenset(max(sets, key=told)) if sets else frozenset()


def _between(one: Mapping[str, int], other: Mapping[str, int]) -> list[int]:
    return [abs(one.get(school, 0) - other.get(school, 0)) for school in {**one, **other}]
