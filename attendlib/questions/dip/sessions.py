"""One year's sessions as blocks of numbers: many pupils' sums are looked up instead of joined again and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from attendlib.questions.dip.year import COUNTED, Year

WHOLE_YEAR = (0,)
YEARS_HELD = 8  # of one page: up to five cohorts', by half-term or in whole


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """COUNTED sessions of `known` pupils: `counts` (pupils and one, periods, COUNTED), and where there is a row at all,
    `there` (pupils and one, periods). A count is NaN where one that adds to it is not known; `possible_known` (pupils
    and one, periods) is the possible sessions of those that are. The last is nobody."""

    known: pd.Index
    counts: np.ndarray
    there: np.ndarray
    possible_known: np.ndarray

    def of(self, who: pd.Index, places: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """The counts (n, places, COUNTED) of these pupils in these periods, and where there is a row (n, places)."""
        block = np.ix_(self.known.get_indexer(who), np.array(places, int))  # -1, whoever is not known, is nobody
        return self.counts[block], self.there[block]

    def possible(self, who: pd.Index, places: Sequence[int]) -> np.ndarray:
        """Possible sessions (n,) of these pupils over these periods, as far as they are known."""
        return self.possible_known[np.ix_(self.known.get_indexer(who), np.array(places, int))].sum(axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """One year's sessions per pupil over every school (`anywhere`) and per pupil and school (`here`), by `periods`:
    half-terms, or WHOLE_YEAR."""

    periods: tuple[int, ...]
    schools: pd.Index
    anywhere: Block
    here: Block

    def knows(self, who: pd.Series) -> np.ndarray:
        """Which of these pupils (n,) have a row in any school."""
        return self.anywhere.known.get_indexer(pd.Index(who)) >= 0

    def pairs(self, frame: pd.DataFrame) -> pd.Index:
        """The rows of `here` that are these pupils in these schools, -1 where there is none, as a key of it."""
        return pd.Index(_pairs(self.anywhere.known, self.schools, frame))

    def places(self, periods: Sequence[int]) -> list[int]:
        """Where these periods stand; those in which nobody had sessions do not."""
        return [self.periods.index(period) for period in periods if period in self.periods]


@lru_cache(maxsize=YEARS_HELD)
def sessions_of(year: Year, by_half: bool) -> Sessions:
    """The year's sessions by half-term, or over the whole year. Made once for each year of a page."""
    long = year.halves if by_half else year.totals.assign(half_term=WHOLE_YEAR[0])
    periods, period = np.unique(long["half_term"].to_numpy(int), return_inverse=True)
    pupils, schools = (pd.Index(long[name].unique(), dtype=object) for name in ("pupil", "school"))
    pair = _pairs(pupils, schools, long)
    found = pd.Index(np.unique(pair))
    counts = long[list(COUNTED)].to_numpy(float)
    return Sessions(
        tuple(periods.tolist()),
        schools,
        _block(pupils, pupils.get_indexer(pd.Index(long["pupil"])), period, len(periods), counts),
        _block(found, found.get_indexer(pd.Index(pair)), period, len(periods), counts),
    )


def summed(counts: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Each pupil's sums (n, COUNTED) over the periods that are `there`; NaN where one is not known or none is there."""
    sums = np.where(there[:, :, None], counts, 0.0).sum(axis=1)
    sums[~there.any(axis=1)] = np.nan
    return sums


def _pairs(pupils: pd.Index, schools: pd.Index, frame: pd.DataFrame) -> np.ndarray:
    """A number for each pupil and school; -1 where either is not among them."""
    pupil, school = (
        known.get_indexer(pd.Index(frame[name])) for known, name in ((pupils, "pupil"), (schools, "school"))
    )
    return np.where((pupil < 0) | (school < 0), -1, pupil * len(schools) + school)


def _block(known: pd.Index, row: np.ndarray, period: np.ndarray, periods: int, counts: np.ndarray) -> Block:
    shape = len(known) + 1, periods
    cell, cells = row * periods + period, shape[0] * periods
    sums = [np.bincount(cell, column, cells).reshape(shape) for column in counts.T]
    there = np.bincount(cell, minlength=cells).reshape(shape) > 0
    possible = np.nan_to_num(counts[:, COUNTED.index("possible")])
    return Block(known, np.stack(sums, axis=2), there, np.bincount(cell, possible, cells).reshape(shape))
