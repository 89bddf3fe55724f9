"""Simulated trials for the tests of the trial numbers, and what chance allows a share of simulations to be."""

import numpy as np
import pandas as pd

UNEQUAL = [6, 10, 14, 18, 24, 48]  # mean 20, coefficient of variation 0.7
COLUMNS = ["const", "arm", "prior"]


def school_trial(
    rng: np.random.Generator, schools: int, icc: float, unequal: bool, effect: float = 0.0
) -> pd.DataFrame:
    """Half the schools treated, 20 pupils a school on average; outcome of variance 1 beside what a prior explains."""
    sizes = rng.permutation(np.resize(UNEQUAL, schools)) if unequal else np.full(schools, 20)
    school = np.repeat(np.arange(schools), sizes)
    arm = rng.permutation(np.arange(schools) % 2)[school].astype(float)
    prior = rng.normal(size=len(school))
    noise = rng.normal(0, icc**0.5, schools)[school] + rng.normal(0, (1 - icc) ** 0.5, len(school))
    y = effect * arm + 0.5 * prior + noise
    return pd.DataFrame({"const": 1.0, "arm": arm, "prior": prior, "y": y, "school": school})


def absence_trial(rng: np.random.Generator, schools: int, pupils: int = 60) -> pd.DataFrame:
    """Sessions absent of possible: rates skewed between pupils, different between schools, and over-dispersed.

    The treated schools' pupils lose nothing and gain nothing: the planted difference is 0.
    """
    school = np.repeat(np.arange(schools), pupils)
    arm = rng.permutation(np.arange(schools) % 2)[school].astype(float)
    mean = np.exp(rng.normal(np.log(0.06), 0.25, schools))[school]
    rate = rng.beta(1.5, 1.5 / mean - 1.5)
    possible = rng.integers(150, 381, len(school))
    absent = rng.binomial(possible, rate)
    return pd.DataFrame({"const": 1.0, "arm": arm, "school": school, "absent": absent, "possible": possible})


def chance(share: float, simulations: int, errors: float = 4.0) -> float:
    """How far a share of simulations may lie from its true value: `errors` standard errors."""
    return errors * (share * (1 - share) / simulations) ** 0.5
