"""The trial's estimates for one arm against control: in the outcome's unit, as days, and as effect sizes."""

from dataclasses import replace

import numpy as np
import pandas as pd

from attendlib.questions.common import rescaled, row_of
from attendlib.questions.trial.primary import CONSTANT, TREATED, Itt, checked, clusters, design, itt, least_squares
from attendlib.questions.trial.sample import Plan, Sample, persistently_absent
from attendlib.records.answer import Row, Scope
from attendlib.stats.effect_size import arm as arm_of
from attendlib.stats.effect_size import correction, pooled_sd
from attendlib.stats.mixed import icc, random_intercept
from attendlib.stats.rates import absence_rate_model
from attendlib.stats.shares import mean_interval, wilson

SCOPE: Scope = "all"
POINTS = "percentage points attended"


def unit_of(plan: Plan) -> str:
    """The unit of `y`."""
    return POINTS if plan.is_absence else "points"


def itt_rows(sample: Sample, arm: str) -> tuple[Row, list[Row]]:
    """The primary row, and every row of this arm: raw, adjusted, check; days fewer absent where absence is counted."""
    frame, plan = sample.of_arm(arm, sample.analysed()), sample.plan
    models = {"adjusted": itt(frame, plan), "raw": itt(frame, plan, baseline=False, strata=False)}
    check = checked(frame, plan)
    if check is not None:
        models["check"] = check
    rows = {model: _itt_row(found, arm, model, plan) for model, found in models.items()}
    every = list(rows.values())
    if plan.is_absence:
        every += [_days(row, sample.days_a_year) for row in rows.values()]
        every += _session_rows(sample, frame, arm)
    return rows["adjusted"], every


def _itt_row(found: Itt, arm: str, model: str, plan: Plan) -> Row:
    return row_of(found.found, "itt", SCOPE, group=f"arm={arm}", model=model, unit=unit_of(plan), method=found.method)


def _days(row: Row, days_a_year: float) -> Row:
    return rescaled(row, days_a_year / 100, "days_fewer", "days a year")


def _session_rows(sample: Sample, frame: pd.DataFrame, arm: str) -> list[Row]:
    """Sessions absent of sessions possible: the quasi-Poisson rate ratio, and persistent absence in both arms."""
    x = design(frame, sample.plan)
    persistent = frame.assign(y=100.0 * persistently_absent(frame))
    found = least_squares(persistent, sample.plan, x)
    rows = [row_of(found.found, "persistent_difference", SCOPE, group=f"arm={arm}", model="adjusted",
                   unit="percentage points of pupils", method=found.method)]  # fmt: skip
    return rows if CONSTANT not in x else [*_ratio_row(sample, frame, arm, x), *rows]


def _ratio_row(sample: Sample, frame: pd.DataFrame, arm: str, x: pd.DataFrame) -> list[Row]:
    """None where it did not converge; nor, by the caller, where schools and strata are too many to be columns."""
    cluster, kind = clusters(frame, sample.plan)
    model = absence_rate_model(frame["absent"], frame["possible"], x, cluster=cluster, days_per_year=sample.days_a_year)
    rows: list[Row] = []
    if model.log_rate_ratio is not None:
        ratio = dict(zip(model.rate_ratio.columns, model.rate_ratio.loc[TREATED].to_numpy(float), strict=True))
        rows.append(
            Row("rate_ratio", SCOPE, group=f"arm={arm}", model="adjusted", value=ratio["ratio"],
                low=ratio["low"], high=ratio["high"], df=ratio["df"],
                p=ratio["p"] if np.isfinite(ratio["p"]) else None, confidence_pct=95, unit="ratio",
                n=model.n, n_groups=model.n_groups, method=f"quasi-Poisson, {kind}")
        )  # fmt: skip
    return rows


def level_rows(sample: Sample) -> list[Row]:
    """Each arm's mean and standard deviation of the outcome, its days absent and its share persistently absent."""
    rows, analysed = [], sample.analysed()
    for arm in (*sample.arms, sample.control):
        frame = analysed[analysed["arm"] == arm]
        rows += [row for row in _levels(sample, frame, f"arm={arm}") if row]
    return rows


def _levels(sample: Sample, frame: pd.DataFrame, group: str) -> list[Row]:
    if len(frame) < 2:
        return []
    cluster, kind = clusters(frame, sample.plan)
    cluster = cluster if cluster is not None and len(np.unique(cluster)) > 1 else None
    mean = mean_interval(frame["y"], cluster=cluster)
    unit = "percent attended" if sample.plan.is_absence else "points"
    row = replace(row_of(mean, "mean", SCOPE, group=group, unit=unit, method=f"mean, {kind}"), p=None)
    sd = Row("sd", SCOPE, group=group, value=float(frame["y"].std(ddof=1)), unit=unit, n=len(frame), method="n - 1")
    if not sample.plan.is_absence:
        return [row, sd]
    counted = int(persistently_absent(frame).sum())
    share = wilson(counted, len(frame))
    return [row, sd, Row("persistent", SCOPE, group=group, value=100 * share.share, low=100 * share.low,
                         high=100 * share.high, confidence_pct=95, unit="percent", n=len(frame), numerator=counted,
                         method="share, Wilson interval")]  # fmt: skip


def effect_rows(sample: Sample, arm: str, primary: Row) -> list[Row]:
    """`hedges_g`: the primary estimate and its limits over each standard deviation. `eef` names the EEF's own.

    Pupils drawn at one site: both arms' pooled standard deviation, with exact J. Schools in the design: the root of the
    empty random-intercept model's total variance; the within, conditional and pooled ones stand beside it.
    """
    frame = sample.of_arm(arm, sample.analysed())
    sds = standard_deviations(frame, sample.plan)
    return [_effect_row(primary, name, sd, j, name == eef_sd(sample.plan)) for name, (sd, j) in sds.items()]


def eef_sd(plan: Plan) -> str:
    """Which standard deviation the EEF's effect size divides by, in this design."""
    return "pooled" if plan.design == "pupil" else "unconditional_total"


def standard_deviations(frame: pd.DataFrame, plan: Plan) -> dict[str, tuple[float, float]]:
    """Each standard deviation of the outcome and its small-sample factor. ValueError for one that does not vary.

    Of several years it is pupils' in one year: what the years themselves differ by is taken off first.
    """
    if len(plan.years) > 1:
        years = frame.groupby("year")["y"].transform("mean")
        frame = frame.assign(y=frame["y"] - years + frame["y"].mean())
    sides = [arm_of(frame.loc[frame[TREATED] == side, "y"]) for side in (1, 0)]
    found = {"pooled": (pooled_sd(*sides), correction(len(frame) - 2))}
    if plan.design == "pupil":
        return found
    group = frame["cluster" if plan.design == "cluster" else "school"].to_numpy()
    if len(np.unique(group)) < 2:
        return found
    models = {"unconditional": random_intercept(frame["y"], pd.DataFrame({"constant": 1.0}, index=frame.index), group)}
    x = design(frame, plan, strata=plan.design == "cluster")
    models["conditional"] = random_intercept(frame["y"], x, group)
    for name, fit in models.items():
        found[f"{name}_total"] = ((fit.between + fit.within) ** 0.5, 1.0)
        found[f"{name}_within"] = (fit.within**0.5, 1.0)
    return found


def _effect_row(primary: Row, name: str, sd: float, j: float, is_eef: bool) -> Row:
    row = rescaled(primary, j / sd, "hedges_g", "standard deviations")
    note = f"divided by {name.replace('_', ' ')} standard deviation {sd:.4g}" + (", J exact" if j != 1 else "")
    return replace(row, model=name, method=f"{note}{'; the EEF effect size' if is_eef else ''}")


def icc_rows(sample: Sample) -> list[Row]:
    """`icc` of outcome and baseline by empty models, over what was drawn (a school, in other designs)."""
    frame = sample.analysed()
    group = frame["cluster" if sample.plan.design == "cluster" else "school"]
    if group.nunique() < 2:
        return []
    measures = {"outcome": frame["y"]} | ({"baseline": frame["x"]} if sample.plan.baseline else {})
    rows = []
    for model, values in measures.items():
        found = icc(values, group.to_numpy())
        rows.append(
            Row("icc", SCOPE, model=model, value=found.value, low=found.low, high=found.high, confidence_pct=95,
                unit="share of variance", n=found.n, n_groups=found.n_groups, method="empty model, REML")
        )  # fmt: skip
    return rows
