"""Invented pupils with a planted link, as `attainment_link` hands them to its parts: absence, result, what is alike."""

import numpy as np
import pandas as pd

from attendlib.questions.link.asked import Asked

POSSIBLE = 380
PLANTED = -3.0  # points at 10% against 2% absence, given prior and free school meals


def asked(**changed: object) -> Asked:
    """A study that asks for maths, prior results and free school meals held alike."""
    usual = {
        "school": "s0",
        "measure": "maths",
        "at_least": None,
        "academic_year": "2024/25",
        "year_group": None,
        "prior": "maths",
        "adjust_for": ("fsm6",),
        "high_pct": 10.0,
        "low_pct": 2.0,
        "audience": "internal",
        "seed": 1,
    }
    return Asked(**{**usual, **changed})  # type: ignore[arg-type]


def made_pupils(seed: int, n: int, schools: int = 1, curve: float = 0.0, planted: float = PLANTED) -> pd.DataFrame:
    """`n` pupils in each of `schools`: those with low prior results or free meals miss more; `mean` is the result
    without chance. `curve` bends the link; schools differ, the lower ones missing more."""
    rng = np.random.default_rng([seed, n, schools])
    school = np.repeat(np.arange(schools), n)
    level = rng.standard_normal(schools)[school] if schools > 1 else np.zeros(n)
    total = n * schools
    prior = 100 + 10 * rng.standard_normal(total)
    fsm6 = (rng.random(total) < 0.3).astype(float)
    chance = np.exp(np.log(0.055) - 0.02 * (prior - 100) + 0.5 * fsm6 - 0.3 * level + 0.8 * rng.standard_normal(total))
    absent = rng.binomial(POSSIBLE, np.minimum(chance, 0.9))
    absence_pct = 100 * absent / POSSIBLE
    link = planted / 8 * absence_pct + curve * (np.sqrt(absence_pct) - np.sqrt(50))
    mean = 50 + 0.6 * (prior - 100) - 3 * fsm6 + 4 * level + link
    result = mean + (6 + 0.05 * absence_pct) * rng.standard_normal(total)
    return pd.DataFrame(
        {
            "pupil": [f"p{i}" for i in range(total)],
            "school": [f"s{i}" for i in school],
            "class": pd.Series(pd.NA, index=range(total), dtype="str"),
            "absent": absent,
            "possible": POSSIBLE,
            "absence_pct": absence_pct,
            "prior": prior,
            "fsm6": fsm6,
            "mean": mean,
            "spread": 6 + 0.05 * absence_pct,
            "result": result,
        }
    )
