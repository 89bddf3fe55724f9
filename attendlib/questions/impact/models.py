"""Differences in absence between referred and compared pupils, at the level of pupils' rates: no file, no page.

A frame has one row a pupil: `treated` 0 or 1, `school`, `year_group`, and for each of `window`, `baseline` and
`outcome` a rate (0 to 1) with its `absent_` and `possible_` sessions. The page and the simulations call the same code.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.questions.common import independent, indicator_columns
from attendlib.stats.fit import Estimate, Fit, contrast
from attendlib.stats.ols import ols
from attendlib.stats.rates import AbsenceRateModel, absence_rate_model
from attendlib.stats.spline import basis, natural_spline

EARLIER = ("window", "baseline")
Clusters = Sequence[object] | np.ndarray | None


@dataclass(frozen=True, slots=True)
class Model:
    """One way of comparing: what is held alike, by which curve, and what is compared.

    `earlier` names the earlier rates held alike; `curve` is "spline" or "line"; `change` compares the change since the
    baseline instead of the level; `also` names further columns held alike; `weight` the column of weights, or "".
    """

    earlier: tuple[str, ...] = ()
    curve: str = "spline"
    change: bool = False
    also: tuple[str, ...] = ()
    weight: str = ""


RAW = Model()
CHECK = Model(change=True)


def main_model(has_baseline: bool, weight: str = "", year_groups: bool = True) -> Model:
    """The main comparison: both earlier absence rates held alike by a spline each (DESIGN 6).

    Not `year_groups` where whole year groups were chosen: there they are what is compared.
    """
    also = ("year_group",) if year_groups else ()
    return Model(EARLIER if has_baseline else EARLIER[:1], also=also, weight=weight)


def design_matrix(frame: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Columns of a model: `treated`, the constant, the school, and what is held alike; every one identified.

    Not the school where none has both referred and compared pupils: then schools are what is compared.
    """
    columns = {"treated": frame["treated"].to_numpy(), "constant": np.ones(len(frame))}
    columns |= indicator_columns(frame, [] if whole_schools(frame) else ["school"])
    for name in model.earlier:
        columns |= {str(part): values.to_numpy() for part, values in _curve(frame[name], model.curve).items()}
    return independent(pd.DataFrame(columns | indicator_columns(frame, model.also), index=frame.index))


def whole_schools(frame: pd.DataFrame) -> bool:
    """Whether each school's pupils are all referred or all compared."""
    schools, names = pd.factorize(frame["school"])
    treated = np.bincount(schools, frame["treated"], len(names))
    alike = (treated == 0) | (treated == np.bincount(schools, minlength=len(names)))
    return len(names) > 0 and bool(alike.all())


def _curve(rate: pd.Series, curve: str) -> pd.DataFrame:
    return rate.to_frame() if curve == "line" else basis(natural_spline(rate, name=str(rate.name)), rate)


def fitted(
    frame: pd.DataFrame, model: Model, clusters: Clusters, outcome: str = "outcome", design: pd.DataFrame | None = None
) -> Fit:
    """Least squares of the rate `outcome` (in points): HC2, or CR2 where `clusters` are given.

    It is the linear part of `absence_rate_model`, without the rate ratio that a page needs once only. `design` is the
    model's, where the caller has it already.
    """
    if model.weight and not (kept := frame[model.weight].to_numpy(float) > 0).all():
        clusters = None if clusters is None else np.asarray(clusters)[kept]
        frame, design = frame[kept].reset_index(drop=True), None  # rows that weights leave out identify no column
    points = 100 * (frame[outcome] - frame["baseline"] if model.change else frame[outcome])
    design = design_matrix(frame, model) if design is None else design
    if not model.weight:
        return ols(points, design, cluster=clusters)
    weights = frame[model.weight]
    if clusters is not None and not whole_schools(frame):
        points, design = within_schools(points, design, frame["school"], weights)
    return ols(points, design, cluster=clusters, weights=weights.to_numpy(float))


def within_schools(
    points: pd.Series, design: pd.DataFrame, schools: pd.Series, weights: pd.Series
) -> tuple[pd.Series, pd.DataFrame]:
    """Outcome and columns less their weighted mean in the school: the same differences as with a column for each.

    With such a column CR2 has nothing left in a school along its weights, and then gives no standard error.
    """
    both = design.loc[:, ~design.columns.str.startswith(("school=", "constant"))].assign(points=points)
    sums = both.mul(weights, axis=0).groupby(schools.to_numpy()).transform("sum")
    inside = both - sums.div(weights.groupby(schools.to_numpy()).transform("sum"), axis=0)
    return inside["points"], independent(inside.drop(columns="points"))


class Unfit(Exception):
    """Too few pupils for what a model holds alike: it cannot be fitted."""


def points_fewer(
    frame: pd.DataFrame, model: Model, clusters: Clusters, outcome: str = "outcome", design: pd.DataFrame | None = None
) -> Estimate:
    """Percentage points fewer absent among the referred, with its interval. Raises Unfit."""
    try:
        return contrast(fitted(frame, model, clusters, outcome, design), {"treated": -1.0})
    except ValueError as error:
        raise Unfit(str(error)) from error


def counts_model(frame: pd.DataFrame, model: Model, clusters: Clusters) -> AbsenceRateModel:
    """The model of over-dispersed counts: absent of possible sessions in the outcome."""
    absent, possible = (frame[f"{name}_outcome"].astype(float) for name in ("absent", "possible"))
    return absence_rate_model(absent, possible, design_matrix(frame, model), clusters)


def overlapping(frame: pd.DataFrame) -> pd.Series:
    """Rows within the range of the referred pupils' absence when chosen: others tell nothing about them."""
    treated = frame.loc[frame["treated"] == 1, "window"]
    return frame["window"].between(treated.min(), treated.max())
