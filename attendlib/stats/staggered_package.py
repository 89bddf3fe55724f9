"""The same estimate by diff-diff, with that package's own large-sample standard error: a second opinion."""

import numpy as np
import pandas as pd
from diff_diff import CallawaySantAnna

from attendlib.stats.fit import Estimate, t_interval
from attendlib.stats.staggered import NEVER, Paths, group_time_weights


def by_diff_diff(panel: Paths, never_only: bool = False) -> Estimate:
    """Callaway and Sant'Anna's simple aggregation by diff-diff 3.13, stratum by stratum; groups count alike.

    Strata are put together by treated groups times periods and taken as independent; df is infinite.
    """
    parts = [_stratum(panel, int(s), never_only) for s in np.unique(panel.stratum)]
    mass = sum(m for *_, m in parts)
    value = sum(m * att for att, _, m in parts) / mass
    se = np.array(sum((m * se) ** 2 for _, se, m in parts) ** 0.5 / mass)
    p, low, high = t_interval(np.array(value), se, np.array(np.inf), 95)
    n = len(panel.y)
    return Estimate(float(value), float(se), np.inf, float(p), float(low), float(high), n, n)


def _stratum(panel: Paths, stratum: int, never_only: bool) -> tuple[float, float, float]:
    """Estimate, standard error and treated groups times periods, up to the last period with a comparison."""
    rows = panel.stratum[panel.cohort] == stratum
    first = panel.first[panel.cohort][rows]
    inside = Paths(panel.y[rows], *_renumbered(first), np.ones(rows.sum()))
    until = int(np.flatnonzero(np.abs(group_time_weights(inside, never_only)).max(axis=0) > 0)[-1]) + 1
    starts = np.where((first == NEVER) | (first >= until), NEVER, first)
    groups, periods = np.indices((len(first), until))
    long = pd.DataFrame(
        {"group": groups.ravel(), "period": 1 + periods.ravel(), "y": panel.y[rows, :until].ravel(),
         "first": np.repeat(starts + 1, until)}
    )  # fmt: skip
    control = "never_treated" if never_only else "not_yet_treated"
    found = CallawaySantAnna(control_group=control).fit(long, "y", "group", "period", "first").aggregate("simple")
    mass = float(np.where(starts == NEVER, 0, until - starts).sum())
    return float(found.att[0]), float(found.se[0]), mass


def _renumbered(first: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    starts, cohort = np.unique(first, return_inverse=True)
    return cohort, starts, np.zeros(len(starts), int)
