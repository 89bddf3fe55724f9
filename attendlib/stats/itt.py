"""The intention-to-treat difference of a trial in groups: a random intercept whose interval small trials can bear."""

from dataclasses import dataclass

import numpy as np

from attendlib.stats.fit import Estimate, contrast, t_interval
from attendlib.stats.inputs import Labels, Matrix, Values, read_columns, read_labels
from attendlib.stats.mixed import RandomIntercept, random_intercept
from attendlib.stats.redraw import varies_inside


@dataclass(frozen=True, slots=True, eq=False)
class Itt:
    """`difference` between the arm and its control, in the outcome's unit, and the `fit` that it comes from.

    `by_group` says that whole groups were in one arm. On the edge (no variance between groups was estimated, which a
    small trial often meets by chance) the difference between whole groups has at most as many degrees of freedom as
    there are groups less columns that are the groups' own; `difference.warnings` says so.
    """

    difference: Estimate
    fit: RandomIntercept
    by_group: bool


def itt(y: Values, X: Matrix, group: Labels, column: str, confidence_pct: float = 95) -> Itt:
    """The coefficient of `column` in `random_intercept(y, X, group)`, everyone in the arm they were allocated to.

    Satterthwaite degrees of freedom, save on the edge (see `Itt`). ValueError as `random_intercept`, and for no such
    column.
    """
    fit = random_intercept(y, X, group, confidence_pct=confidence_pct)
    found = contrast(fit, {column: 1.0})
    x, names = read_columns(X)
    codes = read_labels(group)
    own = [not varies_inside(x[:, j], codes) for j in range(x.shape[1])]
    by_group = own[names.index(column)]
    most = float(fit.n_groups or 0) - sum(own)
    if not (by_group and fit.between == 0 and most < found.df):
        return Itt(found, fit, by_group)
    p, low, high = t_interval(np.array(found.value), np.array(found.se), np.array(most), confidence_pct)
    note = f"Degrees of freedom are {most:.0f}, schools or groups less their own columns: no variance between them."
    capped = Estimate(
        found.value, found.se, most, float(p), float(low), float(high), found.n, found.n_groups, confidence_pct,
        (*fit.warnings, note),
    )  # fmt: skip
    return Itt(capped, fit, by_group)
