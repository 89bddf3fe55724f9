"""Pupils without an outcome or a baseline: how many, who they are like, and what filling them in would change."""

from dataclasses import dataclass, replace

import pandas as pd
from scipy.optimize import brentq

from attendlib.facts.trials import UNCHECKED
from attendlib.questions.common import indicators, rescaled, row_of, word_row
from attendlib.questions.trial.around import steps_of
from attendlib.questions.trial.dropout import dropout_rows
from attendlib.questions.trial.effects import SCOPE, unit_of
from attendlib.questions.trial.primary import TREATED, design, fitted, independent_fast
from attendlib.questions.trial.sample import Plan, Sample, subgroup_of
from attendlib.records.answer import Row
from attendlib.stats.fit import Estimate
from attendlib.stats.imputation import Combined, combine_imputations, impute_chained
from attendlib.stats.imputation_groups import impute_in_groups

FEW_PCT = 5.0  # below it complete cases suffice: EEF statistical guidance, recalled
SEVERAL_YEARS = (
    "an outcome of several years is not filled in: the list of those randomised does not say in which years a pupil was"
    " in the trial, so a year before joining or after leaving cannot be told from one that was lost"
)
SETS = 20
CYCLES = 5
FARTHEST = 10.0  # standard deviations beyond which no tipping point is looked for


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """Frames of one arm and control with every gap filled, each with the primary model's columns (`designs`), and which
    of their rows had no outcome."""

    frames: tuple[pd.DataFrame, ...]
    designs: tuple[pd.DataFrame, ...]
    gap: pd.Series
    how: str


def missing_rows(sample: Sample, shown: bool, fewest: int) -> list[Row]:
    """`missing_rule`: what the 5% rule says, in words; and each arm's drop-out model, where losses may be shown."""
    randomised, lost = _lost(sample)
    share = 100 * lost / randomised
    rows = [word_row("missing_rule", SCOPE, f"{_rule(sample, lost, share, shown)}; {UNCHECKED}", randomised)]
    if not shown or not lost:
        return [replace(rows[0], n=len(sample.analysed()["pupil"].unique()))]
    return [*rows, *(row for arm in sample.arms for row in dropout_rows(sample, arm, fewest))]


def _lost(sample: Sample) -> tuple[int, int]:
    steps = [steps_of(sample, arm) for arm in (*sample.arms, sample.control)]
    randomised = sum(flow[0].left or 0 for flow in steps)
    return randomised, randomised - sum(flow[-1].left or 0 for flow in steps)


def _rule(sample: Sample, lost: int, share: float, shown: bool) -> str:
    if not lost:
        return "No pupil who was randomised is missing"
    if share < FEW_PCT:
        return f"Under {FEW_PCT:.0f}% of the pupils randomised are missing: complete cases suffice by the EEF's rule"
    more = f"{FEW_PCT:.0f}% or more of the pupils randomised are missing: complete cases alone do not suffice"
    if not shown:
        return f"{more}, but so few in an arm that figures about them are withheld"
    if len(sample.plan.years) > 1:
        return f"{more}, but {SEVERAL_YEARS}"
    return f"{more}, so the model is fitted again with the gaps filled in"


def imputed_rows(sample: Sample, arm: str, seed: int, shown: bool) -> list[Row]:
    """`itt` (and `days_fewer`) with the model `imputed`, and `tipping_shift`; none under 5% missing, or where losses
    are withheld. Where the gaps cannot be filled, `missing_rule` says why.

    Pupils or schools' pupils drawn: chained equations, with the schools of a multi-site trial as columns. Clusters
    drawn: random intercepts drawn too. Arm, strata and subgroups are in the imputation, then the same model is fitted.
    """
    randomised, lost = _lost(sample)
    if not shown or 100 * lost / randomised < FEW_PCT or len(sample.plan.years) > 1:
        return []
    if not _has_gap(sample.of_arm(arm), sample.plan):
        return []
    try:
        filled = _filled(sample, arm, seed)
        found = _pooled(filled, sample.plan, 0.0)
    except ValueError as error:
        reason = f"The gaps of {arm} cannot be filled: {error}"
        return [word_row("missing_rule", SCOPE, reason, len(sample.of_arm(arm)), group=f"arm={arm}")]
    method = f"{filled.how}, Rubin's rules; {100 * found.missing_information:.0f}% of the information is missing"
    row = row_of(found.estimate, "itt", SCOPE, group=f"arm={arm}", model="imputed", unit=unit_of(sample.plan),
                 method=method)  # fmt: skip
    days = [rescaled(row, sample.days_a_year / 100, "days_fewer", "days a year")] if sample.plan.is_absence else []
    return [row, *days, *_tipping(filled, sample, found.estimate, row)]


def _has_gap(frame: pd.DataFrame, plan: Plan) -> bool:
    return bool(frame["y"].isna().any() or (plan.baseline is not None and frame["x"].isna().any()))


def _filled(sample: Sample, arm: str, seed: int) -> Filled:
    frame, plan = sample.of_arm(arm), sample.plan
    columns = _columns(frame, plan)
    gap = frame["y"].isna()
    if plan.design == "cluster":
        baseline = frame["x"] if plan.baseline else None
        pairs = impute_in_groups(frame["y"], baseline, columns, frame["cluster"].to_numpy(), seed, SETS)
        frames = tuple(frame.assign(y=y, x=frame["x"] if x is None else x) for y, x in pairs)
        return _made(frames, plan, gap, f"{SETS} sets, random intercepts drawn too")
    known = ["y", "x"] if plan.baseline else ["y"]
    table = pd.concat([frame[known].astype(float), columns.drop(columns="constant")], axis=1)
    sets = impute_chained(table, seed, SETS, CYCLES)
    frames = tuple(frame.assign(**{name: each[name] for name in known}) for each in sets)
    return _made(frames, plan, gap, f"{SETS} sets by chained equations")


def _made(frames: tuple[pd.DataFrame, ...], plan: Plan, gap: pd.Series, how: str) -> Filled:
    return Filled(frames, tuple(design(frame, plan) for frame in frames), gap, how)


def _columns(frame: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """What is known of everyone randomised: arm, strata, schools of a multi-site trial, subgroups. A school or stratum
    that was lost whole has no column: the primary model's own column for it takes up what is filled in there."""
    names = [*plan.strata, *(["school"] if plan.design == "multi_site" else [])]
    kinds = frame.assign(**{name: frame[name].astype(object) for name in plan.strata})
    kinds = kinds.assign(**{name: subgroup_of(frame[name]) for name in plan.subgroups})
    parts = [frame[[TREATED]], pd.Series(1.0, frame.index, name="constant")]
    parts.append(indicators(kinds, list(dict.fromkeys([*names, *plan.subgroups]))))
    x = pd.concat(parts, axis=1)
    known = frame["y"].notna() & (frame["x"].notna() | (plan.baseline is None))
    return x[independent_fast(x[known]).columns]


def _pooled(filled: Filled, plan: Plan, shift: float) -> Combined:
    """The primary model on every filled frame, each outcome filled in the arm moved by `shift`."""
    moved = shift * (filled.gap * filled.frames[0][TREATED])
    pairs = zip(filled.frames, filled.designs, strict=True)
    return combine_imputations([fitted(frame.assign(y=frame["y"] + moved), plan, x).found for frame, x in pairs])


def _tipping(filled: Filled, sample: Sample, found: Estimate, row: Row) -> list[Row]:
    """`tipping_shift`: by how much the arm's missing pupils must have done worse (better, where the estimate is below
    0) than filled in before the interval takes in 0. None where it does already, or no shift would do it."""
    frame = filled.frames[0]
    if found.low <= 0 <= found.high or not (filled.gap & (frame[TREATED] == 1)).any():
        return []
    sign = 1.0 if found.low > 0 else -1.0
    sd = float(frame["y"].std(ddof=1))

    def left(shift: float) -> float:
        moved = _pooled(filled, sample.plan, -sign * shift).estimate
        return moved.low if sign > 0 else -moved.high

    step = near = abs(found.low if sign > 0 else found.high) / float(filled.gap[frame[TREATED] == 1].mean())
    while left(near) > 0:
        near += step
        if near > FARTHEST * sd:
            return [_tipping_row(row, None, f"not even {FARTHEST:.0f} standard deviations would do it")]
    shift = float(brentq(left, 0.0, near, xtol=sd / 200, rtol=1e-3))
    worse = "worse" if sign > 0 else "better"
    said = f"how much {worse} than filled in the arm's missing pupils must have done before the interval takes in 0"
    return [_tipping_row(row, shift, said)]


def _tipping_row(row: Row, shift: float | None, method: str) -> Row:
    return Row("tipping_shift", SCOPE, group=row.group, model="imputed", value=shift, unit=row.unit, n=row.n,
               n_groups=row.n_groups, withheld="" if shift is not None else "z", method=method)  # fmt: skip
