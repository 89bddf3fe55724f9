"""Was the allocation drawn as it should have been? Its balance and its order beside thousands of drawings anew."""

from dataclasses import dataclass

import numpy as np

from attendlib.stats.inputs import Labels, Values, read_labels, read_numbers

CELLS = 4_000_000  # numbers held at once


@dataclass(frozen=True, slots=True)
class Redrawn:
    """A figure of the actual allocation and its place among `draws` allocations drawn anew inside the strata.

    `expected` is their mean; `p` is the add-one share of them at least as extreme; `n` units in `n_strata` strata.
    """

    observed: float
    expected: float
    p: float
    draws: int
    n: int
    n_strata: int


def runs_in_order(arm: Labels, order: Values, seed: int, strata: Labels | None = None, draws: int = 1999) -> Redrawn:
    """Runs of the same arm when units (n,) are put in `order` inside their strata: too few, and the list was cut.

    The Wald-Wolfowitz count of runs, summed over strata, with a one-sided permutation p: the share of reallocations
    with as few runs. An allocation sorted by list, school number or area has about as many runs as arms.
    Units with equal `order` keep the order given. ValueError for missing values or one arm.
    """
    codes, places, blocks = _read(arm, order, strata)
    by_place = np.lexsort((np.arange(len(codes)), places, blocks))
    codes, blocks = codes[by_place], blocks[by_place]
    same_block = blocks[1:] == blocks[:-1]
    actual = float(_runs(codes[None, :], same_block, blocks)[0])
    values = np.concatenate([_runs(part, same_block, blocks) for part in _drawn(codes, blocks, draws, seed)])
    return _placed(actual, values, values <= actual, codes, blocks)


def balance_redrawn(
    treated: Values, baseline: Values, seed: int, strata: Labels | None = None, draws: int = 1999
) -> Redrawn:
    """The difference of a baseline (n,) between units with `treated` 1 and 0, beside reallocations inside strata.

    Two-sided p: the share of reallocations with a difference at least as far from 0. For a difference beyond what
    drawing lots gives, not as a test of whether a covariate is needed. ValueError for missing values or one arm.
    """
    numbers = read_numbers(baseline, "baseline")
    codes, _, blocks = _read(treated, np.zeros(len(numbers)), strata)
    codes = codes == codes[np.argmax(read_numbers(treated, "treated"))]
    ordered = np.argsort(blocks, kind="stable")
    codes, blocks, numbers = codes[ordered], blocks[ordered], numbers[ordered]
    actual = float(_difference(codes[None, :], numbers)[0])
    values = np.concatenate([_difference(part, numbers) for part in _drawn(codes, blocks, draws, seed)])
    far = np.abs(values) >= abs(actual) * (1 - 1e-12)
    return _placed(actual, values, far, codes, blocks)


def _read(arm: Labels, order: Values, strata: Labels | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    codes = read_labels(arm)
    places = read_numbers(order, "order")
    blocks = np.zeros(len(codes), dtype=int) if strata is None else read_labels(strata)
    if not len(codes) == len(places) == len(blocks):
        raise ValueError(f"arm, order and strata have {len(codes)}, {len(places)} and {len(blocks)} entries")
    if len(np.unique(codes)) < 2:
        raise ValueError("every unit is in the same arm: there is no allocation to check")
    return codes, places, blocks


def _drawn(codes: np.ndarray, blocks: np.ndarray, draws: int, seed: int) -> "list[np.ndarray]":
    """Allocations (part, n) with the arms of each block shuffled; `blocks` is in order."""
    generator = np.random.default_rng(seed)
    step = max(1, CELLS // len(codes))
    return [
        codes[np.lexsort((generator.random((size, len(codes))), np.broadcast_to(blocks, (size, len(codes)))), axis=1)]
        for size in (min(step, draws - done) for done in range(0, draws, step))
    ]


def _runs(codes: np.ndarray, same_block: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    changes = (codes[:, 1:] != codes[:, :-1]) & same_block
    return changes.sum(axis=1) + len(np.unique(blocks))


def _difference(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    total, n = values.sum(), len(values)
    summed, count = codes @ values, codes.sum(axis=1)
    return summed / count - (total - summed) / (n - count)


def _placed(actual: float, values: np.ndarray, extreme: np.ndarray, codes: np.ndarray, blocks: np.ndarray) -> Redrawn:
    p = (1 + int(extreme.sum())) / (1 + len(values))
    return Redrawn(actual, float(values.mean()), p, len(values), len(codes), len(np.unique(blocks)))
