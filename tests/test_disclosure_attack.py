"""An attacker with every page, CSV and the index of a run, and a linear solver, finds no figure under the limit.

The attacker knows each published count, that no group is empty that has a row, which groups add up to which, and that
all schools together hold only schools shown. A figure is found when the least and the most it can be are the same.
"""

import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from attendlib.disclosure import counts_kept_apart, gate, limit, merged, merged_alike, publishable_steps
from attendlib.questions.beside_schools import share_is_safe, sides_are_safe, steps_beside_schools, sum_is_safe
from attendlib.questions.common import keep, start
from attendlib.questions.dip.moves import in_whole_groups, without_few_unknown
from attendlib.records.answer import Row, Step

Pupils = list[dict[str, str]]
COLUMNS = {"fsm6": ("0", "1"), "sex": ("F", "M"), "sen": ("E", "K", "N")}
Key = tuple[str, ...]


@dataclass
class Attack:
    """What is published, as equations between unknown counts of atoms: pupils alike in everything."""

    atoms: dict[Key, int] = field(default_factory=dict)
    known: list[tuple[frozenset[int], float, float]] = field(default_factory=list)  # atoms, at least, at most

    def atom(self, key: Key) -> int:
        return self.atoms.setdefault(key, len(self.atoms))

    def publish(self, members: Iterable[Key], low: float, high: float) -> None:
        """The sum of these atoms lies between two counts."""
        self.known.append((frozenset(self.atom(key) for key in members), low, high))

    def bounds(self, members: Iterable[Key]) -> tuple[float, float]:
        """The least and the most that the sum of these atoms can be."""
        objective = np.zeros(len(self.atoms))
        objective[[self.atom(key) for key in members]] = 1
        rows = np.zeros((len(self.known), len(self.atoms)))
        for place, (inside, _, _) in enumerate(self.known):
            rows[place, list(inside)] = 1
        low, high = np.array([each[1] for each in self.known]), np.array([each[2] for each in self.known])
        finite = np.isfinite(high)
        matrix, limits = np.vstack([rows[finite], -rows]), np.concatenate([high[finite], -low])
        ends = [linprog(sign * objective, A_ub=matrix, b_ub=limits, bounds=(0, None)) for sign in (1, -1)]
        assert ends[0].status == 0, ends[0].message
        return ends[0].fun, np.inf if ends[1].status == 3 else -ends[1].fun


def made_up(draw: random.Random, columns: Sequence[str], size: int) -> Pupils:
    """Pupils whose characteristics are skewed, so that small groups abound."""
    rare = {column: draw.choice([0.02, 0.05, 0.1, 0.3, 0.5]) for column in columns}
    return [
        {c: draw.choice(COLUMNS[c][1:]) if draw.random() < rare[c] else COLUMNS[c][0] for c in columns}
        for _ in range(size)
    ]


def groups(columns: Sequence[str], depth: int) -> list[dict[str, str]]:
    """Every group of up to `depth` columns, all pupils first."""
    found: list[dict[str, str]] = []
    for many in range(depth + 1):
        for chosen in itertools.combinations(sorted(columns), many):
            found += [dict(zip(chosen, v, strict=True)) for v in itertools.product(*(COLUMNS[c] for c in chosen))]
    return found


def label(group: Mapping[str, str]) -> str:
    return ";".join(f"{column}={value}" for column, value in sorted(group.items()))


def inside(pupil: Mapping[str, str], group: Mapping[str, str]) -> bool:
    return all(pupil[column] == value for column, value in group.items())


def table(pupils: Pupils, which: Sequence[Mapping[str, str]]) -> list[Row]:
    """A mean of each group that has a pupil."""
    counts = [(label(group), sum(inside(pupil, group) for pupil in pupils)) for group in which]
    return [Row("change", "school", group=name, value=1.0, n=n) for name, n in counts if n]


def attack(found: Sequence[Row], columns: Sequence[str], slack: float = 0) -> tuple[Attack, dict[str, list[Key]]]:
    """The attacker's equations from the rows of one page; `slack` is what rounding may have moved a count by."""
    atoms = [tuple(values) for values in itertools.product(*(COLUMNS[column] for column in columns))]
    attacker = Attack()
    members: dict[str, list[Key]] = {}
    for row in found:
        group = dict(part.split("=") for part in row.group.split(";")) if row.group else {}
        mine = [key for key in atoms if inside(dict(zip(columns, key, strict=True)), group)]
        members[row.group] = mine
        low, high = (1, np.inf) if row.n is None else (row.n - slack, row.n + slack)
        attacker.publish(mine, low, high)
    listed = {row.group for row in found}
    for group in groups(columns, 1):
        if label(group) not in listed:  # no row, no pupil
            attacker.publish([k for k in atoms if inside(dict(zip(columns, k, strict=True)), group)], 0, 0)
    return attacker, members


def safe(low: float, high: float) -> bool:
    return high - low > 1e-6


def one_way(draw: random.Random) -> None:
    columns = draw.sample(sorted(COLUMNS), draw.randint(1, 3))
    pupils = made_up(draw, columns, draw.randint(6, 80))
    _no_small_group_is_found(pupils, columns, groups(columns, 1))


def crossed(draw: random.Random) -> None:
    columns = draw.sample(sorted(COLUMNS), 2)
    pupils = made_up(draw, columns, draw.randint(10, 150))
    _no_small_group_is_found(pupils, columns, groups(columns, 2))


def part_of_them(draw: random.Random) -> None:
    """Only some groups have a row: those left out must not follow from those shown."""
    columns = draw.sample(sorted(COLUMNS), 2)
    pupils = made_up(draw, columns, draw.randint(10, 150))
    which = [{}, *(group for group in groups(columns, 2)[1:] if draw.random() < 0.7)]
    found = gate(table(pupils, which), "internal")
    counts = {label(group): sum(inside(pupil, group) for pupil in pupils) for group in groups(columns, 2)}
    total = found[0].n
    for row in found[1:]:
        assert row.n is None or row.n >= 5
        assert row.n is None or total is None or not 0 < total - row.n < 5, "those not in the group are few"
        assert row.n is None or row.n == counts[row.group]


def _no_small_group_is_found(pupils: Pupils, columns: Sequence[str], which: Sequence[Mapping[str, str]]) -> None:
    for audience, slack in (("internal", 0.0), ("shareable", 2.5)):
        rows = table(pupils, which)
        found = gate(rows, audience)
        attacker, members = attack(found, columns, slack)
        for row, after in zip(rows, found, strict=True):
            assert row.n is not None
            if row.n < limit(audience):
                assert after.withheld == "c"
                assert safe(*attacker.bounds(members[row.group])), (audience, row.group, found)


def counted(draw: random.Random) -> None:
    """Numerators: how many of a group are persistently absent, and how many are not."""
    values = COLUMNS["sen"]
    sizes = [draw.choice([6, 9, 15, 30, 60]) for _ in values]
    hits = [min(size, draw.choice([0, 1, 3, 5, 6, 12, size - 2, size])) for size in sizes]
    parts = [(f"sen={value}", hit, size) for value, hit, size in zip(values, hits, sizes, strict=True)]
    rows = [
        Row("persistent", "school", group=name, value=100 * hit / size, n=size, numerator=hit)
        for name, hit, size in [("", sum(hits), sum(sizes)), *parts]
    ]
    found = gate(rows, "internal")
    attacker = Attack()
    for row, (true, size) in zip(found, [(sum(hits), sum(sizes)), *zip(hits, sizes, strict=True)], strict=True):
        mine = [(value,) for value in values if not row.group or row.group == f"sen={value}"]
        attacker.publish(mine, *((true, true) if row.numerator is not None else (0, size)))  # n stands elsewhere
    for row, (name, hit, size) in zip(found[1:], parts, strict=True):
        if min(hit, size - hit) < 5:
            assert row.withheld
            assert safe(*attacker.bounds([(name.partition("=")[2],)])), found


def many_schools(draw: random.Random) -> None:
    """Every school's page and the page of all schools: bands joined in each, and alike for all together."""
    schools = [[draw.choice([0, 1, 2, 3, 5, 8, 20]) for _ in range(5)] for _ in range(draw.randint(2, 6))]
    for audience in ("internal", "shareable"):
        fewest = limit(audience)
        kept = [counts for counts in schools if sum(counts) >= fewest]
        attacker = Attack()
        for number, counts in enumerate(kept):
            for sets in merged(counts, fewest):
                n = sum(counts[i] for i in sets)
                attacker.publish([(str(number), str(i)) for i in sets], n, n)
        for sets in merged_alike(kept, fewest):
            n = sum(counts[i] for counts in kept for i in sets)
            attacker.publish([(str(number), str(i)) for number in range(len(kept)) for i in sets], n, n)
        for number, counts in enumerate(kept):
            for band, n in enumerate(counts):
                if 0 < n < fewest:
                    assert safe(*attacker.bounds([(str(number), str(band))])), (audience, kept)


def two_runs(draw: random.Random) -> None:
    """The same shareable page twice, a pupil or two apart: counts rounded to 5 hide who came or went."""
    columns = draw.sample(sorted(COLUMNS), 1)
    pupils = made_up(draw, columns, draw.randint(15, 120))
    later = pupils[draw.randint(0, 2) :] + made_up(draw, columns, draw.randint(0, 2))
    attacker = Attack()
    atoms = [(value,) for value in COLUMNS[columns[0]]]
    for name, these in (("first", pupils), ("second", later)):
        for row in gate(table(these, groups(columns, 1)), "shareable"):
            mine = [key for key in atoms if not row.group or row.group.partition("=")[2] == key[0]]
            low, high = (1, np.inf) if row.n is None else (row.n - 2.5, row.n + 2.5)
            attacker.publish([(name, *key) for key in mine], low, high)
    for key in atoms:
        true = sum(pupil[columns[0]] == key[0] for pupil in pupils)
        if 0 < true < 10:
            assert safe(*attacker.bounds([("first", *key)]))


def summed(draw: random.Random) -> None:
    """A count of all schools beside pages that show each school's own unless it is few: whole numbers, all tried."""
    for fewest, least in itertools.product((5, 10), (0, 1)):
        parts = [draw.choice([least, 1, 2, 3, 4, 4, 9, 12, 30]) for _ in range(draw.randint(1, 4))]
        few = [part for part in parts if least <= part < fewest]
        if few and sum_is_safe(parts, fewest, least):
            every = itertools.product(range(least, fewest), repeat=len(few))
            possible = [counts for counts in every if sum(counts) == sum(few)]
            assert sum(few) >= fewest
            for own, place in itertools.permutations(range(len(few)), 2):  # staff of a school know its own
                assert len({counts[place] for counts in possible if counts[own] == few[own]}) > 1, few
            assert len(few) > 1


def two_sides(draw: random.Random) -> None:
    """Referred and compared of each school: a page without figures says which side is few, and how many both are."""
    sides = [(draw.choice([1, 2, 3, 4, 6, 20]), draw.choice([1, 3, 4, 5, 25])) for _ in range(draw.randint(1, 4))]
    if not sides_are_safe(pd.DataFrame(sides, columns=["referred", "compared"]), 5):
        return
    few = [(one, other) for one, other in sides if min(one, other) < 5]
    could_be = [
        [(i, one + other - i) for i in range(1, one + other) if min(i, one + other - i) < 5
         and (i < one + other - i) == (one < other)]
        for one, other in few
    ]  # fmt: skip
    total = sum(one for one, _ in few)
    possible = [each for each in itertools.product(*could_be) if sum(one for one, _ in each) == total]
    assert all(len({each[place] for each in possible}) > 1 for place in range(len(few))), sides


def school_steps(draw: random.Random) -> None:
    """The steps of all schools: no count shown, and no two counts' difference, is a school's few by subtraction."""
    left = [[draw.randint(15, 40) for _ in range(draw.randint(1, 4))]]
    for _ in range(4):
        left.append([max(0, n - draw.choice([0, 0, 2, 3, 6, 9])) for n in left[-1]])
    totals = [sum(counts) for counts in left]
    steps = [Step("step", before - after, after) for before, after in itertools.pairwise([totals[0], *totals])]
    named = [{str(school): n for school, n in enumerate(counts)} for counts in left]
    for last in (True, False):
        found = steps_beside_schools(steps, named, 5, last_known=last)
        places = [place for place, step in enumerate(found) if step.left is not None]
        for one, other in itertools.pairwise(places):
            assert sum_is_safe([a - b for a, b in zip(left[one], left[other], strict=True)], 5)
        for place in range(1, len(found)):
            assert found[place].lost is None or {place - 1, place} <= {*places}


def shares_of_schools(draw: random.Random) -> None:
    """A share over all schools beside pages that withhold theirs where few count or few do not: all splits tried."""
    schools = [(draw.choice([0, 1, 2, 4, 6, 9]), draw.choice([0, 3, 4, 7, 12])) for _ in range(draw.randint(2, 4))]
    named = [(str(s), counts) for s, sides in enumerate(schools) for counts, n in zip((1, 0), sides, strict=True)
             for _ in range(n)]  # fmt: skip
    pupils = pd.DataFrame(named, columns=["school", "counts"])
    if not share_is_safe(pupils["counts"] > 0, pupils["school"], 5):
        return
    few = [(hit, miss) for hit, miss in schools if hit + miss and min(hit, miss) < 5]
    every = itertools.product(*(range(hit + miss + 1) for hit, miss in few))
    could_be = [
        each for each in every
        if sum(each) == sum(hit for hit, _ in few)
        and all(min(h, sum(n) - h) < 5 for h, n in zip(each, few, strict=True))
    ]  # fmt: skip
    assert all(len({each[place] for each in could_be}) > 1 for place in range(len(few))), schools


def groups_of_schools(draw: random.Random) -> None:
    """Each school's page by group, some not known, and the groups of all schools together beside them."""
    names = ["fsm6=0", "fsm6=1", "fsm6=unknown"]
    sizes = [[draw.choice([0, 6, 12, 30]), draw.choice([0, 2, 3, 4, 7, 20]), draw.choice([0, 0, 1, 3, 6])]
             for _ in range(draw.randint(2, 5))]  # fmt: skip
    rows = [(str(s), name, f"{s}{name}{i}") for s, each in enumerate(sizes) for name, n in zip(names, each, strict=True)
            for i in range(n)]  # fmt: skip
    everyone = start(pd.DataFrame(rows, columns=["school", "group", "pupil"]), "")
    known = without_few_unknown(everyone, 5, "meals").frame
    attacker = Attack()
    for school, part in known.groupby("school"):
        own = keep(everyone, everyone.frame["school"] == school, "")
        assert len(without_few_unknown(own, 5, "meals").frame) == len(part), "as on the school's own page"
        _publish(attacker, gate(_by_group(part, "school"), "internal"), [str(school)], names)
    _publish(attacker, gate(_by_group(known, "all"), "internal")[:1], sorted(known["school"].unique()), names)
    whole = in_whole_groups(known, 5)
    _publish(attacker, gate(_by_group(whole, "all"), "internal")[1:], sorted(whole["school"].unique()), names)
    for (where, group), part in known.groupby(["school", "group"]):
        if len(part) < 5 and (known["school"] == where).sum() >= 5:
            assert safe(*attacker.bounds([(str(where), str(group))])), sizes


def _by_group(frame: pd.DataFrame, scope: Literal["school", "all"]) -> list[Row]:
    counts = [("", len(frame)), *((str(name), int(n)) for name, n in frame["group"].value_counts().items())]
    return [Row("change", scope, group=name, value=1.0, n=n) for name, n in counts]


def _publish(attacker: Attack, rows: Sequence[Row], schools: Sequence[str], names: Sequence[str]) -> None:
    for row in rows:
        members = [(school, name) for school in schools for name in names if row.group in ("", name)]
        attacker.publish(members, *((1, np.inf) if row.n is None else (row.n, row.n)))


def page_counts(draw: random.Random) -> None:
    """One page's steps and figures, each of some of the pupils of the last: no two counts shown are a few apart."""
    left, counts = [draw.randint(20, 60)], []
    for _ in range(3):
        left.append(left[-1] - draw.choice([0, 0, 2, 6]))
    steps = [Step("step", before - after, after) for before, after in itertools.pairwise([left[0], *left])]
    for name in ("change", "early", "late", "share"):
        counts.append((name, draw.choice(left[2:]) - draw.choice([0, 0, 1, 3, 7])))
    rows = [Row(name, "school", value=41.0, low=39.0, high=43.0, n=n, numerator=n // 2 if name == "share" else None,
                df=n - 1.0, se=0.1, p=0.02) for name, n in counts]  # fmt: skip
    told = publishable_steps(steps, "internal")
    found = counts_kept_apart(gate(rows, "internal"), told, "school", "internal")
    shown = {row.n for row in found if row.n is not None} | {step.left for step in told if step.left is not None}
    assert all(abs(one - other) >= 5 for one, other in itertools.combinations(shown, 2)), (shown, counts)
    for row in found:
        assert row.withheld or row.value == (40.0 if row.n is None and row.estimate == "share" else 41.0)
        assert row.n is not None or row.df is row.numerator is row.se is row.p is None, "none may tell the count"
        assert row.n is not None or row.estimate != "share" or row.low is row.high is None, "nor a share's limits"


STUDIES: dict[str, Callable[[random.Random], None]] = {
    each.__name__: each
    for each in (
        one_way,
        crossed,
        part_of_them,
        counted,
        many_schools,
        two_runs,
        summed,
        two_sides,
        school_steps,
        shares_of_schools,
        groups_of_schools,
        page_counts,
    )
}


@pytest.mark.parametrize("kind", STUDIES)
def test_no_small_study_is_solved(kind: str) -> None:
    for seed in range(25):
        STUDIES[kind](random.Random(f"{kind} {seed}"))


@pytest.mark.prove
@pytest.mark.parametrize("kind", STUDIES)
def test_none_of_a_thousand_small_studies_is_solved(kind: str) -> None:
    for seed in range(1000):
        STUDIES[kind](random.Random(f"{kind} {seed}"))


def test_schools_as_full_as_they_can_be_are_known() -> None:
    counted = pd.Series([True] * 7 + [False] * 12)
    assert not share_is_safe(counted, pd.Series([*"aabcccc", *["c"] * 12]), 5)


def test_the_attacker_finds_what_a_careless_page_gives_away() -> None:
    """Withholding the one small group alone is not enough, and the attacker shows it."""
    rows = [Row("change", "school", value=1.0, n=44), Row("change", "school", group="fsm6=0", value=1.0, n=40),
            Row("change", "school", group="fsm6=1", withheld="c")]  # fmt: skip
    attacker, members = attack(rows, ["fsm6"])
    assert attacker.bounds(members["fsm6=1"]) == pytest.approx((4, 4))
    fine = [{"fsm6": "1"}] * 3 + [{"fsm6": "0"}] * 41
    attacker, members = attack(gate(table(fine, groups(["fsm6"], 1)), "internal"), ["fsm6"])
    low, high = attacker.bounds(members["fsm6=1"])
    assert high - low > 5


def test_bands_of_all_schools_end_where_every_schools_own_bands_end() -> None:
    assert merged([5, 3, 6], 5) == ((0,), (1, 2))
    assert merged([5, 5, 5], 5) == ((0,), (1,), (2,))
    assert merged_alike([[5, 3, 6], [5, 5, 5]], 5) == ((0,), (1, 2))
    assert merged_alike([[5, 5, 2], [2, 5, 5]], 5) == ((0, 1, 2),)
    assert merged_alike([], 5) == ()
    assert merged_alike([[0, 0]], 5) == ((0, 1),)
