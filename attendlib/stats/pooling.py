"""Several groups' estimates of one thing: their mean, how far the groups truly differ, and each group pulled to it.

Every estimate comes with a standard error taken as known; the truths are normal around one mean with variance tau2
(`attendlib.stats.heterogeneity`).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr

from attendlib.stats.fit import t_interval, t_quantile
from attendlib.stats.heterogeneity import Method, between, between_se, excess, q_profile, restricted, weighted_mean
from attendlib.stats.inputs import Values, read_numbers

Test: TypeAlias = Literal["knapp-hartung", "adhoc", "z"]

STEPS = 100  # places of tau that partial pooling averages over
LOOKS = 4  # times that the range of tau is narrowed to what is worth a look
NEGLIGIBLE = 1e-7  # of the highest chance
HALVINGS = 45
FEW = 8  # groups under which how far they differ is hardly known


@dataclass(frozen=True, slots=True)
class Meta:
    """The mean of k estimates with its interval and test, in their unit; `prediction_*` is where a new group's lies.

    It takes tau2 as known, as metafor does, so is short where groups differ little: `Pooled.new_low` is not.
    `between` is tau2 with its standard error (NaN unless REML) and Q-profile interval (NaN where that set is empty).
    `i2_pct` and `h2` set it beside the typical sampling variance; `q` on `q_df` tests that there is none.
    """

    value: float
    se: float
    df: float
    p: float
    low: float
    high: float
    prediction_low: float
    prediction_high: float
    between: float
    between_se: float
    between_low: float
    between_high: float
    i2_pct: float
    h2: float
    q: float
    q_df: int
    q_p: float
    n: int
    confidence_pct: float = 95
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Each group's estimate pulled to the mean of all, Series labelled like the estimates given.

    `value`, `se`, `low`, `high` are the pulled estimates; `difference` and its limits how far each lies from the mean;
    `own` the share of `value` that is its own estimate, the rest being the mean. `mean` with its limits is that of all
    groups, `between_sd` the typical distance from it (its median a posteriori), `new_low` to `new_high` where one more
    group's true value would lie.
    """

    value: pd.Series
    se: pd.Series
    low: pd.Series
    high: pd.Series
    difference: pd.Series
    difference_low: pd.Series
    difference_high: pd.Series
    own: pd.Series
    mean: float
    mean_low: float
    mean_high: float
    between_sd: float
    new_low: float
    new_high: float
    n: int
    confidence_pct: float = 95
    warnings: tuple[str, ...] = ()


def meta_analysis(
    estimates: Values,
    ses: Values,
    method: Method = "REML",
    test: Test = "knapp-hartung",
    confidence_pct: float = 95,
) -> Meta:
    """The mean of independent `estimates` (k,) with standard errors `ses` (k,), and how far they truly differ.

    "knapp-hartung" scales the standard error by the spread found and uses t on k - 1 (Knapp and Hartung 2003); "z" does
    neither; "adhoc" is Knapp-Hartung with the standard error never below that of "z" (metafor's name for it).
    ValueError for missing values, standard errors of 0 or less, or fewer than 2 estimates.
    """
    if test not in ("knapp-hartung", "adhoc", "z"):
        raise ValueError(f"test is {test!r}; it is knapp-hartung, adhoc or z")
    y, v = _read(estimates, ses, least=2)
    k = len(y)
    tau2 = between(y, v, method)
    weights, mean, q = weighted_mean(y, v, tau2)
    df = np.inf if test == "z" else float(k - 1)
    plain = 1 / float(weights.sum()) ** 0.5
    scaled = (q / (k - 1)) ** 0.5
    se = plain * {"z": 1.0, "knapp-hartung": scaled, "adhoc": max(1.0, scaled)}[test]
    p, low, high = (float(x) for x in t_interval(np.array(mean), np.array(se), np.array(df), confidence_pct))
    reach = float(t_quantile(0.5 + confidence_pct / 200, df)) * (se**2 + tau2) ** 0.5
    common_q = weighted_mean(y, v, 0.0)[2]
    i2 = _i2(tau2, (k - 1) / excess(1 / v), common_q, k, method)
    limits = q_profile(y, v, confidence_pct)
    return Meta(
        value=mean,
        se=se,
        df=df,
        p=p,
        low=low,
        high=high,
        prediction_low=mean - reach,
        prediction_high=mean + reach,
        between=tau2,
        between_se=between_se(weights) if method == "REML" else np.nan,
        between_low=limits[0],
        between_high=limits[1],
        i2_pct=i2,
        h2=1 / (1 - i2 / 100),
        q=common_q,
        q_df=k - 1,
        q_p=float(chdtrc(k - 1, common_q)),
        n=k,
        confidence_pct=confidence_pct,
        warnings=_notes(k, tau2 == 0 and se < plain),
    )


def partial_pool(estimates: Values, ses: Values, confidence_pct: float = 95) -> Pooled:
    """`estimates` (k,) with standard errors `ses` (k,) each pulled to their mean, the less sure ones the most.

    Averages over the restricted likelihood of tau (flat in tau: Gelman and others 2013, Bayesian Data Analysis, 5.4)
    instead of fixing it at its peak, whose intervals are too short. ValueError as `meta_analysis`, and under 3 groups.
    """
    y, v = _read(estimates, ses, least=3)
    taus, chances = _posterior_of_tau(y, v)
    tau2 = taus[:, None] ** 2
    w = 1 / (v + tau2)
    mean_spread = 1 / w.sum(axis=1)
    means = (w @ y) * mean_spread
    own = tau2 * w  # the weight of a group's own estimate
    pulled = own * y + (1 - own) * means[:, None]
    spread = own * v + (1 - own) ** 2 * mean_spread[:, None]
    apart, apart_spread = own * (y - means[:, None]), own * v + own**2 * mean_spread[:, None]
    low, high = _limits(pulled, spread, chances, confidence_pct)
    apart_low, apart_high = _limits(apart, apart_spread, chances, confidence_pct)
    mean_low, mean_high = _limits(means[:, None], mean_spread[:, None], chances, confidence_pct)
    new_low, new_high = _limits(means[:, None], mean_spread[:, None] + tau2[:, :1], chances, confidence_pct)
    value = chances @ pulled
    series = {
        "value": value,
        "se": np.sqrt(chances @ (spread + (pulled - value) ** 2)),
        "low": low,
        "high": high,
        "difference": chances @ apart,
        "difference_low": apart_low,
        "difference_high": apart_high,
        "own": chances @ own,
    }
    index = estimates.index if isinstance(estimates, pd.Series) else pd.RangeIndex(len(y))
    return Pooled(
        **{name: pd.Series(numbers, index=index) for name, numbers in series.items()},
        mean=float(chances @ means),
        mean_low=float(mean_low[0]),
        mean_high=float(mean_high[0]),
        between_sd=float(np.interp(0.5, chances.cumsum(), taus)),
        new_low=float(new_low[0]),
        new_high=float(new_high[0]),
        n=len(y),
        confidence_pct=confidence_pct,
        warnings=_notes(len(y), False),
    )


def _read(estimates: Values, ses: Values, least: int) -> tuple[np.ndarray, np.ndarray]:
    y, s = read_numbers(estimates, "estimates"), read_numbers(ses, "ses")
    if len(y) != len(s):
        raise ValueError(f"{len(y)} estimates and {len(s)} standard errors; give one each")
    if isinstance(estimates, pd.Series) and isinstance(ses, pd.Series) and not estimates.index.equals(ses.index):
        raise ValueError("estimates and ses have different indexes; line them up first")
    if len(y) < least:
        raise ValueError(f"{len(y)} estimates: give at least {least}")
    if not (s > 0).all():
        raise ValueError(f"{int((s <= 0).sum())} of {len(s)} standard errors are 0 or less; leave those groups out")
    return y, s**2


def _i2(tau2: float, typical: float, q: float, k: int, method: Method) -> float:
    """tau2 as a percent of itself and the typical variance; for one common value, Higgins' of Q."""
    if method == "common":
        return max(0.0, 100 * (q - (k - 1)) / q) if q > 0 else 0.0
    return 100 * tau2 / (tau2 + typical)


def _posterior_of_tau(y: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of tau from 0 without end, and the chance of each (adding to 1) under a prior flat in tau."""
    scale = float(v.mean() + y.var(ddof=1)) ** 0.5
    low, high = 0.0, 1.0  # of tau / (scale + tau)
    for _ in range(LOOKS):
        step = (high - low) / STEPS
        part = low + step * (np.arange(STEPS) + 0.5)
        taus = scale * part / (1 - part)
        heights = np.array([restricted(y, v, tau**2) for tau in taus]) - 2 * np.log1p(-part)
        chances = np.exp(heights - heights.max())
        worth = np.flatnonzero(chances > NEGLIGIBLE)
        low, high = max(0.0, part[worth[0]] - step), min(1.0, part[worth[-1]] + step)
    return taus, chances / chances.sum()


def _limits(
    centres: np.ndarray, spread: np.ndarray, chances: np.ndarray, confidence_pct: float
) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of a mixture of normals for each column, by halving."""
    sd = np.sqrt(spread)
    ends = []
    for q in (0.5 - confidence_pct / 200, 0.5 + confidence_pct / 200):
        low, high = (centres - 12 * sd).min(axis=0), (centres + 12 * sd).max(axis=0)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = chances @ ndtr((middle - centres) / sd) < q
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        ends.append((low + high) / 2)
    return ends[0], ends[1]


def _notes(k: int, short: bool) -> tuple[str, ...]:
    notes = []
    if k < FEW:
        notes.append(f"{k} groups, fewer than {FEW}: how far they truly differ is hardly known.")
    if short:
        notes.append("The groups agree better than chance would have it, which makes this interval short.")
    return tuple(notes)
