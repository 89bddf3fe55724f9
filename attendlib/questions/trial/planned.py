"""What a trial could detect, from its protocol's assumptions and from the sizes and correlations of its own data."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.errors import QuestionError
from attendlib.questions.trial.rating import design_of
from attendlib.questions.trial.sample import Plan, Sample
from attendlib.records.study import Assumed
from attendlib.stats.mixed import random_intercept
from attendlib.stats.power import Design, cluster_randomised, mdes, multi_site, power, pupil_randomised

WORTHWHILE = 0.2  # standard deviations: the effect a trial is commonly asked to find
FEWEST = 20  # pupils with a value before the data's own correlations are used


@dataclass(frozen=True, slots=True)
class Reach:
    """`detectable` effect size (80% power, two-sided 5%), `power` (0 to 1) at 0.2, and what they rest on.

    `in_unit` is the detectable difference in the outcome's unit (percentage points attended, for absence), or None.
    """

    arm: str
    basis: str
    detectable: float
    power: float
    pupils: int
    clusters: int | None
    in_unit: float | None = None


def reach_assumed(plan: Plan, assumed: Assumed) -> Reach:
    """By the protocol alone, half the pupils in the arm. QuestionError for a design in schools without their number."""
    if plan.design != "pupil" and assumed.clusters is None:
        raise QuestionError("`assumed` gives no `clusters`, which this design needs before pupils are allocated.")
    design = design_of(plan, assumed.pupils, assumed.clusters or 1, 0.5, assumed)
    return _reach("each arm", "as the protocol assumed", design, assumed.pupils, assumed.clusters)


def reach_of_data(sample: Sample, arm: str) -> Reach:
    """By those allocated: their number, the sizes of clusters, and how alike pupils of one are in the outcome, or in
    the baseline where too few have an outcome. QuestionError where neither is known."""
    frame = sample.of_arm(arm).drop_duplicates("pupil")
    group = "cluster" if sample.plan.design == "cluster" else "school"
    column, words = _known(frame, sample.plan)
    known = frame[frame[column].notna() & (frame["x"].notna() | (column == "x") | (sample.plan.baseline is None))]
    held = column == "y" and sample.plan.baseline is not None
    share, sizes = float(frame["treated"].mean()), frame[group].value_counts().to_numpy()
    design, basis = _design(sample.plan, known, column, held, group, share, sizes)
    sd = float(known["y"].std(ddof=1)) if column == "y" else None
    count = None if sample.plan.design == "pupil" else len(sizes)
    return _reach(arm, f"by those allocated, {words}: {basis}", design, len(frame), count, sd)


def _known(frame: pd.DataFrame, plan: Plan) -> tuple[str, str]:
    if frame["y"].notna().sum() >= max(FEWEST, len(frame) / 2):
        return "y", "and their outcomes"
    if plan.baseline and frame["x"].notna().sum() >= FEWEST:
        return "x", "and their baseline alone"
    raise QuestionError("Neither outcome nor baseline is known of enough pupils: give `assumed`.")


def _design(
    plan: Plan, known: pd.DataFrame, column: str, held: bool, group: str, share: float, sizes: np.ndarray
) -> tuple[Design, str]:
    if plan.design == "pupil":
        r2 = float(known["y"].corr(known["x"]) ** 2) if held else 0.0
        return pupil_randomised(int(sizes.sum()), share, r2, int(held)), f"baseline explains {100 * r2:.0f}%"
    icc, r2_pupil, r2_cluster = _correlations(known, column, held, known[group].to_numpy())
    said = f"ICC {icc:.2f}, baseline explains {100 * r2_pupil:.0f}% of pupils' variance"
    if plan.design == "multi_site":
        return multi_site(len(sizes), float(sizes.mean()), icc=icc, share=share, r2_pupil=r2_pupil), said
    drawn = known.groupby(group)["treated"].first()
    design = cluster_randomised(
        len(sizes), sizes.astype(float).tolist(), icc, share=float(drawn.mean()), r2_pupil=r2_pupil,
        r2_cluster=r2_cluster, covariates=int(held),
    )  # fmt: skip
    return design, f"{said} and {100 * r2_cluster:.0f}% of clusters'"


def _correlations(known: pd.DataFrame, column: str, held: bool, group: np.ndarray) -> tuple[float, float, float]:
    """The ICC of the empty model, and what the baseline takes off both of its variances."""
    ones = pd.DataFrame({"constant": 1.0}, index=known.index)
    empty = random_intercept(known[column], ones, group)
    icc = empty.between / (empty.between + empty.within)
    if not held:
        return icc, 0.0, 0.0
    adjusted = random_intercept(known[column], ones.assign(x=known["x"]), group)
    between = 1 - adjusted.between / empty.between if empty.between > 0 else 0.0
    return icc, _share(1 - adjusted.within / empty.within), _share(between)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _reach(arm: str, basis: str, design: Design, pupils: int, clusters: int | None, sd: float | None = None) -> Reach:
    least = mdes(design)
    return Reach(arm, basis, least, power(design, WORTHWHILE), pupils, clusters, None if sd is None else least * sd)
