"""What an evaluator rates: detectable effects at three stages, indicative padlocks, months of progress, cost."""

from collections.abc import Sequence

import pandas as pd

from attendlib.facts.trials import UNCHECKED, Rating, cost_rating, design_padlocks, months_of_progress, padlocks
from attendlib.questions.trial.sample import Plan, Sample
from attendlib.records.answer import Row, Scope
from attendlib.records.study import Assumed
from attendlib.stats.power import Design, cluster_randomised, mdes, minimum_detectable, multi_site, pupil_randomised

SCOPE: Scope = "all"
RANDOMISED = 5
INDICATIVE = "indicative, before the reviewers' adjustment for threats to validity"


def mdes_rows(sample: Sample, arm: str, primary: Row, sd: float, assumed: Assumed | None) -> list[Row]:
    """`mdes` at protocol and randomisation (with what the protocol assumed) and at analysis (from the fit itself).

    At randomisation every cluster drawn has its own size, as a random intercept uses them.
    """
    frame = sample.of_arm(arm).drop_duplicates("pupil")
    rows = []
    if assumed is not None:
        clusters = assumed.clusters or frame["school"].nunique()
        rows.append(
            _mdes_row(design_of(sample.plan, assumed.pupils, clusters, 0.5, assumed), arm, "protocol", assumed.pupils)
        )
        rows.append(_mdes_row(_drawn(sample.plan, frame, assumed), arm, "randomisation", len(frame)))
    if primary.se and primary.df and sd > 0:
        value = minimum_detectable(primary.se, primary.df) / sd
        rows.append(
            Row("mdes", SCOPE, group=f"arm={arm}", model="analysis", value=value, df=primary.df, confidence_pct=95,
                unit="standard deviations", n=primary.n, n_groups=primary.n_groups,
                method="80% power, two-sided 5%, from the fit's standard error")
        )  # fmt: skip
    return rows


def _drawn(plan: Plan, frame: pd.DataFrame, assumed: Assumed) -> Design:
    """The design of the pupils allocated, one row each, by what was assumed of the outcome."""
    if plan.design != "cluster":
        return design_of(plan, len(frame), frame["school"].nunique(), float(frame["treated"].mean()), assumed)
    clusters = frame.groupby("cluster")["treated"].agg(["size", "first"])
    sizes, share = clusters["size"].astype(float).tolist(), float(clusters["first"].mean())
    return cluster_randomised(
        len(sizes), sizes, assumed.icc, share=share, r2_pupil=assumed.r2_pupil, r2_cluster=assumed.r2_cluster
    )


def design_of(plan: Plan, pupils: int, clusters: int, share: float, assumed: Assumed) -> Design:
    """The design of `pupils` in `clusters`, `share` of them in the arm, by what was assumed of the outcome."""
    if plan.design == "cluster":
        return cluster_randomised(
            clusters,
            pupils / clusters,
            assumed.icc,
            share=share,
            r2_pupil=assumed.r2_pupil,
            r2_cluster=assumed.r2_cluster,
        )
    if plan.design == "multi_site":
        return multi_site(clusters, pupils / clusters, icc=assumed.icc, share=share, r2_pupil=assumed.r2_pupil)
    return pupil_randomised(pupils, share, assumed.r2_pupil)


def _mdes_row(design: Design, arm: str, stage: str, pupils: int) -> Row:
    method = "80% power, two-sided 5%, as the protocol assumed"
    return Row("mdes", SCOPE, group=f"arm={arm}", model=stage, value=mdes(design), df=design.df, confidence_pct=95,
               unit="standard deviations", n=pupils, method=method)  # fmt: skip


def padlock_rows(rows: Sequence[Row], arm: str) -> list[Row]:
    """`padlock`: each column's padlocks and reason, and the least of them, marked indicative and not checked."""
    stages = {r.model: r for r in rows if (r.estimate, r.group) == ("mdes", f"arm={arm}") and r.value is not None}
    detectable = stages.get("randomisation", stages.get("analysis"))
    lost = next((r for r in rows if r.estimate == "attrition" and r.group == "" and r.value is not None), None)
    if detectable is None or lost is None:
        return []
    assert detectable.value is not None
    assert lost.value is not None
    found = {
        "design": design_padlocks(RANDOMISED),
        "mdes": padlocks("mdes", detectable.value),
        "attrition": padlocks("attrition", lost.value),
    }
    n = detectable.n or 0
    least = min(rating.number for rating in found.values())
    return [
        *(_padlock_row(arm, column, rating, n) for column, rating in found.items()),
        Row("padlock", SCOPE, group=f"arm={arm}", model="lowest", value=float(least), unit="padlocks of 5", n=n,
            method=f"{INDICATIVE}; {UNCHECKED}"),
    ]  # fmt: skip


def _padlock_row(arm: str, column: str, rating: Rating, n: int) -> Row:
    words = f"{rating.words}; {UNCHECKED}"
    return Row("padlock", SCOPE, group=f"arm={arm}", model=column, value=float(rating.number), unit="padlocks of 5",
               n=n, method=words)  # fmt: skip


def months_row(g: Row, plan: Plan) -> list[Row]:
    """`months` of progress for an attainment effect size and its limits; none for attendance, by rule."""
    if plan.is_absence or g.value is None or g.low is None or g.high is None:
        return []
    middle, low, high = (months_of_progress(value) for value in (g.value, g.low, g.high))
    checked = all(rating.checked for rating in (middle, low, high))
    note = "EEF months of progress" + ("" if checked else f"; {UNCHECKED}")
    return [
        Row("months", SCOPE, group=g.group, value=float(middle.number), low=float(low.number), high=float(high.number),
            confidence_pct=g.confidence_pct, unit="months of progress", n=g.n, n_groups=g.n_groups, method=note)
    ]  # fmt: skip


def cost_rows(pounds: float | None, pupils: int) -> list[Row]:
    """`cost_per_pupil`: pounds a pupil a year as the study says, and the EEF's rating in words."""
    if pounds is None:
        return []
    return [
        Row("cost_per_pupil", SCOPE, value=pounds, unit="pounds a year", n=pupils, method=cost_rating(pounds).words)
    ]
