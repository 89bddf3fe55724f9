"""How far a group's mean lies from what a curve fitted to others expects, the curve's own uncertainty included.

The curve is least squares on other rows (the reference). With y the outcome and x the design of the n rows judged,
the value is mean(y - x'b): linear in both, so its variance is the sum of that of a mean of n differences and that of
the mean expectation, x̄' Var(b) x̄. Degrees of freedom: Satterthwaite (1946), Biometrics Bulletin 2(6), for a sum of
two independent variances.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from attendlib.stats.fit import LEAST_DF, Estimate, Fit, contrast, t_interval
from attendlib.stats.inputs import Labels, Values, read_numbers
from attendlib.stats.ols import ols
from attendlib.stats.shares import mean_interval


def expected_mean(X: pd.DataFrame, reference: Fit, weights: Values | None = None) -> Estimate:
    """The mean the reference expects of rows with design `X` (n, k); its uncertainty is the reference's alone.

    `weights` (n,) say how many rows one stands for. ValueError when X's columns are not the reference's.
    """
    _same_columns(X, reference)
    return contrast(reference, _mean_design(X, weights))


def beyond(
    y: Values, X: pd.DataFrame, reference: Fit, cluster: Labels | None = None, weights: Values | None = None
) -> Estimate:
    """Mean of `y` (n,) less what the reference expects at `X` (n, k), in y's unit.

    The n differences count as independent, or by `cluster` (n,) with CR2. `n` and `n_groups` are those of the rows
    judged. ValueError for fewer than 2 rows, missing values, or columns that are not the reference's.
    """
    expected = expected_mean(X, reference, weights)
    own = mean_interval(_differences(y, X, reference), cluster, weights, reference.confidence_pct)
    return with_both(own, expected)


def beyond_difference(y: Values, X: pd.DataFrame, member: np.ndarray, reference: Fit) -> Estimate:
    """How much further `member` rows (n,) lie beyond the expectation than the others do; HC2 for the rows judged.

    ValueError when either side has fewer than 2 rows.
    """
    inside = np.asarray(member, dtype=bool)
    if min(inside.sum(), (~inside).sum()) < 2:
        raise ValueError(f"{inside.sum()} rows against {(~inside).sum()}: give at least 2 on each side")
    design = pd.DataFrame({"others": 1.0, "member": inside.astype(float)}, index=X.index)
    fit = ols(_differences(y, X, reference), design, confidence_pct=reference.confidence_pct)
    apart = X[inside].mean() - X[~inside].mean()
    return with_both(contrast(fit, {"member": 1.0}), contrast(reference, apart))


def with_both(own: Estimate, expected: Estimate) -> Estimate:
    """`own` with the variance of `expected` added: interval, p and degrees of freedom are those of the sum."""
    parts = np.array([own.se**2, expected.se**2])
    total = float(parts.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        df = float(total**2 / (parts**2 / np.array([own.df, expected.df])).sum()) if total > 0 else own.df
    se = float(np.sqrt(total))
    p, low, high = t_interval(np.array(own.value), np.array(se), np.array(df), own.confidence_pct)
    notes = () if df >= LEAST_DF else (f"Fewer than 4 degrees of freedom ({df:.1f}), so no p-value.",)
    return replace(own, se=se, df=df, p=float(p), low=float(low), high=float(high), warnings=notes)


def _differences(y: Values, X: pd.DataFrame, reference: Fit) -> pd.Series:
    _same_columns(X, reference)
    return pd.Series(read_numbers(y, "y") - X.to_numpy(dtype=float) @ reference.coef.to_numpy(), index=X.index)


def _mean_design(X: pd.DataFrame, weights: Values | None) -> np.ndarray:
    return np.average(X.to_numpy(dtype=float), axis=0, weights=None if weights is None else read_numbers(weights, "w"))


def _same_columns(X: pd.DataFrame, reference: Fit) -> None:
    if list(X.columns) != list(reference.coef.index):
        raise ValueError(f"columns {', '.join(X.columns)} are not the reference's, {', '.join(reference.coef.index)}")
