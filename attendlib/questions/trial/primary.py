"""The trial's own model: intention to treat, as the design asks, one arm against control alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from attendlib.questions.common import independent, indicators, within
from attendlib.questions.trial.sample import Plan
from attendlib.stats.fit import Estimate, contrast
from attendlib.stats.itt import itt as random_intercept_itt
from attendlib.stats.ols import ols

TREATED = "treated"
CONSTANT = "constant"
MOST_CELLS = 100  # of schools and strata as columns of their own
UNCHANGING = 1e-9  # a column left with less than this inside cells, relatively, is theirs alone


@dataclass(frozen=True, slots=True)
class Itt:
    """The difference between arm and control in the outcome's unit, how it was found, and what to know of it."""

    found: Estimate
    method: str
    warnings: tuple[str, ...] = ()


def itt(frame: pd.DataFrame, plan: Plan, *, baseline: bool = True, strata: bool = True) -> Itt:
    """The primary estimate on `frame` (rows of one arm and control, outcome and baseline known).

    Pupils drawn at one site: least squares, HC2. Pupils drawn inside schools: school fixed effects, HC2. Clusters
    drawn: a random intercept a cluster, Satterthwaite degrees of freedom.
    """
    return fitted(frame, plan, design(frame, plan, baseline=baseline, strata=strata))


def checked(frame: pd.DataFrame, plan: Plan) -> Itt | None:
    """The other model evaluators may ask of the design, beside the primary one; None where there is none.

    Clusters drawn: least squares, CR2. Pupils drawn inside schools: a random intercept a school instead of its fixed
    effect; not over several years, whose rows hang together by pupil, nor where strata are parts of schools.
    """
    if plan.design == "cluster":
        return least_squares(frame, plan, design(frame, plan))
    across = [stratum for stratum in plan.strata if stratum != "school"]
    if plan.design != "multi_site" or len(plan.years) > 1 or _inside_schools(frame, across):
        return None
    try:
        return _mixed(frame["y"], design(frame, replace(plan, design="pupil", strata=tuple(across))), frame["school"])
    except ValueError:  # too few pupils a school for two variances: no ground to give no main estimate either
        return None


def _inside_schools(frame: pd.DataFrame, strata: Sequence[str]) -> bool:
    """Whether every level of a stratum lies in one school, or there is one school: nothing is left to differ by."""
    parts = [frame.groupby(stratum, dropna=False)["school"].nunique().max() for stratum in strata]
    return min([frame["school"].nunique(), *parts]) < 2


def fitted(frame: pd.DataFrame, plan: Plan, x: pd.DataFrame) -> Itt:
    """The primary model of `frame` with its columns `x` already made."""
    if plan.design == "cluster":
        return _mixed(frame["y"], x, frame["cluster"])
    return least_squares(frame, plan, x)


def least_squares(frame: pd.DataFrame, plan: Plan, x: pd.DataFrame) -> Itt:
    """The same columns by least squares: CR2 by cluster drawn, or by pupil over several years, else HC2."""
    cluster, kind = clusters(frame, plan)
    fit = ols(frame["y"], x, cluster=cluster, inside=inside(frame, plan, x))
    sites = "" if plan.design != "multi_site" else "" if is_raw(x) else "school fixed effects, "
    sites = "inside schools and strata, " if CONSTANT not in x else sites
    return Itt(contrast(fit, {TREATED: 1.0}), f"OLS, {sites}{kind}", fit.warnings)


def is_raw(x: pd.DataFrame) -> bool:
    """Whether columns `x` hold no school."""
    return CONSTANT in x and not any(column.startswith("school=") for column in x.columns)


def inside(frame: pd.DataFrame, plan: Plan, x: pd.DataFrame) -> pd.Series | None:
    """The cells whose fixed effects are to be taken off, where the columns `x` leave them and the constant out."""
    return None if CONSTANT in x else cells(frame, plan)


def cells(frame: pd.DataFrame, plan: Plan) -> pd.Series:
    """The school and stratum each row is in, numbered."""
    names = list(dict.fromkeys(["school", *plan.strata]))
    return frame.groupby(names, dropna=False, sort=False).ngroup()


def clusters(frame: pd.DataFrame, plan: Plan) -> tuple[np.ndarray | None, str]:
    """What rows hang together: clusters drawn, a pupil's several years, or nothing."""
    if plan.design == "cluster":
        return frame["cluster"].to_numpy(), "clustered by what was drawn, CR2"
    if len(plan.years) > 1:
        return frame["pupil"].to_numpy(), "clustered by pupil, CR2"
    return None, "HC2"


def design(
    frame: pd.DataFrame, plan: Plan, *, baseline: bool = True, strata: bool = True, extra: Sequence[str] = ()
) -> pd.DataFrame:
    """Columns: treated, constant, baseline, strata (with them a multi-site trial's schools), year of several.

    With more than MOST_CELLS schools and strata neither they nor the constant are columns: the fit takes each one's
    fixed effect off (`inside`), which changes no estimate, standard error or degrees of freedom.
    """
    many = plan.design == "multi_site" and strata and cells(frame, plan).nunique() > MOST_CELLS
    parts = [frame[[TREATED]], pd.Series(1.0, frame.index, name=CONSTANT)]
    if baseline and plan.baseline:
        parts.append(frame[["x"]])
    names = [*(plan.strata if strata and not many else ()), *extra]
    names += ["school"] if plan.design == "multi_site" and strata and not many else []
    names += ["year"] if len(plan.years) > 1 else []
    kinds = frame.assign(**{n: frame[n].astype(object) for n in plan.strata})
    parts.append(indicators(kinds, list(dict.fromkeys(names))))
    x = pd.concat(parts, axis=1)
    if not many:
        return independent_fast(x)
    x = x.drop(columns=CONSTANT)
    left = within(x, cells(frame, plan))
    return x[independent_fast(left.loc[:, varies(left, x)]).columns]


def varies(left: pd.DataFrame, x: pd.DataFrame) -> pd.Series:
    """Which columns of `x` vary inside the cells, by what is `left` of them there."""
    return left.abs().max() > UNCHANGING * x.abs().max()


def independent_fast(x: pd.DataFrame) -> pd.DataFrame:
    """`x` itself where its columns are independent, which is cheap to see; else only those that add something."""
    full = np.linalg.matrix_rank(x.to_numpy(float)) == x.shape[1]
    return x if full else independent(x)


def _mixed(y: pd.Series, x: pd.DataFrame, cluster: pd.Series) -> Itt:
    found = random_intercept_itt(y, x, cluster.to_numpy(), TREATED)
    edge = "" if found.fit.between > 0 else " (no variance between clusters)"
    capped = found.difference.df < float(found.fit.df[TREATED])
    freedom = "degrees of freedom: clusters less their own columns" if capped else "Satterthwaite"
    return Itt(found.difference, f"random intercept{edge}, REML, {freedom}", found.difference.warnings)
