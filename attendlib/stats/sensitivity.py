"""How strong something not measured would have to be to explain a difference away.

Robustness values are those of least squares with one error variance ("classical"), whose partial R2 follow from t
alone: Cinelli and Hazlett (2020), J. Royal Stat. Soc. B 82(1). E-values: VanderWeele and Ding (2017), Annals of
Internal Medicine 167(4); for a difference in risk, Ding and VanderWeele (2016), Epidemiology 27(3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan, sqrt

import numpy as np
import pandas as pd
from scipy.linalg import null_space
from scipy.special import ndtri

from attendlib.stats.fit import contrast, t_quantile
from attendlib.stats.inputs import Matrix, Values, read_columns
from attendlib.stats.ols import ols


@dataclass(frozen=True, slots=True)
class Robustness:
    """Shares (0 to 1) of leftover variance that a hidden cause would need with both exposure and outcome.

    `value` brings the estimate down by `share` of it, `value_at_limit` the interval's nearer end to the same place (0
    when it is already there). `partial_r2` is the least share of the exposure's own leftover variance that a cause
    which explains all of the outcome's would need. `df` are classical.
    """

    value: float
    value_at_limit: float
    partial_r2: float
    t: float
    df: float
    share: float = 1.0
    confidence_pct: float = 95


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What a hidden cause `times` as strong as a measured one would leave of the estimate, at most in its favour.

    `r2_exposure` and `r2_outcome` bound its partial R2 with each. `value`, `se`, `t`, `low`, `high` allow for it. All
    NaN, with `possible` False, where a cause that strong would explain more than everything.
    """

    name: str
    times: float
    r2_exposure: float
    r2_outcome: float
    value: float
    se: float
    t: float
    low: float
    high: float
    possible: bool
    confidence_pct: float = 95


@dataclass(frozen=True, slots=True)
class EValue:
    """The least risk ratio with both exposure and outcome by which a hidden cause could explain a difference away.

    `point` is for the estimate and `limit` for the interval's nearer end: 1 when that end is already past no
    difference.
    """

    point: float
    limit: float
    confidence_pct: float = 95


def robustness_value(t: float, df: float, share: float = 1.0, confidence_pct: float = 95) -> Robustness:
    """The robustness value of a classical least-squares estimate with statistic `t` on `df` degrees of freedom.

    `share` (above 0 to 1) is how much of the estimate is to be explained away. ValueError for a t that is not finite
    or a df of 1 or less.
    """
    if not (isfinite(t) and df > 1 and isfinite(df)):
        raise ValueError(f"a robustness value needs a finite t and more than 1 degree of freedom, not {t} and {df}")
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; give a part of the estimate above 0 and up to 1")
    t = float(t)
    f = share * abs(t) / sqrt(df)
    within_chance = float(t_quantile(0.5 + confidence_pct / 200, df - 1)) / sqrt(df - 1)
    partial = t * t / (t * t + df)
    return Robustness(_needed(f), _needed_at_limit(f, within_chance), partial, t, float(df), share, confidence_pct)


def benchmarks(
    y: Values,
    X: Matrix,
    weights: Mapping[str, float],
    against: Mapping[str, Sequence[str]],
    times: Sequence[float] = (1, 2, 3),
    confidence_pct: float = 95,
) -> tuple[Benchmark, ...]:
    """What causes as strong as measured ones would leave of a classical contrast of `y` (n,) on `X` (n, k).

    `weights` by column name make the contrast ({"treated": 1}, or those of a spline). `against` names each measured
    cause and its column or columns, none of which may be in the contrast. ValueError as `ols`.
    """
    rotated = _rotated(X, weights, [column for columns in against.values() for column in columns])
    found = contrast(ols(y, rotated, vcov="classical", confidence_pct=confidence_pct), {EXPOSURE: 1.0})
    rest = rotated.drop(columns=EXPOSURE)
    made = []
    for name, columns in against.items():
        with_exposure = _partial_r2(rotated[EXPOSURE], rest, columns)
        with_outcome = _partial_r2(_like(y, rotated), rotated, columns)
        made += [
            _benchmark(name, k, with_exposure, with_outcome, found.value, found.se, found.df, confidence_pct)
            for k in times
        ]
    return tuple(made)


def e_value(ratio: float, low: float, high: float, confidence_pct: float = 95) -> EValue:
    """The E-value of a risk ratio (or a rate ratio) with its interval. ValueError unless 0 < low <= ratio <= high.

    An odds ratio stands for a risk ratio only while the outcome is rare (under 15%): else give its square root.
    """
    if not (0 < low <= ratio <= high):
        raise ValueError(f"a ratio of {ratio} from {low} to {high}: give 0 < low <= ratio <= high")
    nearer = low if ratio >= 1 else high
    crossed = (nearer <= 1) if ratio >= 1 else (nearer >= 1)
    return EValue(_from_ratio(ratio), 1.0 if crossed else _from_ratio(nearer), confidence_pct)


def e_value_difference(
    risk: float, other: float, risk_se: float, other_se: float, covariance: float = 0.0, confidence_pct: float = 95
) -> EValue:
    """The E-value of a difference between two risks (0 to 1), and of its interval's nearer end.

    The end is moved to 0 by the bias factor that solves p1 - B p0 = z se(p1 - B p0): the true difference's interval
    under that bias. ValueError for risks outside 0 to 1 or standard errors below 0.
    """
    if not (0 < risk < 1 and 0 < other < 1 and risk_se >= 0 and other_se >= 0):
        raise ValueError(f"risks {risk} and {other} must lie between 0 and 1, with standard errors of 0 or more")
    if risk < other:
        risk, other, risk_se, other_se = other, risk, other_se, risk_se
    z2 = float(ndtri(0.5 + confidence_pct / 200)) ** 2
    # (p1 - B p0)^2 = z^2 (s1^2 + B^2 s0^2 - 2 B c), whose smaller root B is where the lower limit meets 0.
    a, b, c = other**2 - z2 * other_se**2, risk * other - z2 * covariance, risk**2 - z2 * risk_se**2
    crossed = (risk - other) ** 2 <= z2 * (risk_se**2 + other_se**2 - 2 * covariance)
    bias = 1.0 if crossed else c / (b + sqrt(max(b * b - a * c, 0.0)))
    return EValue(_from_ratio(risk / other), _from_ratio(bias), confidence_pct)


EXPOSURE = "the contrast"


def _needed(f: float) -> float:
    return (sqrt(f**4 + 4 * f * f) - f * f) / 2


def _needed_at_limit(f: float, within_chance: float) -> float:
    """The same for the interval's end, by the extreme scenario where that is nearer: sensemakr's rv with alpha."""
    left = f - within_chance
    if left <= 0:
        return 0.0
    if f * within_chance >= 1:
        return (f * f - within_chance**2) / (1 + f * f)
    return _needed(left)


def _from_ratio(ratio: float) -> float:
    above = ratio if ratio >= 1 else 1 / ratio
    return above + sqrt(above * (above - 1))


def _rotated(X: Matrix, weights: Mapping[str, float], kept: Sequence[str]) -> pd.DataFrame:
    """Columns that span X's, one of which has the contrast for its coefficient; `kept` columns stay as they are."""
    x, names = read_columns(X)
    unknown = [name for name in (*weights, *kept) if name not in names]
    if unknown:
        raise ValueError(f"not columns of X: {', '.join(unknown)}")
    within = [name for name in names if weights.get(name, 0.0) != 0]
    both = [name for name in kept if name in within]
    if both or not within:
        raise ValueError(f"the contrast must use some column, and none of its benchmarks' ({', '.join(both)})")
    line = np.array([float(weights[name]) for name in within])
    table = pd.DataFrame(x, columns=list(names), index=X.index if isinstance(X, pd.DataFrame | pd.Series) else None)
    part = table[within].to_numpy()
    others = pd.DataFrame(part @ null_space(line[None, :]), index=table.index).add_prefix(f"{EXPOSURE} not ")
    exposure = pd.Series(part @ line / (line @ line), index=table.index, name=EXPOSURE)
    return pd.concat([exposure, others, table.drop(columns=within)], axis=1)


def _partial_r2(y: Values, X: pd.DataFrame, columns: Sequence[str]) -> float:
    """The share of what the other columns leave of `y` that these explain."""
    rest = X.drop(columns=list(columns))
    without = _rss(y, rest) if rest.shape[1] else float(np.asarray(y) @ np.asarray(y))
    return 1 - _rss(y, X) / without


def _rss(y: Values, X: pd.DataFrame) -> float:
    left = np.asarray(y) - X.to_numpy() @ ols(y, X, vcov="classical").coef.to_numpy()
    return float(left @ left)


def _like(y: Values, table: pd.DataFrame) -> Values:
    return y if isinstance(y, pd.Series) else pd.Series(np.asarray(y), index=table.index)


def _benchmark(
    name: str, k: float, exposure: float, outcome: float, value: float, se: float, df: float, confidence_pct: float
) -> Benchmark:
    r2_exposure = k * exposure / (1 - exposure)
    hidden = k * exposure**2 / ((1 - k * exposure) * (1 - exposure)) if k * exposure < 1 else 1.0
    if not (r2_exposure < 1 and hidden < 1):
        return Benchmark(name, k, r2_exposure, nan, nan, nan, nan, nan, nan, False, confidence_pct)
    r2_outcome = ((sqrt(k) + sqrt(hidden)) / sqrt(1 - hidden)) ** 2 * outcome / (1 - outcome)
    r2_outcome = min(r2_outcome, 1.0)
    bias = se * sqrt(r2_outcome * r2_exposure / (1 - r2_exposure) * df)
    left = value - bias if value > 0 else value + bias
    new_se = se * sqrt((1 - r2_outcome) / (1 - r2_exposure) * df / (df - 1))
    reach = float(t_quantile(0.5 + confidence_pct / 200, df - 1)) * new_se
    t = left / new_se if new_se > 0 else nan
    return Benchmark(
        name, k, r2_exposure, r2_outcome, left, new_se, t, left - reach, left + reach, True, confidence_pct
    )
