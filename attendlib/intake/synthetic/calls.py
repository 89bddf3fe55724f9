"""The planted intervention: tutor_calls, for pupils chosen because their recorded attendance was low."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attendlib.intake.synthetic.absence import Bools, most_likely
from attendlib.intake.synthetic.national import Floats, Ints

NAME = "tutor_calls"
DAYS_A_YEAR = 190
NEVER_STARTED = 0.08
_FEWEST_POSSIBLE = 20  # sessions in the selection window, as in DfE's bandings report


@dataclass(frozen=True, slots=True)
class Choice:
    """Who was eligible, referred and started (masks over a school's roll), and how it ended."""

    eligible: Bools
    referred: Bools
    started: Bools
    ending: NDArray[np.float64]  # uniform numbers that decide status, dose and end


def choose(absent: Ints, possible: Ints, on_roll: Bools, rng: np.random.Generator) -> Choice:
    """Eligible at 10% absence in the selection window; the worse the record the likelier a referral.

    Nothing but the record and chance decides, so among equal records the untreated are a fair comparison.
    """
    eligible = (10 * absent >= possible) & (possible >= _FEWEST_POSSIBLE) & on_roll
    percent = 100 * absent / np.maximum(possible, 1)
    chance = np.clip(0.30 + 0.02 * (percent - 10), 0.30, 0.75)
    referred = eligible & (rng.random(len(absent)) < chance)
    started = referred & (rng.random(len(absent)) >= NEVER_STARTED)
    return Choice(eligible, referred, started, rng.random(len(absent)))


def fewer_absences(
    score: Floats, absent: Bools, window: Bools, effect_days: float, possible: Ints, rng: np.random.Generator
) -> Bools:
    """The absences of started pupils with the effect: the last-ranked sessions of the window come off.

    `score`, `absent` (pupils, days, 2); `window` the sessions from the start on that can be missed;
    `possible` their number. The mean is `effect_days` a year; a pupil with too few to lose passes
    the rest to the others, so the mean holds wherever it can.
    """
    before = (absent & window).sum(axis=(1, 2))
    wanted = effect_days * possible / DAYS_A_YEAR
    limit = before if effect_days >= 0 else possible - before
    moved = _shared(np.abs(wanted), limit.astype(float))
    change = np.sign(effect_days) * np.floor(moved + rng.random(len(moved)))
    after = np.clip(before - change, 0, possible).astype(int)
    return (absent & ~window) | most_likely(score, window, after)


def _shared(wanted: Floats, limit: Floats) -> Floats:
    """`wanted` scaled up until, capped by `limit`, its total is what was wanted (or the limit is reached)."""
    low, high = 1.0, 1.0
    while high < 1e6 and np.minimum(high * wanted, limit).sum() < min(wanted.sum(), limit.sum()) - 1e-6:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        enough = np.minimum(middle * wanted, limit).sum() >= wanted.sum()
        low, high = (low, middle) if enough else (middle, high)
    return np.minimum(high * wanted, limit)
