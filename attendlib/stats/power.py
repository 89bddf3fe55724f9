"""How small a difference a design could be expected to find, and how likely it is to find a given one.

A trial's design comes down to two numbers: the standard error of the difference, in standard deviations of the
outcome, and its degrees of freedom. Formulas: Dong and Maynard (2013), PowerUp!, whose design codes are named below;
unequal clusters are our addition. Shares of variance explained (r2) run from 0 to 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.special import nctdtr, ndtr

from attendlib.stats.fit import t_quantile

Effects: TypeAlias = Literal["constant", "fixed", "random"]
MOST = 10_000_000  # clusters or pupils beyond which a design is out of reach


@dataclass(frozen=True, slots=True)
class Design:
    """`se` of the difference between arms, in standard deviations of the outcome, on `df` degrees of freedom."""

    se: float
    df: float


def minimum_detectable(se: float, df: float, power: float = 0.8, alpha: float = 0.05, sides: int = 2) -> float:
    """The true difference a t test at `alpha` finds with probability `power`, in the unit of `se`.

    (t[1 - alpha/sides, df] + t[power, df]) se, as Bloom (1995) and PowerUp! do. ValueError for numbers out of range.
    """
    _check(se, df, alpha, sides)
    if not 0 < power < 1:
        raise ValueError(f"power is {power}; it lies between 0 and 1")
    return float((t_quantile(1 - alpha / sides, df) + t_quantile(power, df)) * se)


def mdes(design: Design, power: float = 0.8, alpha: float = 0.05, sides: int = 2) -> float:
    """The minimum detectable effect size of a design, in standard deviations. ValueError as `minimum_detectable`."""
    return minimum_detectable(design.se, design.df, power, alpha, sides)


def mdes_bloom(design: Design, sides: int = 2) -> float:
    """The large-sample rule many protocols print: 2.8 standard errors two-sided, 2.5 one-sided (80%, 5%)."""
    _check(design.se, design.df, 0.05, sides)
    return (2.8 if sides == 2 else 2.5) * design.se


def power(design: Design, effect: float, alpha: float = 0.05, sides: int = 2) -> float:
    """The chance (0 to 1) that a t test at `alpha` tells an effect of `effect` standard deviations from none.

    Exact for normal outcomes (noncentral t); two-sided counts a finding of the wrong sign, as PowerUp! does.
    """
    _check(design.se, design.df, alpha, sides)
    reach, shift = float(t_quantile(1 - alpha / sides, design.df)), effect / design.se
    if sides == 1:
        return 1 - _below(reach, design.df, shift)
    return 1 - _below(reach, design.df, abs(shift)) + _below(-reach, design.df, abs(shift))


def size_needed(
    design_of: Callable[[int], Design], effect: float, power: float = 0.8, alpha: float = 0.05, sides: int = 2
) -> int:
    """The least whole number (of clusters, sites or pupils) whose design has an MDES of `effect` or less.

    `design_of` takes that number to a design. ValueError when ten million are not enough or `effect` is not above 0.
    """
    if not effect > 0:
        raise ValueError(f"effect is {effect}; give one above 0")

    def enough(number: int) -> bool:
        try:
            return mdes(design_of(number), power, alpha, sides) <= effect
        except ValueError:  # too few for one degree of freedom
            return False

    few, many = 0, 1
    while not enough(many):
        few, many = many, 2 * many
        if few > MOST:
            raise ValueError(f"an effect of {effect} is out of reach: not even {few:,} are enough")
    while many - few > 1:
        half = (few + many) // 2
        few, many = (few, half) if enough(half) else (half, many)
    return many


def pupil_randomised(pupils: int, share: float = 0.5, r2: float = 0.0, covariates: int = 0) -> Design:
    """Pupils randomised one by one (IRA): `share` of them treated, `r2` explained by `covariates` columns."""
    _check_shares(r2=r2)
    return Design(_root((1 - r2) / (_arms(share) * pupils)), pupils - covariates - 2)


def multi_site(
    sites: int,
    pupils_per_site: float,
    effects: Effects = "fixed",
    icc: float = 0.0,
    effect_variance: float = 0.0,
    share: float = 0.5,
    r2_pupil: float = 0.0,
    r2_effect: float = 0.0,
    covariates: int = 0,
) -> Design:
    """Pupils randomised inside sites (BIRA2): the effect "constant", "fixed" for these sites, or "random".

    `effect_variance` is the variance of the sites' effects over that of their means (PowerUp!'s omega), and
    `r2_effect` the share of it explained; both count for "random" alone.
    """
    _check_shares(icc=icc, r2_pupil=r2_pupil, r2_effect=r2_effect)
    varies = icc * effect_variance * (1 - r2_effect) / sites if effects == "random" else 0.0
    se = _root(varies + (1 - icc) * (1 - r2_pupil) / (_arms(share) * sites * pupils_per_site))
    return Design(se, _site_df(effects, sites, pupils_per_site, covariates))


def cluster_randomised(
    clusters: int,
    pupils_per_cluster: float | Sequence[float],
    icc: float,
    cv: float = 0.0,
    share: float = 0.5,
    r2_pupil: float = 0.0,
    r2_cluster: float = 0.0,
    covariates: int = 0,
) -> Design:
    """Whole clusters randomised (CRA2); `covariates` counts columns at cluster level only.

    Sizes may be a mean, with their coefficient of variation `cv` for pupils that count equally (the design effect
    1 + ((1 + cv^2) n - 1) icc, which a random intercept improves on), or every cluster's own, for a random intercept.
    """
    _check_shares(icc=icc, r2_pupil=r2_pupil, r2_cluster=r2_cluster)
    between, within = icc * (1 - r2_cluster), (1 - icc) * (1 - r2_pupil)
    if isinstance(pupils_per_cluster, float | int | np.number):
        information = clusters / (between * (1 + cv**2) + within / pupils_per_cluster)
    else:
        if len(pupils_per_cluster) != clusters or cv:
            raise ValueError(f"{len(pupils_per_cluster)} sizes for {clusters} clusters; give each its own, and no cv")
        information = float((1 / (between + within / np.asarray(pupils_per_cluster, dtype=float))).sum())
    return Design(_root(1 / (_arms(share) * information)), clusters - covariates - 2)


def three_level(
    schools: int,
    classes_per_school: float,
    pupils_per_class: float,
    icc_school: float,
    icc_class: float,
    share: float = 0.5,
    r2_pupil: float = 0.0,
    r2_class: float = 0.0,
    r2_school: float = 0.0,
    covariates: int = 0,
) -> Design:
    """Whole schools randomised, pupils in classes in schools (CRA3); `covariates` counts school-level columns."""
    _check_shares(icc=icc_school + icc_class, r2_pupil=r2_pupil, r2_class=r2_class, r2_school=r2_school)
    classes = schools * classes_per_school
    variance = (
        icc_school * (1 - r2_school) / schools
        + icc_class * (1 - r2_class) / classes
        + (1 - icc_school - icc_class) * (1 - r2_pupil) / (classes * pupils_per_class)
    )
    return Design(_root(variance / _arms(share)), schools - covariates - 2)


def blocked_clusters(
    blocks: int,
    clusters_per_block: float,
    pupils_per_cluster: float,
    icc_cluster: float,
    effects: Effects = "fixed",
    icc_block: float = 0.0,
    effect_variance: float = 0.0,
    share: float = 0.5,
    r2_pupil: float = 0.0,
    r2_cluster: float = 0.0,
    r2_effect: float = 0.0,
    covariates: int = 0,
) -> Design:
    """Clusters randomised inside blocks (BCRA3): effects "fixed" for these blocks or "random", as in `multi_site`."""
    _check_shares(icc=icc_block + icc_cluster, r2_pupil=r2_pupil, r2_cluster=r2_cluster, r2_effect=r2_effect)
    clusters = blocks * clusters_per_block
    varies = icc_block * effect_variance * (1 - r2_effect) / blocks if effects == "random" else 0.0
    pupils = (1 - icc_block - icc_cluster) * (1 - r2_pupil) / (clusters * pupils_per_cluster)
    variance = varies + (icc_cluster * (1 - r2_cluster) / clusters + pupils) / _arms(share)
    return Design(_root(variance), _site_df(effects, blocks, clusters_per_block, covariates))


def _below(reach: float, df: float, shift: float) -> float:
    """The noncentral t's chance of less than `reach`; SciPy gives NaN for some chances below 1e-20, here 0."""
    return float(np.nan_to_num(nctdtr(df, shift, reach))) if np.isfinite(df) else float(ndtr(reach - shift))


def _site_df(effects: Effects, sites: int, units_per_site: float, covariates: int) -> float:
    """One intercept a site, and one effect in all (constant), one a site (fixed), or sites as the sample (random)."""
    found = {"constant": sites * (units_per_site - 1) - 1, "fixed": sites * (units_per_site - 2), "random": sites - 1}
    if effects not in found:
        raise ValueError(f"effects is {effects!r}; it is one of {', '.join(found)}")
    return found[effects] - covariates


def _arms(share: float) -> float:
    if not 0 < share < 1:
        raise ValueError(f"share is {share}; the treated share lies between 0 and 1")
    return share * (1 - share)


def _root(variance: float) -> float:
    return float(np.sqrt(variance))


def _check_shares(**shares: float) -> None:
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value}; it lies between 0 and 1")


def _check(se: float, df: float, alpha: float, sides: int) -> None:
    if not (np.isfinite(se) and se > 0 and df > 0):
        raise ValueError(f"se and df are {se} and {df}; both are needed, above 0")
    if not 0 < alpha < 1 or sides not in (1, 2):
        raise ValueError(f"alpha is {alpha} and sides {sides}; alpha lies between 0 and 1, sides are 1 or 2")
