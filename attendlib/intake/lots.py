"""Lots drawn from hashes of the seed: the same list and seed give the same arms, on any machine, in any order.

Inside a block, units stand in the order of SHA-256 over seed, trial, block and unit, and the arms are dealt along it.
What does not divide evenly goes to arms, or to blocks, by systematic sampling from a hashed start, so that each has a
chance of exactly its fraction.
Source: Suresh (2011), J. Hum. Reprod. Sci. 4(1), for blocked allocation; Madow (1949) for systematic sampling.
"""

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction

Blocks = Mapping[str, Sequence[str]]  # each block's units


def draw_shares(blocks: Blocks, arms: Sequence[str], shares: Sequence[int], seed: int, trial: str) -> dict[str, str]:
    """The arm of each unit, arms in proportion to `shares` inside each block as nearly as its size allows."""
    whole = sum(shares)
    drawn: dict[str, str] = {}
    for block, units in blocks.items():
        wanted = {arm: Fraction(len(units) * share, whole) for arm, share in zip(arms, shares, strict=True)}
        drawn |= _dealt(units, rounded_fairly(wanted, (seed, trial, "arms", block)), (seed, trial, block))
    return drawn


def draw_places(blocks: Blocks, arms: Sequence[str], places: int, seed: int, trial: str) -> dict[str, str]:
    """The arm of each unit: `places` in the first of two arms, shared over blocks by their size, the rest wait.

    ValueError where there are as many places as units, or more.
    """
    first, second = arms
    total = sum(len(units) for units in blocks.values())
    if not 0 < places < total:
        raise ValueError(f"{places} places for {total} on the list: nobody would be left to compare")
    wanted = {block: Fraction(places * len(units), total) for block, units in blocks.items()}
    given = rounded_fairly(wanted, (seed, trial, "places"))
    drawn: dict[str, str] = {}
    for block, units in blocks.items():
        counts = {first: given[block], second: len(units) - given[block]}
        drawn |= _dealt(units, counts, (seed, trial, block))
    return drawn


def rounded_fairly(wanted: Mapping[str, Fraction], key: tuple[object, ...]) -> dict[str, int]:
    """Whole numbers with the sum of `wanted`, each its own rounded down or up, up with a chance of its fraction."""
    counts = {name: int(value) for name, value in wanted.items()}
    start, reached = uniform(*key, "start"), Fraction(0)
    for name in sorted(wanted, key=lambda name: (uniform(*key, "order", name), name)):
        before, reached = reached, reached + wanted[name] - counts[name]
        # A point of start, start + 1, … in [before, reached) gives one more.
        counts[name] += -(-(reached - start) // 1) > -(-(before - start) // 1)
    return counts


def uniform(*parts: object) -> Fraction:
    """A number from 0 to under 1 that the parts alone decide."""
    text = "\x1f".join(str(part) for part in parts)
    return Fraction(int(hashlib.sha256(text.encode()).hexdigest(), 16), 2**256)


def _dealt(units: Sequence[str], counts: Mapping[str, int], key: tuple[object, ...]) -> dict[str, str]:
    order = sorted(units, key=lambda unit: (uniform(*key, "unit", unit), unit))
    slots = [arm for arm, count in counts.items() for _ in range(count)]
    return dict(zip(order, slots, strict=True))
