"""What stands beside one cohort: the school's earlier cohorts, and all of them together."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from attendlib.questions.common import row_of
from attendlib.questions.dip.cohort import Cohort
from attendlib.questions.dip.expected import Curve, beyond_expected, how
from attendlib.records.answer import Row
from attendlib.stats.fit import Estimate, t_interval
from attendlib.stats.shares import mean_interval


def cohort_rows(cohorts: Sequence[Cohort]) -> list[Row]:
    """Each cohort's dip where something is expected and its change, then all cohorts together, pupils counted alike.

    Cohorts count as independent: their pupils differ, and each has a reference of its own two years.
    """
    rows: list[Row] = []
    for name in ("dip", "change"):
        found = [(cohort, _of(cohort, name)) for cohort in cohorts]
        known = [(cohort, each) for cohort, each in found if each is not None]
        if len(known) < 2:
            continue
        told = {"model": "each cohort", "unit": "percentage points"}
        for cohort, each in known:
            method = how(cohort.curve, each) if name == "dip" and isinstance(cohort.curve, Curve) else "mean, HC2"
            rows.append(row_of(each, name, "school", period=cohort.move.period, method=method, **told))
        together = _together([each for _, each in known])
        period = f"{len(known)} cohorts, {known[0][0].move.earlier} to {known[-1][0].move.year}"
        method = "mean of the cohorts, each pupil counted once"
        rows.append(row_of(together, name, "school", period=period, method=method, **(told | {"model": "all cohorts"})))
    return rows


def _of(cohort: Cohort, name: str) -> Estimate | None:
    if name == "change":
        return mean_interval(cohort.frame["change"])
    return beyond_expected(cohort.frame, cohort.curve) if isinstance(cohort.curve, Curve) else None


def _together(each: Sequence[Estimate]) -> Estimate:
    """The pupil-weighted mean of independent estimates, Satterthwaite degrees of freedom."""
    n = np.array([one.n for one in each], dtype=float)
    weight = n / n.sum()
    value = float(weight @ np.array([one.value for one in each]))
    parts = weight**2 * np.array([one.se for one in each]) ** 2
    df = float(parts.sum() ** 2 / (parts**2 / np.array([one.df for one in each])).sum())
    se = float(np.sqrt(parts.sum()))
    p, low, high = t_interval(np.array(value), np.array(se), np.array(df), each[0].confidence_pct)
    first = replace(each[0], value=value, se=se, df=df, p=float(p), low=float(low), high=float(high), warnings=())
    return replace(first, n=int(n.sum()), n_groups=None)
