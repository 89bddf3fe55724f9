"""The schools of a synthetic trust, its pupils, and who is on roll where in each of two years."""

from dataclasses import dataclass, fields, replace
from statistics import NormalDist
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from attendlib.intake.synthetic.national import CELLS, Floats, Ints, cell_shares, plan_share
from attendlib.intake.synthetic.shape import Shape

ELSEWHERE = 999_901  # the first of nine schools outside the trust that pupils come from
_FSM_TILT = 0.45  # log odds of FSM for a school one standard deviation more deprived
ALL_YEAR = 10_000  # the leaving day of a pupil who stays
_STAY, _TO_FEEDER, _TO_SIBLING = 0.97, 0.92, 0.04
_MID_YEAR = 0.02
T = TypeVar("T", "Pupils", "Roll")


@dataclass(frozen=True, slots=True)
class Schools:
    """One row a school: `phase` 0 primary, 1 secondary; `feeds` the secondary a primary feeds, else -1;
    `deprivation` and `habit` are normal scores, spread evenly within phase so small trusts are ordinary."""

    phase: Ints
    feeds: Ints
    deprivation: Floats
    habit: Floats

    def urn(self, school: int) -> str:
        """999001 for the first school: obviously invented."""
        return str(999_001 + school)


@dataclass(frozen=True, slots=True)
class Pupils:
    """One row a pupil, whatever the year. `steady` and `ability` are hidden normal scores."""

    cell: Ints
    plan: NDArray[np.bool_]
    fsm6: Ints
    eal: Ints
    birth_month: Ints
    steady: Floats
    ability: Floats

    @property
    def fsm(self) -> Ints:
        """1 where eligible for free school meals."""
        return np.array([c[0] for c in CELLS])[self.cell]

    @property
    def female(self) -> Ints:
        """1 for girls."""
        return np.array([c[2] for c in CELLS])[self.cell]

    @property
    def sen(self) -> Ints:
        """0 none, 1 support (K), 2 plan (E)."""
        some = np.array([c[1] for c in CELLS])[self.cell]
        return some * (1 + self.plan.astype(int))


@dataclass(frozen=True, slots=True)
class Roll:
    """One row an enrolment of one year, ordered by school and year group. `entry` and `leaving` are day
    numbers (0 and 10,000 when on roll all year); `came_from` a school's number, an outside URN, or -1."""

    pupil: Ints
    school: Ints
    year_group: Ints
    entry: Ints
    leaving: Ints
    form: Ints
    came_from: Ints


def make_schools(shape: Shape, rng: np.random.Generator) -> Schools:
    """Primaries first, then the secondaries they feed in turn."""
    p, s = shape.primaries, shape.secondaries
    feeds = np.concatenate([p + np.arange(p) % s, np.full(s, -1)])
    spread = [np.concatenate([_even_scores(p, rng), _even_scores(s, rng)]) for _ in range(2)]
    return Schools(np.repeat([0, 1], [p, s]), feeds, *spread)


def make_people(shape: Shape, schools: Schools, rng: np.random.Generator) -> tuple[Pupils, tuple[Roll, Roll]]:
    """Every pupil, and the rolls of the first and second year (pupils numbered across both)."""
    places = _places(shape, schools)
    school, year_group = _filled(places)
    pupils = _draw(school, year_group, schools, rng)
    first = _roll(np.arange(len(school)), school, year_group, _earlier_school(school, year_group, schools, rng))
    first, pupils = _with_movers(first, pupils, schools, rng)
    moved = _moved_up(first, schools, rng)
    school, year_group = _filled(np.maximum(places - _counted(moved, places.shape), 0))
    new = np.arange(len(school)) + len(pupils.cell)
    pupils = _join(pupils, _draw(school, year_group, schools, rng))
    joined = _roll(new, school, year_group, np.where(year_group == 1, -1, _outside(len(school), rng)))
    second, pupils = _with_movers(_join(moved, joined), pupils, schools, rng)
    return pupils, (_in_forms(first, rng), _in_forms(second, rng))


def _even_scores(n: int, rng: np.random.Generator) -> Floats:
    scores = np.array([NormalDist().inv_cdf((k + 0.5) / n) for k in range(n)])
    return rng.permutation(scores / scores.std() if n > 1 else scores)


def _places(shape: Shape, schools: Schools) -> Ints:
    """How many pupils each school and year group takes, shape (schools, 12); adds to `pupils`."""
    weight = np.zeros((shape.schools, 12))
    weight[schools.phase == 0, 1:7] = 1
    weight[schools.phase == 1, 7:12] = shape.primaries / shape.secondaries
    edges = np.rint(np.cumsum(weight.ravel()) / weight.sum() * shape.pupils).astype(int)
    return np.diff(edges, prepend=0).reshape(weight.shape)


def _filled(places: Ints) -> tuple[Ints, Ints]:
    """A school and a year group for each place."""
    school, year_group = np.nonzero(places)
    return np.repeat(school, places[school, year_group]), np.repeat(year_group, places[school, year_group])


def _counted(roll: Roll, shape: tuple[int, ...]) -> Ints:
    counts = np.zeros(shape, dtype=int)
    np.add.at(counts, (roll.school, roll.year_group), 1)
    return counts


def _draw(school: Ints, year_group: Ints, schools: Schools, rng: np.random.Generator) -> Pupils:
    """New pupils: FSM, SEN and sex jointly as in the national bands of their year group, tilted by school."""
    n = len(school)
    steady, u = rng.standard_normal(n), rng.random(n)
    cell = np.zeros(n, dtype=int)
    for s, g in np.unique(np.stack([school, year_group], axis=1), axis=0):
        chosen = (school == s) & (year_group == g)
        cell[chosen] = np.searchsorted(np.cumsum(_tilted(g, schools.deprivation[s]))[:-1], u[chosen])
    fsm, sen = np.array(CELLS)[cell, 0], np.array(CELLS)[cell, 1]
    ever = _likelier(steady, 0.30, 0.05, rng)
    return Pupils(
        cell=cell,
        plan=_likelier(steady, 0.085, plan_share(), rng) & (sen == 1),
        fsm6=(fsm | ever).astype(int),
        eal=(rng.random(n) < 0.15 + 0.1 * (rng.random(n) < 0.4)).astype(int),
        birth_month=rng.integers(1, 13, n),
        steady=steady,
        ability=-0.3 * steady + np.sqrt(1 - 0.09) * rng.standard_normal(n),
    )


def _tilted(year_group: int, deprivation: float) -> Floats:
    """The year group's national shares of CELLS with the odds of FSM moved by the school's deprivation."""
    shares = cell_shares(int(year_group))
    fsm = np.array(CELLS)[:, 0] == 1
    shares = shares * np.where(fsm, np.exp(_FSM_TILT * deprivation - _FSM_TILT**2 / 4), 1.0)
    return shares / shares.sum()


def _likelier(steady: Floats, link: float, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """True for `share` of pupils, likelier where `steady` is high: leaves the group's own shape alone."""
    score = link * steady + np.sqrt(1 - link**2) * rng.standard_normal(len(steady))
    return score > NormalDist().inv_cdf(1 - share)


def _roll(pupil: Ints, school: Ints, year_group: Ints, came_from: Ints) -> Roll:
    n = len(pupil)
    return Roll(pupil, school, year_group, np.zeros(n, int), np.full(n, ALL_YEAR), np.zeros(n, int), came_from)


def _outside(n: int, rng: np.random.Generator) -> Ints:
    return ELSEWHERE + rng.integers(0, 9, n)


def _earlier_school(school: Ints, year_group: Ints, schools: Schools, rng: np.random.Generator) -> Ints:
    """For secondary pupils a primary that feeds their school, or one elsewhere for 15 in 100."""
    out = np.full(len(school), -1)
    for s in np.flatnonzero(schools.phase == 1):
        feeders = np.flatnonzero(schools.feeds == s)
        here = np.flatnonzero(school == s)
        from_feeder = rng.random(len(here)) < (0.85 if len(feeders) else 0)
        out[here] = _outside(len(here), rng)
        if len(feeders):
            out[here[from_feeder]] = rng.choice(feeders, from_feeder.sum())
    return out


def _with_movers(roll: Roll, pupils: Pupils, schools: Schools, rng: np.random.Generator) -> tuple[Roll, Pupils]:
    """About 2 in 100 leave during the year and as many join, whoever they are."""
    n = len(roll.pupil)
    leaving = np.where(rng.random(n) < _MID_YEAR, rng.integers(20, 170, n), ALL_YEAR)
    like = np.flatnonzero(rng.random(n) < _MID_YEAR)
    new = np.arange(len(like)) + len(pupils.cell)
    late = _roll(new, roll.school[like], roll.year_group[like], _outside(len(like), rng))
    late = replace(late, entry=rng.integers(20, 170, len(like)))
    drawn = _draw(late.school, late.year_group, schools, rng)
    return _join(replace(roll, leaving=leaving), late), _join(pupils, drawn)


def _moved_up(roll: Roll, schools: Schools, rng: np.random.Generator) -> Roll:
    """Who is still in the trust a year on, and where: Year 6 leavers mostly in the secondary they feed."""
    n, u = len(roll.pupil), rng.random(len(roll.pupil))
    secondaries = np.flatnonzero(schools.phase == 1)
    feeder, leaver = schools.feeds[roll.school], roll.year_group == 6
    place = np.searchsorted(secondaries, np.maximum(feeder, secondaries[0]))
    sibling = secondaries[(place + rng.integers(1, max(len(secondaries), 2), n)) % len(secondaries)]
    goes = np.where(leaver, u < _TO_FEEDER + _TO_SIBLING * (len(secondaries) > 1), u < _STAY)
    kept = goes & (roll.year_group != 11) & (roll.leaving == ALL_YEAR)
    school = np.where(leaver, np.where(u < _TO_FEEDER, feeder, sibling), roll.school)
    came_from = np.where(leaver, roll.school, roll.came_from)
    return _roll(roll.pupil[kept], school[kept], roll.year_group[kept] + 1, came_from[kept])


def _in_forms(roll: Roll, rng: np.random.Generator) -> Roll:
    """Ordered by school and year group, and dealt into classes of about 30."""
    order = np.lexsort((rng.random(len(roll.pupil)), roll.year_group, roll.school))
    roll = Roll(*(getattr(roll, f.name)[order] for f in fields(Roll)))
    group = roll.school * 12 + roll.year_group
    _, start, size = np.unique(group, return_index=True, return_counts=True)
    forms = np.repeat(np.maximum(np.rint(size / 30).astype(int), 1), size)
    return replace(roll, form=(np.arange(len(group)) - np.repeat(start, size)) % forms)


def _join(one: T, other: T) -> T:
    return replace(one, **{f.name: np.concatenate([getattr(one, f.name), getattr(other, f.name)]) for f in fields(one)})
