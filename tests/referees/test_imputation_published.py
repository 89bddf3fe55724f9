"""Rubin's rules against R's mice (3.15.0): pool.scalar with Barnard and Rubin's degrees of freedom."""

import numpy as np
import pytest

from attendlib.stats.fit import Estimate
from attendlib.stats.imputation import combine_imputations

FIRST = ([2.9, 3.1, 3.3, 2.7, 3.2], [0.25, 0.27, 0.24, 0.31, 0.28])
SECOND = ([3.0, 3.2, 2.9, 3.3, 2.8], [0.30, 0.28, 0.29, 0.31, 0.30])

# Values and variances, complete-data df; then pool.scalar(Q, U, n = df + 1, k = 1): qbar, t, r, df, fmi.
POOLED = [
    (FIRST, np.inf, (3.04, 0.3396, 0.2577777777778, 95.2306777645661, 0.2211344650175)),
    (FIRST, 100.0, (3.04, 0.3396, 0.2577777777778, 42.8675648358789, 0.2396143264796)),
    (FIRST, 20.0, (3.04, 0.3396, 0.2577777777778, 12.5977705542456, 0.3068914379196)),
    (SECOND, 100.0, (3.04, 0.3476, 0.1743243243243, 57.1922947246506, 0.1767409260323)),
]


@pytest.mark.parametrize(("given", "complete", "expected"), POOLED)
def test_equals_mice(given, complete, expected):
    fits = [
        Estimate(q, u**0.5, complete, np.nan, np.nan, np.nan, n=50, n_groups=None) for q, u in zip(*given, strict=True)
    ]
    found = combine_imputations(fits)
    ours = (found.estimate.value, found.estimate.se**2, found.increase, found.estimate.df, found.missing_information)
    assert ours == pytest.approx(expected, rel=1e-11)
