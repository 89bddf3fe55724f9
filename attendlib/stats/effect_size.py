"""Effect sizes, each by the standard deviation that it divides by.

| name | divides the difference by | source |
|---|---|---|
| pooled | both arms' pooled standard deviation, then times J | Hedges (1981) |
| unconditional_total | root of the empty random-intercept model's total variance: the EEF's | EEF guidance |
| unconditional_within | root of that model's pupil variance | the same |
| conditional_total, conditional_within | the same of the adjusted model | Xiao, Kasim and Higgins (2016) |
| hedges_unconditional_total, ... | as the four above, with corrections and variances of his own | Hedges (2007) |

All but Hedges' four have the limits of the difference itself, divided alike; his assume normality and no covariates,
and are here for comparison with published work.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from scipy.special import gammaln, logit, nctdtrinc, ndtr, ndtri

from attendlib.stats.fit import Estimate
from attendlib.stats.inputs import Labels, Matrix, Rows, Values, read_labels, read_numbers, read_rows
from attendlib.stats.itt import Itt, itt
from attendlib.stats.mixed import RandomIntercept, random_intercept

Correction: TypeAlias = Literal["exact", "approximate"]

COX = 1.65  # logits a standard deviation: Cox (1970), as What Works Clearinghouse converts odds ratios


@dataclass(frozen=True, slots=True)
class EffectSize:
    """A difference in standard deviations: `value` = `j` x difference / `sd`, with an interval or NaN for both ends.

    `name` says which standard deviation `sd` is (module table), in the outcome's unit.
    """

    name: str
    value: float
    low: float
    high: float
    se: float
    sd: float
    j: float
    n_treated: int
    n_control: int
    confidence_pct: float = 95


@dataclass(frozen=True, slots=True, eq=False)
class ClusterEffectSizes:
    """One difference (`itt`) in every standard deviation of the module's table: `sizes` by name, `eef` the EEF's.

    `empty` is the random-intercept model of the outcome with nothing but a constant, whose variances the
    unconditional sizes use. Hedges' sizes are there when whole groups were treated, 2 or more in each arm.
    """

    itt: Itt
    empty: RandomIntercept
    sizes: dict[str, EffectSize]

    @property
    def eef(self) -> EffectSize:
        return self.sizes["unconditional_total"]


@dataclass(frozen=True, slots=True)
class Arm:
    """What an effect size needs of one arm: mean, standard deviation (n - 1) and n pupils."""

    mean: float
    sd: float
    n: int


def correction(df: float, j: Correction = "exact") -> float:
    """Hedges' J, which takes the small-sample excess off d: by gamma functions, or 1 - 3 / (4 df - 1).

    ValueError for df of 1 or less or an unknown `j`.
    """
    if not df > 1:
        raise ValueError(f"J needs more than 1 degree of freedom, not {df}")
    if j == "approximate":
        return 1 - 3 / (4 * df - 1)
    if j != "exact":
        raise ValueError(f"j is {j!r}; it is 'exact' or 'approximate'")
    return float(np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def arm(values: Values) -> Arm:
    """The Arm of outcomes (n,). ValueError for missing values or fewer than 2."""
    numbers = read_numbers(values, "an arm")
    if len(numbers) < 2:
        raise ValueError(f"an arm has {len(numbers)} values: a standard deviation needs at least 2")
    return Arm(float(numbers.mean()), float(numbers.std(ddof=1)), len(numbers))


def pooled_sd(treated: Arm, control: Arm) -> float:
    """The root of both arms' variances weighted by n - 1. ValueError when the outcome does not vary."""
    free = treated.n + control.n - 2
    sd = (((treated.n - 1) * treated.sd**2 + (control.n - 1) * control.sd**2) / free) ** 0.5
    if not sd > 0:
        raise ValueError("the outcome is the same for every pupil of each arm: no effect size")
    return sd


def hedges_g(
    treated: Values | Arm, control: Values | Arm, j: Correction = "exact", confidence_pct: float = 95
) -> EffectSize:
    """Hedges' g of two arms of independent pupils, from outcomes (n,) or their `Arm`.

    The interval is exact for normal outcomes (noncentral t). `se` is the root of 1/n1 + 1/n0 + g^2 / 2N, times J for
    j="approximate", which is What Works Clearinghouse's pair. ValueError as `arm` and `pooled_sd`.
    """
    one, two = (given if isinstance(given, Arm) else arm(given) for given in (treated, control))
    sd, n = pooled_sd(one, two), one.n + two.n
    scale, factor = correction(n - 2, j), (1 / one.n + 1 / two.n) ** 0.5
    d = (one.mean - two.mean) / sd
    se = (factor**2 + (scale * d) ** 2 / (2 * n)) ** 0.5 * (scale if j == "approximate" else 1.0)
    tail = 0.5 - confidence_pct / 200
    low, high = (float(nctdtrinc(n - 2, q, d / factor)) * factor for q in (1 - tail, tail))
    return EffectSize("pooled", scale * d, low, high, se, sd, scale, one.n, two.n, confidence_pct)


def cox_index(treated: float, control: float, n_treated: int, n_control: int) -> float:
    """Two shares (0 to 1) as an effect size: the log odds ratio over 1.65, times approximate J."""
    if not (0 < treated < 1 and 0 < control < 1):
        raise ValueError(f"shares of {treated} and {control}: both must lie between 0 and 1")
    return correction(n_treated + n_control - 2, "approximate") * float(logit(treated) - logit(control)) / COX


def improvement_index(g: float) -> float:
    """Where the control arm's median pupil would stand in it with an effect of g, less 50: percentile points."""
    return float(100 * (ndtr(g) - 0.5))


def corrected_for_clusters(t: float, pupils: int, pupils_per_cluster: float, icc: float) -> tuple[float, float]:
    """A published t of `pupils` that ignored their clusters, as it would be with them, and its degrees of freedom.

    For whole clusters of one size drawn into two arms and no covariate, `icc` from elsewhere: Hedges (2007, J. Educ.
    Behav. Stat. 32(2)), which What Works Clearinghouse uses (5.0, equation E.21). ValueError for fewer than 3 clusters
    or an icc outside 0 to 1.
    """
    if not (0 <= icc <= 1 and pupils_per_cluster >= 1 and pupils > 2 * pupils_per_cluster):
        raise ValueError(f"{pupils} pupils, {pupils_per_cluster} a cluster, icc {icc}: give 3 clusters and icc 0 to 1")
    free, rest = pupils - 2, pupils - 2 * pupils_per_cluster
    left = free - 2 * (pupils_per_cluster - 1) * icc
    spread = free * (1 - icc) ** 2 + pupils_per_cluster * rest * icc**2 + 2 * rest * icc * (1 - icc)
    return t * (left / (free * (1 + (pupils_per_cluster - 1) * icc))) ** 0.5, left**2 / spread


def effect_size_cluster(
    y: Values,
    X: Matrix,
    group: Labels,
    column: str,
    other_arms: Sequence[str] = (),
    j: Correction = "exact",
    confidence_pct: float = 95,
) -> ClusterEffectSizes:
    """The difference `itt(y, X, group, column)` in standard deviations, each named; `column` holds 0 and 1.

    Where X has columns of further arms, name them: their pupils belong to neither side, as the pooled standard
    deviation and Hedges' variances need. `j` serves the pooled one alone. Raises ValueError as `itt`, and for a
    column that is not 0/1 or an arm of fewer than 2 pupils.
    """
    found = itt(y, X, group, column, confidence_pct)
    rows, codes = read_rows(y, X, group), read_labels(group)
    treated, control = _arms(rows, column, other_arms)
    counts = int(treated.sum()), int(control.sum())
    empty = random_intercept(rows.y, np.ones((len(rows.y), 1)), codes, confidence_pct=confidence_pct)
    spreads = {
        f"{name}_{part}": variance**0.5
        for name, fit in (("unconditional", empty), ("conditional", found.fit))
        for part, variance in (("total", fit.between + fit.within), ("within", fit.within))
    }
    sizes = {name: _divided(found.difference, name, sd, 1.0, counts) for name, sd in spreads.items()}
    pooled = pooled_sd(arm(rows.y[treated]), arm(rows.y[control]))
    sizes["pooled"] = _divided(found.difference, "pooled", pooled, correction(sum(counts) - 2, j), counts)
    in_treated, in_control = (np.unique(codes[side], return_counts=True)[1] for side in (treated, control))
    if found.by_group and min(len(in_treated), len(in_control)) >= 2:
        for kind, fit in (("unconditional", empty), ("conditional", found.fit)):
            pair = hedges_2007(found.difference.value, fit.between, fit.within, in_treated, in_control, confidence_pct)
            for part, size in zip(("within", "total"), pair, strict=True):
                sizes[f"hedges_{kind}_{part}"] = replace(size, name=f"hedges_{kind}_{part}")
    return ClusterEffectSizes(found, empty, sizes)


def hedges_2007(
    difference: float,
    between: float,
    within: float,
    treated_sizes: Sequence[int] | np.ndarray,
    control_sizes: Sequence[int] | np.ndarray,
    confidence_pct: float = 95,
) -> tuple[EffectSize, EffectSize]:
    """Hedges (2007) for whole clusters of unequal size: ("hedges_within", "hedges_total"), normal intervals.

    `between` and `within` are a random-intercept model's variances; sizes are pupils a cluster. The total has Hedges'
    correction for clusters as its `j`. ValueError for an arm of fewer than 2 clusters, whose variance nothing tells.
    """
    sides = [np.asarray(sizes, dtype=float) for sizes in (treated_sizes, control_sizes)]
    if min(len(side) for side in sides) < 2:
        raise ValueError(f"{len(sides[0])} and {len(sides[1])} clusters in the arms: Hedges' formulas need 2 in each")
    m, squares, cubes = (np.array([(side**power).sum() for side in sides]) for power in (1, 2, 3))
    clusters = np.array([len(side) for side in sides])
    n, icc, sd = m.sum(), between / (between + within), (between + within) ** 0.5
    # What clustering adds to the difference in means, in units of the total variance.
    means = n / m.prod() * (1 + ((squares * m[::-1] / m).sum() / n - 1) * icc)
    d = difference / within**0.5
    of_within = means / (1 - icc) + d**2 / (2 * (n - clusters.sum()))
    typical = (m**2 - squares) / (m * (clusters - 1))
    lost = (n - (typical * clusters).sum() + typical.sum() - 2) / (n - 2)
    j = float((1 - icc * lost) ** 0.5)
    a = ((squares * m**2 + squares**2 - 2 * m * cubes) / m**2).sum()
    b = (typical * (clusters - 1)).sum()
    spread = (n - 2) * (1 - icc) ** 2 + a * icc**2 + 2 * b * icc * (1 - icc)
    of_total = means + (j * difference / sd) ** 2 * spread / (2 * (n - 2) * ((n - 2) - icc * (n - 2 - b)))
    counts = int(m[0]), int(m[1])
    return (
        _normal("hedges_within", d, of_within, within**0.5, 1.0, counts, confidence_pct),
        _normal("hedges_total", j * difference / sd, of_total, sd, j, counts, confidence_pct),
    )


def _normal(
    name: str, value: float, variance: float, sd: float, j: float, counts: tuple[int, int], confidence_pct: float
) -> EffectSize:
    se = float(variance**0.5)
    reach = float(ndtri(0.5 + confidence_pct / 200)) * se
    return EffectSize(
        name, float(value), float(value) - reach, float(value) + reach, se, sd, j, *counts, confidence_pct
    )


def _divided(difference: Estimate, name: str, sd: float, j: float, counts: tuple[int, int]) -> EffectSize:
    """The difference and its limits in standard deviations."""
    value, low, high, se = (
        j / sd * part for part in (difference.value, difference.low, difference.high, difference.se)
    )
    return EffectSize(name, value, low, high, se, sd, j, *counts, difference.confidence_pct)


def _arms(rows: Rows, column: str, other_arms: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Who is treated and who is control, each (n,) bool."""
    unknown = [name for name in (column, *other_arms) if name not in rows.names]
    if unknown:
        raise ValueError(f"no column {', '.join(unknown)} in X; there are {', '.join(rows.names)}")
    values = rows.x[:, [rows.names.index(name) for name in (column, *other_arms)]]
    if not np.isin(values, (0.0, 1.0)).all() or (values.sum(axis=1) > 1).any():
        raise ValueError(f"{', '.join((column, *other_arms))} must hold 0 and 1, one arm a row at most")
    return values[:, 0] == 1, values.sum(axis=1) == 0
