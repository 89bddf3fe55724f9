"""Pre-named subgroups, those who took part, and the resampled p and interval."""

from dataclasses import replace

import pandas as pd

from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import row_of, within
from attendlib.questions.trial.effects import SCOPE, unit_of
from attendlib.questions.trial.primary import CONSTANT, TREATED, cells, clusters, design, inside, itt, varies
from attendlib.questions.trial.sample import Plan, Sample, joined, subgroup_of
from attendlib.records.answer import Row
from attendlib.stats.fit import contrast
from attendlib.stats.instrument import iv
from attendlib.stats.ols import ols
from attendlib.stats.refit import Model
from attendlib.stats.resample import bootstrap_clusters, permute


def subgroup_rows(sample: Sample, arm: str, fewest: int) -> list[Row]:
    """`itt` on each value of each pre-named subgroup alone, and `interaction`: its difference from the commonest."""
    frame = sample.of_arm(arm, sample.analysed())
    rows = []
    for name in sample.plan.subgroups:
        values = subgroup_of(frame[name])
        levels = list(values.value_counts().sort_index().sort_values(ascending=False, kind="stable").index)
        usable = [level for level in levels if _both_arms(frame[values == level], fewest)]
        for level in usable:
            part = frame[values == level].reset_index(drop=True)
            found = _tried(part, sample.plan)
            rows += [] if found is None else [replace(found, group=_group(arm, name, level))]
        rows += [_interaction(sample, frame, values, arm, name, level, usable[0]) for level in usable[1:]]
    return rows


def _group(arm: str, name: str, level: str) -> str:
    return ";".join(sorted([f"arm={arm}", f"{name}={level}"]))


def _both_arms(frame: pd.DataFrame, fewest: int) -> bool:
    sizes = frame.groupby(TREATED)["pupil"].nunique()
    return len(sizes) == 2 and int(sizes.min()) >= fewest


def _tried(frame: pd.DataFrame, plan: Plan) -> Row | None:
    """The subgroup's own fit, or None where it cannot be fitted (one cluster, for example)."""
    try:
        found = itt(frame, plan)
    except ValueError:
        return None
    return row_of(found.found, "itt", SCOPE, model="adjusted", unit=unit_of(plan), method=found.method)


def _interaction(
    sample: Sample, frame: pd.DataFrame, values: pd.Series, arm: str, name: str, level: str, reference: str
) -> Row:
    """How much the difference in `level` exceeds that in `reference`: least squares, clustered as the main check."""
    pair = frame[values.isin([level, reference])].reset_index(drop=True)
    x = design(pair, sample.plan)
    member = (subgroup_of(pair[name]) == level).astype(float)
    own = pd.DataFrame({"_member": member, "_both": member * pair[TREATED]})
    x = x.loc[:, ~x.columns.str.startswith(f"{name}=")]
    taken = inside(pair, sample.plan, x)
    if taken is not None:  # a subgroup that is a stratum too does not vary inside it
        own = own.loc[:, varies(within(own, taken), own)]
    cluster, kind = clusters(pair, sample.plan)
    found = contrast(ols(pair["y"], pd.concat([x, own], axis=1), cluster=cluster, inside=taken), {"_both": 1.0})
    return row_of(found, "interaction", SCOPE, group=_group(arm, name, level), model="adjusted",
                  unit=unit_of(sample.plan), method=f"OLS, {kind}, against {name}={reference}")  # fmt: skip


def compliance_rows(pupils: Pupils, sample: Sample, arm: str) -> list[Row]:
    """`cace`: the difference in those whom the allocation moved to take part, by started or not and by dose.

    Two-stage least squares with the allocation as instrument, and its first-stage F. None without `compliance`.
    """
    if sample.plan.compliance is None:
        return []
    frame = sample.of_arm(arm, sample.analysed())
    took = _took(pupils, sample.plan.compliance)
    frame = frame.merge(took, on="pupil", how="left").fillna({"started": 0.0, "dose": 0.0})
    names = ["started", *(["dose"] if frame["dose"].nunique() > 2 else [])]
    return [row for name in names if frame[name].nunique() > 1 for row in _cace(sample, frame, arm, name)]


def _took(pupils: Pupils, intervention: str) -> pd.DataFrame:
    listed = frames.interventions(pupils, intervention)
    started = listed["start_date"].notna() | listed["status"].isin(["started", "finished", "left"])
    dose = listed["dose"] if "dose" in listed else pd.Series(0.0, listed.index)
    rows = listed.assign(started=started.astype(float), dose=dose.fillna(0.0).astype(float))
    return rows.groupby("pupil", as_index=False)[["started", "dose"]].max()


def _cace(sample: Sample, frame: pd.DataFrame, arm: str, name: str) -> list[Row]:
    x = design(frame, sample.plan)
    cluster, kind = clusters(frame, sample.plan)
    taken = x.drop(columns=TREATED).assign(**{name: frame[name].astype(float)})
    fit = iv(frame["y"], taken, x, cluster=cluster, inside=inside(frame, sample.plan, x))
    found = contrast(fit.second, {name: 1.0})
    strength = float(fit.first_stage_f.iloc[0])
    group = f"arm={arm}"
    row = row_of(found, "cace", SCOPE, group=group, model=name, unit=unit_of(sample.plan), method=f"2SLS, {kind}")
    return [row, Row("first_stage_f", SCOPE, group=group, model=name, value=strength, unit="F", n=found.n,
                     n_groups=found.n_groups, method=f"excluded instrument, {kind}")]  # fmt: skip


def resampled_rows(sample: Sample, arm: str, seed: int, draws: int) -> list[Row]:
    """`permutation_p` of the primary estimate, reallocating what was drawn inside its strata; and in a cluster trial
    the `itt` interval by a bootstrap of clusters within arms. None for several years of one pupil."""
    plan = sample.plan
    if len(plan.years) > 1:
        return []
    frame = sample.of_arm(arm, sample.analysed())
    x, group = design(frame, plan), f"arm={arm}"
    whole = plan.design == "cluster"
    unit = frame["cluster"] if whole else None
    strata = _strata_of(frame, plan)
    model: Model = "random_intercept" if whole else "least_squares"
    group_of = unit
    if CONSTANT not in x:  # schools and strata too many for columns: the same estimate by their fixed effects
        x, group_of, model = frame[[TREATED, *(["x"] if plan.baseline else [])]], cells(frame, plan), "fixed_effects"
    found = permute(frame["y"], x, TREATED, seed, unit=unit, strata=strata, group=group_of, model=model, draws=draws)
    rows = [
        Row("permutation_p", SCOPE, group=group, model="adjusted", value=found.p, se=found.monte_carlo_se, unit="p",
            n=found.n, n_groups=found.n_units if whole else None,
            method=f"{'every' if found.enumerated else f'{found.draws:,} drawn'} reallocations inside strata")
    ]  # fmt: skip
    if whole:
        boot = bootstrap_clusters(frame["y"], x, TREATED, frame["cluster"], seed, strata=strata, draws=draws)
        rows.append(
            Row("itt", SCOPE, group=group, model="bootstrap", value=boot.estimate, low=boot.low, high=boot.high,
                se=boot.se, confidence_pct=95, unit=unit_of(plan), n=boot.n, n_groups=boot.n_groups,
                method=f"{boot.draws:,} cluster bootstraps within arms, expanded percentile")
        )  # fmt: skip
    return rows


def _strata_of(frame: pd.DataFrame, plan: Plan) -> pd.Series | None:
    names = [*plan.strata, *(["school"] if plan.design == "multi_site" else [])]
    return joined(frame, names) if names else None
