"""A drop-out model: whether having no outcome goes with the arm, the baseline or the strata."""

from collections.abc import Sequence

import pandas as pd

from attendlib.questions.common import indicators, row_of
from attendlib.questions.trial.effects import SCOPE
from attendlib.questions.trial.primary import TREATED, independent_fast
from attendlib.questions.trial.sample import Plan, Sample
from attendlib.records.answer import Row
from attendlib.stats.fit import Estimate, contrast
from attendlib.stats.logistic import LogitFit, SeparationError, average_difference, average_slope, logit
from attendlib.stats.ols import ols

BASELINE = "baseline"
MOST_LEVELS = 6  # columns of strata up to which each has a row of its own; more are held alike without one
POINTS = "percentage points of pupils"


def dropout_rows(sample: Sample, arm: str, fewest: int) -> list[Row]:
    """`dropout`: points more of the arm's pupils without an outcome than of the control's, of pupils a standard
    deviation higher in the baseline, and of each stratum's beside its commonest.

    Logistic, as average differences; least squares where a column settles who is missing. Pupils without a baseline
    are not in the model. None where a few pupils (under `fewest`) of an arm lack an outcome, or a baseline.
    """
    every = _per_pupil(sample, arm)
    frame = every[every["x"].notna() | (sample.plan.baseline is None)].reset_index(drop=True)
    missing = frame["y"].isna().astype(float)
    if missing.nunique() < 2 or _few(every["x"].isna(), every, fewest) or _few(frame["y"].isna(), frame, fewest):
        return []
    x, levels = _columns(frame, sample.plan)
    cluster = frame["cluster"].to_numpy() if sample.plan.design == "cluster" else None
    kind = "HC2" if cluster is None else "clustered by what was drawn, CR2"
    asked = [TREATED, *([BASELINE] if BASELINE in x else []), *levels]
    try:
        fit = logit(missing, x, cluster=cluster)
        found = {name: _difference(fit, x, name, levels) for name in asked}
        method = f"logistic, average difference, {kind}"
    except SeparationError:
        linear = ols(missing, x, cluster=cluster)
        found = {name: contrast(linear, {name: 1.0}) for name in asked}
        method = f"least squares, {kind}: a column settles who is missing, so no logistic"
    return [_row(found[name], name, arm, method) for name in asked]


def _per_pupil(sample: Sample, arm: str) -> pd.DataFrame:
    """One row a pupil; `y` is known when any year's is."""
    rows = sample.of_arm(arm)
    return rows.assign(y=rows.groupby("pupil")["y"].transform("max")).drop_duplicates("pupil").reset_index(drop=True)


def _few(lost: pd.Series, frame: pd.DataFrame, fewest: int) -> bool:
    """Whether one arm lost some pupils, but so few that a figure about them would give them away."""
    return any(0 < count < fewest for count in lost.groupby(frame[TREATED]).sum())


def _columns(frame: pd.DataFrame, plan: Plan) -> tuple[pd.DataFrame, Sequence[str]]:
    """The model's columns, and those of the strata that have a row of their own."""
    parts = [frame[[TREATED]], pd.Series(1.0, frame.index, name="constant")]
    if plan.baseline and frame["x"].nunique() > 1:
        parts.append(((frame["x"] - frame["x"].mean()) / frame["x"].std(ddof=1)).rename(BASELINE))
    strata = indicators(frame.assign(**{n: frame[n].astype(object) for n in plan.strata}), plan.strata)
    schools = indicators(frame, ["school"] if plan.design == "multi_site" and "school" not in plan.strata else [])
    x = independent_fast(pd.concat([*parts, strata, schools], axis=1))
    levels = [name for name in strata.columns if name in x]
    return x, levels if len(levels) <= MOST_LEVELS else ()


def _difference(fit: LogitFit, x: pd.DataFrame, name: str, levels: Sequence[str]) -> Estimate:
    """The baseline's average slope; for a column of 0 and 1 the average difference from its reference."""
    if name == BASELINE:
        return average_slope(fit, x, name)
    stem = name.partition("=")[0]
    others = {level: 0.0 for level in levels if level.partition("=")[0] == stem and name != TREATED}
    return average_difference(fit, x.assign(**{**others, name: 1.0}), x.assign(**{**others, name: 0.0})).difference


def _row(found: Estimate, name: str, arm: str, method: str) -> Row:
    unit = f"{POINTS} a standard deviation" if name == BASELINE else POINTS
    scaled = Estimate(
        100 * found.value, 100 * found.se, found.df, found.p, 100 * found.low, 100 * found.high, found.n,
        found.n_groups, found.confidence_pct, found.warnings,
    )  # fmt: skip
    outcome = "arm" if name == TREATED else name
    return row_of(scaled, "dropout", SCOPE, outcome=outcome, group=f"arm={arm}", model="adjusted", unit=unit,
                  method=method)  # fmt: skip
