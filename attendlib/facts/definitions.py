"""Thresholds and bands of absence, each on whole sessions, each with its source."""

from collections.abc import Sequence
from itertools import pairwise

PERSISTENT_PCT = 10  # DfE, Pupil absence in schools in England: methodology, 3.2 (exact rule since 2015/16)
SEVERE_PCT = 50  # the same, severe absence
SESSIONS_A_DAY = 2  # the same, 1.1
DAYS_A_YEAR = 190  # the same, 1.1: at least 380 sessions
LESSONS_A_DAY = 5  # our convention for plain words: five lessons to a secondary school day
BAND_EDGES_PCT = (0, 5, 10, 15, 20, 50, 100)  # half-open, the last closed; DfE's 5-point bands, widened at 20
FEWEST_SESSIONS_BANDED = 20  # DfE, Monitor your school attendance: bandings guide, December 2024
FEWEST_SESSIONS_ANNUALISED = 60  # our rule: about six school weeks; less says too little about a year


def is_absent_at_least(absent: int, possible: int, percent: int) -> bool:
    """Whether `absent` of `possible` sessions is `percent` or more, compared on whole sessions.

    No possible session is no rate, so never. Raises ValueError where absent is not between 0 and possible.
    """
    if not 0 <= absent <= possible:
        raise ValueError(f"{absent} absent sessions of {possible} possible")
    return possible > 0 and 100 * absent >= percent * possible


def is_persistently_absent(absent: int, possible: int) -> bool:
    """10% or more of the pupil's own possible sessions (DfE methodology 3.2): 19 of 190, not 18."""
    return is_absent_at_least(absent, possible, PERSISTENT_PCT)


def is_severely_absent(absent: int, possible: int) -> bool:
    """50% or more of the pupil's own possible sessions (DfE methodology)."""
    return is_absent_at_least(absent, possible, SEVERE_PCT)


def band(absent: int, possible: int, edges_pct: Sequence[int] = BAND_EDGES_PCT) -> int:
    """Which half-open band of `edges_pct` the pupil's absence falls in: 0 is the first, the last is closed."""
    if possible <= 0 or not 0 <= absent <= possible:
        raise ValueError(f"{absent} absent sessions of {possible} possible")
    return sum(100 * absent >= edge * possible for edge in edges_pct[1:-1])


def band_labels(edges_pct: Sequence[int] = BAND_EDGES_PCT) -> tuple[str, ...]:
    """The words for each band, in order: '0% to under 5%' … '50% or more'."""
    pairs = list(pairwise(edges_pct))
    return (*(f"{low}% to under {high}%" for low, high in pairs[:-1]), f"{pairs[-1][0]}% or more")
