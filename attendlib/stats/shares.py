"""Shares with Wilson intervals, and means with t intervals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from attendlib.stats.fit import Estimate, contrast
from attendlib.stats.inputs import Labels, Values, read_numbers
from attendlib.stats.ols import ols


@dataclass(frozen=True, slots=True)
class Share:
    """`numerator` of `n` as a share from 0 to 1, with its Wilson score interval of `confidence_pct` percent."""

    numerator: int
    n: int
    share: float
    low: float
    high: float
    confidence_pct: float = 95


def wilson(numerator: int, n: int, confidence_pct: float = 95) -> Share:
    """The Wilson (1927) score interval, no continuity correction: Newcombe (1998), method 3.

    ValueError when n is not above 0 or the numerator lies outside 0 to n.
    """
    if n < 1 or not 0 <= numerator <= n:
        raise ValueError(f"a share of {numerator} in {n}: n must be 1 or more and the numerator from 0 to n")
    if not 0 < confidence_pct < 100:
        raise ValueError(f"confidence_pct is {confidence_pct}; give a percent between 0 and 100, such as 95")
    z2 = float(ndtri(0.5 + confidence_pct / 200)) ** 2
    share = numerator / n
    middle = numerator + z2 / 2
    reach = (z2 * (n * share * (1 - share) + z2 / 4)) ** 0.5
    low = 0.0 if numerator == 0 else (middle - reach) / (n + z2)
    high = 1.0 if numerator == n else (middle + reach) / (n + z2)
    return Share(int(numerator), int(n), share, low, high, confidence_pct)


def mean_interval(
    x: Values, cluster: Labels | None = None, weights: Values | None = None, confidence_pct: float = 95
) -> Estimate:
    """The mean of `x` (n,) in its own unit; alone it is the textbook t interval on n - 1 degrees of freedom.

    With `cluster` (n,) the CR2 interval of a regression on a constant; `weights` as in `ols`. ValueError for
    missing values, fewer than 2 rows, or one cluster.
    """
    constant = np.ones((len(x), 1))
    return contrast(ols(x, constant, cluster=cluster, weights=weights, confidence_pct=confidence_pct), [1.0])


def paired_difference(
    before: Values, after: Values, cluster: Labels | None = None, confidence_pct: float = 95
) -> Estimate:
    """The mean of after - before over pairs (n,), with the interval of `mean_interval`. ValueError as there."""
    first, second = read_numbers(before, "before"), read_numbers(after, "after")
    if len(first) != len(second):
        raise ValueError(f"before has {len(first)} values and after {len(second)}; give pairs")
    if isinstance(before, pd.Series) and isinstance(after, pd.Series) and not before.index.equals(after.index):
        raise ValueError("before and after have different indexes; line them up first")
    labels = cluster.to_numpy() if isinstance(cluster, pd.Series) else cluster
    return mean_interval(second - first, cluster=labels, confidence_pct=confidence_pct)
