"""A published interrupted series: Sicily's smoking ban of January 2005 and acute coronary events, ages 0 to 69.

Lopez Bernal, Cummins and Gasparrini (2017), Int. J. Epidemiol. 46(1), doi 10.1093/ije/dyw098: a step in the level and a
straight trend by Poisson regression, rate ratio 0.894 (0.864 to 0.925); then with two pairs of Fourier terms for the
season. Monthly counts and age-standardised person-years are those of the authors' supplement. Ours is least squares of
the log rate, months weighted by their counts, so it is the ratio that must agree; the intervals allow for months that
are alike and for more than Poisson's spread, so they are wider, as quasi-Poisson's are.
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from attendlib.stats.fit import Estimate
from attendlib.stats.series import carried_on, course, harmonics, newey_west

EVENTS = [
    728, 659, 791, 734, 757, 726, 760, 740, 720, 814, 795, 858, 887, 766, 851, 769, 781, 756, 766, 752, 765, 831, 879,
    928, 914, 808, 937, 840, 916, 828, 845, 818, 860, 839, 887, 886, 831, 796, 833, 820, 877, 758, 767, 738, 781, 843,
    850, 908, 1021, 859, 976, 888, 962, 838, 810, 876, 843, 936, 912,
]  # fmt: skip
PERSON_YEARS = [
    379875.3, 376495.5, 377040.8, 377116.4, 377383.4, 374113.1, 379513.3, 376295.5, 374653.2, 378485.6, 375955.5,
    378349.7, 376762.4, 379032.3, 379360.4, 376162, 377972.4, 381830.7, 379888.6, 380872.2, 380966.9, 381240.4,
    382104.9, 381802.7, 381656.3, 383680, 383504.2, 386462.9, 383783.1, 380836.8, 383483, 380906.2, 382926.8, 384052.4,
    384449.6, 383428.4, 388153.2, 388373.2, 386470.1, 386033.2, 383686.4, 385509.3, 385901.9, 386516.6, 388436.5,
    383255.2, 390148.7, 385874.9, 391613.6, 391750.4, 394005.6, 391364.9, 391664.6, 389022.3, 391878.5, 388575.3,
    392989, 390018.8, 390712.3,
]  # fmt: skip
BAN = 36  # months of 2002 to 2004 before it


MONTHS = np.arange(len(EVENTS), dtype=float)
RATE = np.log(np.array(EVENTS) / np.array(PERSON_YEARS))
COUNTS = np.array(EVENTS, float)


def poisson(X: pd.DataFrame, scale: str | None = None) -> tuple[float, float, float]:
    """The authors' model: ratio and interval."""
    fit = sm.GLM(COUNTS, X, family=sm.families.Poisson(), offset=np.log(PERSON_YEARS)).fit(scale=scale)
    return tuple(np.exp([fit.params["after"], *fit.conf_int().loc["after"]]).round(3))


def ratio(found: Estimate) -> tuple[float, float, float]:
    return tuple(float(np.exp(each)) for each in (found.value, found.low, found.high))  # type: ignore[return-value]


def test_the_published_ratio_is_had_from_these_counts() -> None:
    assert poisson(course(MONTHS >= BAN, MONTHS, bends=False)) == (0.894, 0.865, 0.925)  # printed: 0.864


@pytest.mark.parametrize("pairs", [0, 2])
def test_ours_gives_the_same_ratio(pairs: int) -> None:
    X = course(MONTHS >= BAN, MONTHS, bends=False, season=harmonics(MONTHS / 12, pairs) if pairs else None)
    theirs, low, high = poisson(X, "X2")
    value, own_low, own_high = ratio(newey_west(RATE, X, lags=2, weights=COUNTS))
    assert value == pytest.approx(theirs, abs=0.002)  # a mean of logs is not the log of a mean
    assert (own_low, own_high) == pytest.approx((low, high), abs=0.01)
    averaged, wide_low, wide_high = ratio(
        carried_on(RATE, X, MONTHS).estimate
    )  # counts are no weights where they are what is measured
    assert averaged == pytest.approx(theirs, abs=0.01)
    assert wide_low < own_low
    assert wide_high > own_high
