"""Everyone randomised, one row a pupil: arm, school, cluster, block, outcome, baseline and what is known of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.errors import QuestionError
from attendlib.facts.definitions import PERSISTENT_PCT, SESSIONS_A_DAY
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import UNKNOWN

ABSENCE = "absence"  # the outcome counted in sessions; any other name is a measure of `attainment`


@dataclass(frozen=True, slots=True)
class Plan:
    """What the study file says of the trial: names of arms, columns and measures, not data."""

    trial: str
    design: str
    control: str
    outcome: str
    years: tuple[str, ...]
    baseline: str | None
    baseline_year: str | None
    strata: tuple[str, ...]
    subgroups: tuple[str, ...]
    compliance: str | None

    @property
    def is_absence(self) -> bool:
        """Whether the outcome is sessions absent of sessions possible."""
        return self.outcome == ABSENCE


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """All randomised pupils and what was found of them.

    `frame` has a row a pupil (a pupil and year, where the outcome has several years): `pupil, school, arm, block,
    cluster, year, y, x` and the strata and subgroup columns. `y` is the outcome, higher better: a score, or percent of
    possible sessions attended; NaN where there is none. `x` is the baseline in the same sense, `possible` the sessions
    behind `y`. `arms` are those compared with `control`, in order of their names.
    """

    frame: pd.DataFrame
    arms: tuple[str, ...]
    control: str
    plan: Plan
    days_a_year: float

    def analysed(self) -> pd.DataFrame:
        """The rows with an outcome and, where the model has one, a baseline."""
        kept = self.frame["y"].notna() & (self.frame["x"].notna() | (self.plan.baseline is None))
        return self.frame[kept].reset_index(drop=True)

    def of_arm(self, arm: str, frame: pd.DataFrame | None = None) -> pd.DataFrame:
        """The rows of `arm` and of control alone, `treated` 1 for the arm."""
        rows = self.frame if frame is None else frame
        rows = rows[rows["arm"].isin([arm, self.control])].reset_index(drop=True)
        return rows.assign(treated=(rows["arm"] == arm).astype(float))


def read_sample(pupils: Pupils, plan: Plan) -> Sample:
    """The allocation joined with outcome and baseline. QuestionError, with counts, for one that cannot be used."""
    listed = frames.allocation(pupils, plan.trial)
    _refuse(listed, plan)
    frame = _with_cluster(listed, plan)
    frame = _with_known(pupils, frame, plan)
    frame = _with_outcome(pupils, frame, plan)
    frame = _with_baseline(pupils, frame, plan)
    arms = tuple(sorted(set(listed["arm"]) - {plan.control}))
    return Sample(frame, arms, plan.control, plan, _days_a_year(frame))


def _refuse(listed: pd.DataFrame, plan: Plan) -> None:
    if listed.empty:
        raise QuestionError(f"The allocation table holds no trial {plan.trial}.")
    arms = sorted(set(listed["arm"]))
    if plan.control not in arms:
        raise QuestionError(
            f"No pupil was allocated to the control arm {plan.control}; the arms are {', '.join(arms)}."
        )
    if len(arms) < 2:
        raise QuestionError(f"Every pupil was allocated to {arms[0]}: there is nothing to compare.")
    twice = int(listed["pupil"].duplicated().sum())
    if twice:
        raise QuestionError(f"{twice} pupils are allocated more than once in trial {plan.trial}: give each one arm.")
    if plan.design == "cluster":
        mixed = listed.assign(cluster=_cluster(listed)).groupby("cluster")["arm"].nunique()
        if (mixed > 1).any():
            count = int((mixed > 1).sum())
            raise QuestionError(
                f"{count} of {len(mixed)} clusters hold pupils of more than one arm: not a cluster trial."
            )


def _cluster(listed: pd.DataFrame) -> pd.Series:
    """The unit drawn in a cluster trial: the `cluster` column where it is filled, else the school."""
    return listed["cluster"].where(listed["cluster"].notna(), listed["school"]).astype(str)


def _with_cluster(listed: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    missing = [name for name in plan.strata if name in listed and listed[name].isna().all()]
    if missing:
        raise QuestionError(f"The allocation table has no {' or '.join(missing)} for trial {plan.trial}.")
    return listed.assign(cluster=_cluster(listed))


def _with_known(pupils: Pupils, frame: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The pupils' own columns named as strata or subgroups, as they were in the first of its years they are in."""
    wanted = [name for name in (*plan.strata, *plan.subgroups) if name not in frame.columns]
    if not wanted:
        return frame
    years = dict.fromkeys([plan.baseline_year or plan.years[0], *plan.years])
    enrolled = pd.concat([frames.enrolments(pupils, year) for year in years], ignore_index=True)
    absent = [name for name in wanted if name not in enrolled.columns]
    if absent:
        raise QuestionError(f"The pupils table has no column {' or '.join(absent)}.")
    known = enrolled.drop_duplicates("pupil")[["pupil", *dict.fromkeys(wanted)]]
    return frame.merge(known, on="pupil", how="left")


def _with_outcome(pupils: Pupils, frame: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """`y`, `possible`, `absent`, `year`: one row a pupil and year of the outcome."""
    parts = [
        frame.merge(_values(pupils, plan.outcome, year), on="pupil", how="left").assign(year=year)
        for year in plan.years
    ]
    return pd.concat(parts, ignore_index=True)


def _with_baseline(pupils: Pupils, frame: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    if plan.baseline is None:
        return frame.assign(x=np.nan)
    year = plan.baseline_year or plan.years[0]
    values = _values(pupils, plan.baseline, year)[["pupil", "y"]].rename(columns={"y": "x"})
    if not values["x"].notna().any():
        raise QuestionError(f"No pupil has a value of {plan.baseline} in {year}, which the study names as baseline.")
    return frame.merge(values, on="pupil", how="left")


def _values(pupils: Pupils, measure: str, year: str) -> pd.DataFrame:
    """One row a pupil with `measure` that year: y, possible, absent."""
    if measure != ABSENCE:
        found = frames.results(pupils, measure, year)
        return found[["pupil", "value"]].rename(columns={"value": "y"}).assign(possible=np.nan, absent=np.nan)
    sums = frames.absence_per_pupil(pupils, year).groupby("pupil", as_index=False)[["possible", "absent"]].sum()
    sums = sums[sums["possible"] > 0]
    return sums.assign(y=100 - 100 * sums["absent"] / sums["possible"]).astype({"possible": float, "absent": float})


def _days_a_year(frame: pd.DataFrame) -> float:
    """The mean school days a pupil could attend: what turns points into days."""
    return float(frame["possible"].mean() / SESSIONS_A_DAY)


def persistently_absent(frame: pd.DataFrame) -> pd.Series:
    """Whether each row's pupil missed 10% or more of possible sessions, by whole sessions."""
    return 100 * frame["absent"] >= PERSISTENT_PCT * frame["possible"]


def subgroup_of(values: pd.Series) -> pd.Series:
    """A characteristic as text ('1', not '1.0'), missing ones a group of their own."""
    whole = pd.api.types.is_numeric_dtype(values) and (values.dropna() % 1 == 0).all()
    text = values.astype("Int64").astype("object") if whole else values.astype("object")
    return text.where(values.notna(), UNKNOWN).astype(str)


def joined(frame: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """'a|b' for each row: the values of `names` as one label; empty without any."""
    label = pd.Series("", frame.index)
    for place, name in enumerate(dict.fromkeys(names)):
        label = label + ("|" if place else "") + frame[name].astype(str)
    return label


def counts_by_arm(frame: pd.DataFrame, arms: Sequence[str]) -> Mapping[str, int]:
    """Pupils in each arm."""
    found = frame.drop_duplicates("pupil")["arm"].value_counts()
    return {arm: int(found.get(arm, 0)) for arm in arms}
