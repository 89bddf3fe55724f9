"""Permutation of starts over groups: what the same estimate would be had the same starts fallen on other groups."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from math import factorial, prod

import numpy as np

from attendlib.stats.staggered import Floats, Ints, Paths, Weigher, alike

MOST_ENUMERATED = 5_000
SAME = 1e-9  # of the observed: closer is equal


@dataclass(frozen=True, slots=True)
class Shuffled:
    """Two-sided `p` of the observed; `smallest_p` that any outcome could have had; how many arrangements were seen.

    `enumerated`: all there are, and p is a share of them; else p is add-one over seeded draws.
    """

    observed: float
    p: float
    smallest_p: float
    draws: int
    enumerated: bool


def shuffle_starts(panel: Paths, weigher: Weigher, seed: int, draws: int = 1999) -> Shuffled:
    """Starts dealt out anew among the groups of each stratum, each group counting once; one product per arrangement.

    Exact where who starts when could as well have been anyone else of the stratum, and nothing differs for anyone.
    """
    panel = alike(panel)
    counts = np.bincount(panel.cohort, minlength=len(panel.first))
    each = panel.y @ (weigher(panel) / counts[:, None]).T  # (groups, cohorts): what a group adds if it were of a cohort
    inside = [np.flatnonzero(panel.stratum[panel.cohort] == s) for s in np.unique(panel.stratum)]
    ways = prod(_ways(panel.cohort[rows]) for rows in inside)
    observed = float(each[np.arange(len(each)), panel.cohort].sum())
    if ways <= MOST_ENUMERATED:
        values = _every(each, panel.cohort, inside)
        p, smallest = (float((np.abs(values) >= least * (1 - SAME)).mean())
                       for least in (abs(observed), np.abs(values).max()))  # fmt: skip
        return Shuffled(observed, p, smallest, len(values), True)
    values = _drawn(each, panel.cohort, inside, np.random.default_rng(seed), draws)
    far = int((np.abs(values) >= abs(observed) * (1 - SAME)).sum())
    return Shuffled(observed, (1 + far) / (1 + draws), 1 / (1 + draws), draws, False)


def _ways(cohort: Ints) -> int:
    """How many ways there are to deal these starts out."""
    _, counts = np.unique(cohort, return_counts=True)
    return factorial(len(cohort)) // prod(factorial(int(n)) for n in counts)


def _every(each: Floats, cohort: Ints, inside: list[Ints]) -> Floats:
    """The estimate for every arrangement; strata add up."""
    parts = []
    for rows in inside:
        labels, counts = np.unique(cohort[rows], return_counts=True)
        dealt = np.array(list(_deals(len(rows), [*map(int, counts)])))
        parts.append(each[rows[None, :], labels[dealt]].sum(axis=1))
    return np.array([sum(values) for values in product(*parts)])


def _deals(n: int, counts: list[int]) -> Iterator[list[int]]:
    """Every way to give `counts[k]` of `n` places the label k."""

    def deal(left: tuple[int, ...], k: int, made: list[int]) -> Iterator[list[int]]:
        if k == len(counts) - 1:
            yield [k if place in left else label for place, label in enumerate(made)]
            return
        for chosen in combinations(left, counts[k]):
            rest = tuple(place for place in left if place not in chosen)
            yield from deal(rest, k + 1, [k if place in chosen else label for place, label in enumerate(made)])

    return deal(tuple(range(n)), 0, [0] * n)


def _drawn(each: Floats, cohort: Ints, inside: list[Ints], rng: np.random.Generator, draws: int) -> Floats:
    values = np.zeros(draws)
    for rows in inside:
        dealt = cohort[rows][np.argsort(rng.random((draws, len(rows))), axis=1)]
        values += each[rows[None, :], dealt].sum(axis=1)
    return values
