"""Natural cubic splines: a smooth curve that is straight beyond its outer knots, reusable at any points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.stats.inputs import Values, read_numbers

# Quantiles for 3 to 7 knots: Harrell, Regression Modeling Strategies (2015), table 2.3.
QUANTILES = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975),
}


@dataclass(frozen=True, slots=True)
class Spline:
    """Knots in order (none: a straight line), the columns' name, and what was given up, "" when nothing."""

    knots: tuple[float, ...]
    name: str
    note: str = ""


def natural_spline(x: Values, df: int | None = None, knots: Sequence[float] | None = None, name: str = "x") -> Spline:
    """A spline of `df` columns (2 to 6, one fewer than its knots; 3 unless told) for `x` (n,), or of given knots.

    Knots lie at Harrell's quantiles, of the distinct values where quantiles of all rows coincide; with fewer
    distinct values than knots it is a straight line, and `note` says so. ValueError for missing values, fewer
    than 3 given knots, knots out of order, or both df and knots.
    """
    values = read_numbers(x, name)
    if knots is not None:
        if df is not None:
            raise ValueError("give df or knots, not both")
        return Spline(_in_order(knots), name)
    n_knots = (3 if df is None else df) + 1
    if n_knots not in QUANTILES:
        raise ValueError(f"df is {df}; give 2 to 6, or 1 column by using {name} itself")
    distinct = np.unique(values)
    if len(distinct) < n_knots:
        return Spline((), name, f"{name} has {len(distinct)} distinct values, so it enters as a straight line.")
    places = np.quantile(values, QUANTILES[n_knots])
    if (np.diff(places) > 0).all():
        return Spline(tuple(places.tolist()), name)
    places = np.quantile(distinct, QUANTILES[n_knots])
    return Spline(tuple(places.tolist()), name, f"Many rows share a value of {name}: knots use distinct values.")


def basis(spline: Spline, x: Values) -> pd.DataFrame:
    """Columns name, name_2, ... at `x` (n,), without a constant; the index is x's when x is a Series.

    Harrell's restricted cubic terms, divided by the squared distance between the outer knots so that every
    column has the unit of x. ValueError for missing values.
    """
    values = read_numbers(x, spline.name)
    columns = {spline.name: values}
    for j in range(len(spline.knots) - 2):
        columns[f"{spline.name}_{j + 2}"] = _bend(values, spline.knots, j)
    return pd.DataFrame(columns, index=x.index if isinstance(x, pd.Series) else None)


def _bend(x: np.ndarray, knots: tuple[float, ...], j: int) -> np.ndarray:
    """The cubic that starts at knot j, cancelled by the last two knots so that it ends as a straight line."""
    last, before = knots[-1], knots[-2]
    gap = last - before

    def cube(knot: float) -> np.ndarray:
        return np.clip(x - knot, 0, None) ** 3

    curve = cube(knots[j]) - cube(before) * (last - knots[j]) / gap + cube(last) * (before - knots[j]) / gap
    return curve / (last - knots[0]) ** 2


def _in_order(knots: Sequence[float]) -> tuple[float, ...]:
    places = tuple(float(knot) for knot in knots)
    if len(places) < 3 or not (np.diff(places) > 0).all():
        raise ValueError(f"knots are {places}; give at least 3, rising")
    return places
