"""What a fitted linear model says: coefficients with their uncertainty, and any weighted sum of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from attendlib.stats.sandwich import Working, contrast_df, estimable

# Below this a t interval's tails rest on too few groups for a p-value to mean what it says (Tipton 2015).
LEAST_DF = 4.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number with its uncertainty: `df` degrees of freedom of the t reference, `p` two-sided against 0.

    `p` is NaN under 4 degrees of freedom. `low` to `high` is the t interval of `confidence_pct` percent.
    """

    value: float
    se: float
    df: float
    p: float
    low: float
    high: float
    n: int
    n_groups: int | None
    confidence_pct: float = 95
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Fit:
    """A linear fit: Series labelled and ordered like X's columns; `n` rows used, `n_groups` clusters or None.

    `vcov` is the coefficients' variance (k by k), of the kind `vcov_type` names. `working` serves `contrast`.
    A coefficient that one group alone identifies has NaN for all but `coef`, and a warning says so. Series are made
    when first asked for: a design of many schools has many that nobody asks for, and a page makes hundreds of fits of
    which it wants one number. The numbers themselves are `values` (k,), `errors` (k,) and `variance` (k, k).
    """

    names: tuple[str, ...]
    values: np.ndarray
    errors: np.ndarray
    variance: np.ndarray
    n: int
    n_groups: int | None
    vcov_type: str
    notes: tuple[str, ...]
    confidence_pct: float
    working: Working = field(repr=False)

    @cached_property
    def _index(self) -> pd.Index:
        return pd.Index(self.names)

    @cached_property
    def coef(self) -> pd.Series:
        """The coefficients."""
        return pd.Series(self.values, index=self._index)

    @cached_property
    def se(self) -> pd.Series:
        """Each coefficient's standard error."""
        return pd.Series(self.errors, index=self._index)

    @cached_property
    def vcov(self) -> pd.DataFrame:
        """The coefficients' variance, k by k."""
        return pd.DataFrame(self.variance, index=self._index, columns=self._index)

    @cached_property
    def df(self) -> pd.Series:
        """Degrees of freedom of each coefficient's t reference."""
        units = np.eye(len(self.names))
        return pd.Series([contrast_df(self.working, unit) for unit in units], index=self._index)

    @cached_property
    def _tested(self) -> tuple[pd.Series, pd.Series, pd.Series]:
        p, low, high = t_interval(self.values, self.errors, self.df.to_numpy(float), self.confidence_pct)
        index = self._index
        return pd.Series(p, index=index), pd.Series(low, index=index), pd.Series(high, index=index)

    @property
    def p(self) -> pd.Series:
        """Each coefficient's two-sided p against 0, NaN under 4 degrees of freedom."""
        return self._tested[0]

    @property
    def low(self) -> pd.Series:
        """The lower limit of each coefficient's t interval."""
        return self._tested[1]

    @property
    def high(self) -> pd.Series:
        """The upper limit of each coefficient's t interval."""
        return self._tested[2]

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What to know of the fit and its coefficients, in sentences."""
        return self.notes + _warnings(self)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a fit was made from: the columns' names, the rows used, the clusters or None, and what to say of them."""

    names: tuple[str, ...]
    n: int
    n_groups: int | None
    notes: tuple[str, ...] = ()


def build_fit(
    coef: np.ndarray,
    vcov: np.ndarray,
    sample: Sample,
    working: Working,
    vcov_type: str,
    confidence_pct: float = 95,
) -> Fit:
    """Assemble a Fit from coefficients (k,) and their variance (k, k). ValueError for a confidence out of 0 to 100."""
    _refuse_confidence(confidence_pct)
    known = np.array([estimable(working, unit) for unit in np.eye(len(coef))])
    vcov = np.where(known[:, None] & known[None, :], vcov, np.nan)
    return Fit(
        names=sample.names,
        values=coef,
        errors=np.sqrt(np.diag(vcov).clip(min=0)),  # a column without any spread has 0, give or take rounding
        variance=vcov,
        n=sample.n,
        n_groups=sample.n_groups,
        vcov_type=vcov_type,
        notes=sample.notes,
        confidence_pct=confidence_pct,
        working=working,
    )


def contrast(fit: Fit, weights: Mapping[str, float] | pd.Series | Sequence[float] | np.ndarray) -> Estimate:
    """The weighted sum of a fit's coefficients, with degrees of freedom of its own where they are Satterthwaite's.

    `weights` by column name (names left out count 0) or one number a column in order. ValueError for a name
    that is not a column or the wrong number of weights.
    """
    vector = _vector(fit, weights)
    used = vector != 0
    value = float(vector @ fit.values)
    variance = vector[used] @ fit.variance[np.ix_(used, used)] @ vector[used]
    se = float(np.sqrt(max(variance, 0.0))) if estimable(fit.working, vector) else np.nan
    df = contrast_df(fit.working, vector)
    p, low, high = t_interval(np.array(value), np.array(se), np.array(df), fit.confidence_pct)
    notes = () if df >= LEAST_DF else (_too_few([f"this contrast ({df:.1f})"]),)
    return Estimate(value, se, df, float(p), float(low), float(high), fit.n, fit.n_groups, fit.confidence_pct, notes)


def scaled(fit: Fit, factor: float) -> Fit:
    """The same fit in other units: every coefficient, standard error and limit times `factor` (above 0).

    TypeError for a fit with variances or a likelihood of its own, which have units too: rescale its outcome.
    """
    if type(fit) is not Fit:
        raise TypeError(f"a {type(fit).__name__} has variances or a likelihood too; rescale the outcome instead")
    if not factor > 0:
        raise ValueError(f"a fit is rescaled by a number above 0, not {factor}")
    return replace(fit, values=fit.values * factor, errors=fit.errors * factor, variance=fit.variance * factor**2)


def t_interval(
    value: np.ndarray, se: np.ndarray, df: np.ndarray, confidence_pct: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two-sided p against 0 (NaN under 4 degrees of freedom) and the limits of the t interval."""
    _refuse_confidence(confidence_pct)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(value / se)
    p = np.where(np.isinf(df), 2 * ndtr(-t), 2 * stdtr(df, -t))
    reach = t_quantile(0.5 + confidence_pct / 200, df) * se
    return np.where(df >= LEAST_DF, p, np.nan), value - reach, value + reach


def _refuse_confidence(confidence_pct: float) -> None:
    if not 0 < confidence_pct < 100:
        raise ValueError(f"confidence_pct is {confidence_pct}; give a percent between 0 and 100, such as 95")


def t_quantile(probability: float, df: float | np.ndarray) -> np.ndarray:
    """The quantile of Student's t, normal when `df` is infinite, NaN when it is NaN."""
    return np.where(np.isinf(df), ndtri(probability), stdtrit(df, probability))


def _vector(fit: Fit, weights: Mapping[str, float] | pd.Series | Sequence[float] | np.ndarray) -> np.ndarray:
    if isinstance(weights, Mapping | pd.Series):
        given, known = dict(weights), set(fit.names)
        unknown = [str(name) for name in given if name not in known]
        if unknown:
            raise ValueError(f"no such coefficient: {', '.join(unknown)}; there are {', '.join(fit.names)}")
        return np.array([given.get(name, 0.0) for name in fit.names], dtype=float)
    vector = np.asarray(weights, dtype=float)
    if vector.shape != (len(fit.names),):
        raise ValueError(f"{vector.size} weights for {len(fit.names)} coefficients; give one each")
    return vector


def _warnings(fit: Fit) -> tuple[str, ...]:
    group = "row" if fit.n_groups is None else "cluster"
    alone = list(fit.se.index[fit.se.isna()])
    few = [f"{name} ({d:.1f})" for name, d in fit.df.items() if d < LEAST_DF]
    notes = []
    if alone:
        notes.append(f"One {group} alone identifies {', '.join(alone)}: no standard error can be given.")
    if few:
        notes.append(_too_few(few))
    return tuple(notes)


def _too_few(which: list[str]) -> str:
    return f"Fewer than 4 degrees of freedom, so no p-value: {', '.join(which)}."
