"""How small a difference a design could have been expected to find."""

import numpy as np

from attendlib.stats.fit import t_quantile


def minimum_detectable(se: float, df: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """The true difference a two-sided t test at `alpha` finds with probability `power`, in the unit of `se`.

    (t[1 - alpha/2, df] + t[power, df]) se, as Bloom (1995) and PowerUp! do. ValueError for numbers out of range.
    """
    if not (np.isfinite(se) and se > 0 and df > 0):
        raise ValueError(f"se and df are {se} and {df}; both are needed, above 0")
    if not (0 < alpha < 1 and 0 < power < 1):
        raise ValueError(f"alpha and power are {alpha} and {power}; both lie between 0 and 1")
    return float((t_quantile(1 - alpha / 2, df) + t_quantile(power, df)) * se)
