"""What stands around a trial's estimate: who was lost, how alike the arms were, whether lots were drawn rightly."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite

import pandas as pd

from attendlib.disclosure import limit, publishable_steps
from attendlib.questions.common import rescaled, row_of
from attendlib.questions.trial.primary import Itt, itt
from attendlib.questions.trial.sample import Plan, Sample, joined, subgroup_of
from attendlib.records.answer import WITHHELD, Check, Row, Scope, Step
from attendlib.stats.effect_size import hedges_g
from attendlib.stats.reallocate import balance_redrawn, runs_in_order

ALL_ARMS: Scope = "all"
UNLIKELY = 0.01  # an allocation this rare under drawing lots is worth asking about
RUNS = "Order of the list"
BALANCE = "Balance beside lots drawn anew"
ORDERS = {
    "list_order": "the list's order",
    "school": "school number",
    "authority": "local authority and school number",
}
ONE_ARM = "Strata with one arm"
LISTED = "Everyone randomised is listed"
ONLY_ANALYSED = (
    "Nobody was lost between the draw and the outcome, which is rare. If the allocation lists only pupils with an"
    " outcome, how many were lost is not known, and neither is whether the arms lost alike."
)


def flow(sample: Sample, audience: str) -> dict[str, tuple[Step, ...]]:
    """For each arm: randomised, lost at each step, analysed. Where one arm's loss is small, every arm's is withheld."""
    arms = (*sample.arms, sample.control)
    raw = {arm: steps_of(sample, arm) for arm in arms}
    if _small_loss(raw, audience):
        raw = {arm: _one_loss(steps) for arm, steps in raw.items()}
    if _small_loss(raw, audience):
        return {arm: (Step("analysed", None, steps[-1].left),) for arm, steps in raw.items()}
    return {arm: publishable_steps(steps, audience) for arm, steps in raw.items()}


def losses_may_be_shown(sample: Sample, audience: str) -> bool:
    """Whether figures of those randomised may stand beside figures of those analysed without giving a few away."""
    raw = {arm: _one_loss(steps_of(sample, arm)) for arm in (*sample.arms, sample.control)}
    return not _small_loss(raw, audience)


def flow_rows(sample: Sample, audience: str) -> list[Row]:
    """`flow`: for each arm, pupils still in after each step (model), and `flow_lost`, those who left at it."""
    return [
        row
        for arm, steps in flow(sample, audience).items()
        for step in steps
        for row in (
            _flow_row("flow", arm, step.reason, step.left),
            *([_flow_row("flow_lost", arm, step.reason, step.lost)] if step.lost != 0 else []),
        )
    ]


def _flow_row(estimate: str, arm: str, reason: str, n: int | None) -> Row:
    hidden = WITHHELD if n is None else ""
    value = None if n is None else float(n)
    return Row(estimate, ALL_ARMS, group=f"arm={arm}", model=reason, value=value, unit="pupils", n=n, withheld=hidden)


def steps_of(sample: Sample, arm: str) -> tuple[Step, ...]:
    """Pupils; one with an outcome in any year counts as having one."""
    rows = sample.frame[sample.frame["arm"] == arm]
    per_pupil = rows.groupby("pupil").agg(y=("y", "count"), x=("x", "count"))
    with_y = per_pupil[per_pupil["y"] > 0]
    steps = [Step("randomised", 0, len(per_pupil)), Step("no outcome", len(per_pupil) - len(with_y), len(with_y))]
    if sample.plan.baseline:
        with_x = int((with_y["x"] > 0).sum())
        steps.append(Step("no baseline", len(with_y) - with_x, with_x))
    return tuple(steps)


def _one_loss(steps: Sequence[Step]) -> tuple[Step, ...]:
    lost = sum(step.lost or 0 for step in steps)
    return steps[0], Step("no outcome or no baseline", lost, steps[-1].left)


def _small_loss(flows: dict[str, tuple[Step, ...]], audience: str) -> bool:
    return any(0 < (step.lost or 0) < limit(audience) for steps in flows.values() for step in steps)


def attrition_rows(sample: Sample, audience: str) -> list[Row]:
    """`attrition`: pupils randomised and not analysed, of those randomised, in each arm and in all; and how much more
    of each arm than of control (`differential`), where both may be shown."""
    first = {arm: _one_loss(steps_of(sample, arm)) for arm in (*sample.arms, sample.control)}
    counts = {f"arm={arm}": (steps[1].lost or 0, steps[0].left or 0) for arm, steps in first.items()}
    counts[""] = (sum(lost for lost, _ in counts.values()), sum(n for _, n in counts.values()))
    rows = [
        Row("attrition", ALL_ARMS, group=group, value=100 * lost / n, unit="percent", n=n, numerator=lost,
            method="randomised and not analysed, of those randomised")
        for group, (lost, n) in counts.items() if n
    ]  # fmt: skip
    control = f"arm={sample.control}"
    enough = {group for group, (lost, n) in counts.items() if min(lost, n - lost) >= limit(audience)}
    return rows + [
        Row("attrition", ALL_ARMS, group=group, model="differential", unit="percentage points",
            value=100 * counts[group][0] / counts[group][1] - 100 * counts[control][0] / counts[control][1],
            n=counts[group][1] + counts[control][1], method="the arm's less control's")
        for group in counts if group not in ("", control) and {group, control} <= enough
    ]  # fmt: skip


def balance_rows(sample: Sample, shown: bool, audience: str) -> list[Row]:
    """`baseline_g`: Hedges' g of the baseline and each subgroup's share, as analysed and as randomised.

    Inside schools and strata where lots were drawn there: where more are drawn in one than in another, arms differ
    over all of them by design.
    As randomised only where losses may be `shown`, and a baseline is not lacking for a few of an arm.
    """
    samples = {"analysed": sample.analysed()} | ({"randomised": sample.frame} if shown else {})
    rows = []
    for model, frame in samples.items():
        pupils = frame.drop_duplicates("pupil")
        for arm in sample.arms:
            part = sample.of_arm(arm, pupils)
            known = [(name, x) for name, x in _characteristics(sample, part) if not _few_unknown(part, x, audience)]
            rows += [row for name, x in known if (row := _balance(part, x, name, arm, model, sample.plan))]
    return rows


def _few_unknown(frame: pd.DataFrame, x: pd.Series, audience: str) -> bool:
    return any(0 < int(count) < limit(audience) for count in x.isna().groupby(frame["treated"]).sum())


def _characteristics(sample: Sample, frame: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """Numbers to compare between arms: the baseline, and 0/1 for each value of each subgroup but the commonest."""
    found = [("baseline", frame["x"])] if sample.plan.baseline else []
    for name in sample.plan.subgroups:
        values = subgroup_of(frame[name])
        for level in values.value_counts().sort_index().sort_values(kind="stable").index[:-1]:
            found.append((f"{name}={level}", (values == level).astype(float)))
    return found


def _balance(frame: pd.DataFrame, x: pd.Series, name: str, arm: str, model: str, plan: Plan) -> Row | None:
    known = x.notna()
    treated, control = (x[known & (frame["treated"] == side)] for side in (1, 0))
    if min(len(treated), len(control)) < 2 or treated.nunique() == control.nunique() == 1:
        return None
    row = Row("baseline_g", ALL_ARMS, outcome=name, group=f"arm={arm}", model=model, confidence_pct=95,
              unit="standard deviations", n=int(known.sum()))  # fmt: skip
    g = hedges_g(treated, control)
    inside = _inside(frame[known].assign(y=x[known]), plan)
    if inside is None:
        return replace(row, value=g.value, low=g.low, high=g.high, se=g.se, method="Hedges' g, pooled SD")
    found = rescaled(row_of(inside.found, "", ALL_ARMS), g.j / g.sd, "baseline_g", row.unit)
    return replace(row, value=found.value, low=found.low, high=found.high, se=found.se, df=found.df,
                   method=f"Hedges' g, pooled SD; {inside.method}")  # fmt: skip


def _inside(frame: pd.DataFrame, plan: Plan) -> Itt | None:
    """The difference of `y` inside schools and strata; None where lots were not drawn there, or these are too few."""
    if not plan.strata and plan.design != "multi_site":
        return None
    try:
        found = itt(frame, replace(plan, years=plan.years[:1]), baseline=False)
    except ValueError:
        return None
    return found if isfinite(found.found.se) else None


def allocation_checks(sample: Sample, authorities: Mapping[str, str], seed: int) -> list[Check]:
    """Is the allocation in the order of a list, and is the baseline as lots would leave it?

    `authorities` is each school's local authority, where known: lists are often sorted by it.
    """
    units = _units(sample, authorities)
    strata = _strata(units, sample)
    checks = [
        check for column, words in ORDERS.items() if (check := _order_check(units, strata, column, words, seed, sample))
    ]
    checks += [check for arm in sample.arms if (check := _balance_check(units, sample, arm, seed))]
    checks += _one_armed(units["arm"], strata)
    return checks if _lost_any(sample) else [*checks, Check(LISTED, None, ONLY_ANALYSED)]


def _one_armed(arms: pd.Series, strata: pd.Series) -> list[Check]:
    """Blocks in which nothing can be compared are told, not dropped quietly."""
    alone = arms.groupby(strata.to_numpy()).nunique().eq(1)
    if len(alone) < 2 or not alone.any():
        return []
    text = f"{int(alone.sum())} of {len(alone)} strata or schools hold one arm only: nothing is compared inside them."
    return [Check(ONE_ARM, None, text)]


def _lost_any(sample: Sample) -> bool:
    return any(step.lost for arm in (*sample.arms, sample.control) for step in steps_of(sample, arm))


def _units(sample: Sample, authorities: Mapping[str, str]) -> pd.DataFrame:
    """One row a unit that was drawn: pupils, or clusters with their mean baseline."""
    pupils = sample.frame.drop_duplicates("pupil")
    if sample.plan.design != "cluster":
        return pupils.reset_index(drop=True)
    names = ["arm", "school", *sample.plan.strata, *(["list_order"] if "list_order" in pupils else [])]
    first = pupils.groupby("cluster")[list(dict.fromkeys(names))].first()
    units = first.join(pupils.groupby("cluster")["x"].mean()).reset_index()
    authority = units["school"].map(authorities)
    return units if authority.nunique() < 2 else units.assign(authority=authority + " " + units["school"])


def _strata(units: pd.DataFrame, sample: Sample) -> pd.Series:
    names = [*sample.plan.strata, *(["school"] if sample.plan.design == "multi_site" else [])]
    return joined(units, names)


def _order_check(
    units: pd.DataFrame, strata: pd.Series, column: str, words: str, seed: int, sample: Sample
) -> Check | None:
    """Whether arms follow one another in runs when units are put in order inside their strata."""
    if column not in units or units[column].isna().any() or units[column].nunique() < 2:
        return None
    if column == "school" and sample.plan.design != "cluster":
        return None
    order = pd.factorize(units[column], sort=True)[0]
    found = runs_in_order(units["arm"], order, seed, strata)
    text = (
        f"By {words}, {_drawn(sample, found.n)} of {found.n_strata} strata change arm"
        f" {found.observed - found.n_strata:.0f} times; lots drawn {found.draws:,} times anew change"
        f" {found.expected - found.n_strata:.0f} times on average, and as seldom as this in {_of_thousand(found.p)}."
    )
    return Check(f"{RUNS} ({words})", found.p >= UNLIKELY, text)


def _balance_check(units: pd.DataFrame, sample: Sample, arm: str, seed: int) -> Check | None:
    part = sample.of_arm(arm, units)
    part = part[part["x"].notna()].reset_index(drop=True)
    if not sample.plan.baseline or part["treated"].nunique() < 2 or part["x"].nunique() < 2:
        return None
    found = balance_redrawn(part["treated"], part["x"], seed, _strata(part, sample))
    text = (
        f"The baseline of {arm} and {sample.control} differs by {found.observed:.2f}; lots drawn {found.draws:,} times"
        f" anew differ at least as far in {_of_thousand(found.p)} ({_drawn(sample, found.n)})."
    )
    return Check(f"{BALANCE} ({arm})", found.p >= UNLIKELY, text)


def _drawn(sample: Sample, n: int) -> str:
    """What was drawn, clusters counted; how many pupils were is for the flow to say, or to withhold."""
    return f"{n} clusters" if sample.plan.design == "cluster" else "pupils"


def _of_thousand(p: float) -> str:
    times = round(1000 * p)
    return f"{times} of 1,000" if times else "under 1 of 1,000"
