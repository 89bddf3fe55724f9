"""Other defensible choices, outcomes nothing could have moved, and how strong a hidden difference would have to be."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from itertools import product

import numpy as np
import pandas as pd

from attendlib.facts.definitions import DAYS_A_YEAR, FEWEST_SESSIONS_BANDED, SESSIONS_A_DAY
from attendlib.intake.load import Pupils
from attendlib.intake.spans import absence_in_spans
from attendlib.questions.common import rescaled, row_of
from attendlib.questions.impact.chosen import Compared
from attendlib.questions.impact.figures import annual, found_clusters
from attendlib.questions.impact.models import EARLIER, Model, Unfit, design_matrix, points_fewer
from attendlib.questions.impact.placebo import placebo_check, placebo_words
from attendlib.questions.windows import middle
from attendlib.records.answer import NOT_AVAILABLE, Check, Row


def choices(found: Compared, characteristics: tuple[str, ...], weights: tuple[str, ...]) -> Iterator[tuple[str, Model]]:
    """Every defensible way of comparing these pupils, as 'key=value;…' and its model.

    Not among them: holding only the time of choosing alike (no guard against a return to the usual), or nothing.
    """
    if not found.has_baseline:
        return
    year_groups = () if found.by_group else ("year_group",)
    known = {"no": year_groups, **({"yes": (*year_groups, *characteristics)} if characteristics else {})}
    alike = {"both": EARLIER, "baseline": EARLIER[1:]}
    for (named, earlier), curve, (use, also), weight in product(
        alike.items(), ("spline", "line"), known.items(), ("", *weights)
    ):
        key = f"alike={named};characteristics={use};curve={curve};weights={weight or 'none'}"
        yield key, Model(earlier, curve, also=also, weight=weight)
    for use, also in known.items():
        yield f"alike=change;characteristics={use};curve=none;weights=none", Model(change=True, also=also)


def choice_rows(found: Compared, characteristics: tuple[str, ...], weights: tuple[str, ...]) -> list[Row]:
    """One row a choice: fewer days (a year, or in the window where that is short) by that way of comparing."""
    clusters = found_clusters(found)
    unit, per_point = _days(found)
    rows = []
    design = cache(partial(design_matrix, found.frame))  # ways that differ by their weights alone share it
    for key, model in choices(found, characteristics, weights):
        try:
            estimate = points_fewer(found.frame, model, clusters, design=design(replace(model, weight="")))
        except Unfit:  # a school too small for this many things held alike
            rows.append(Row("choice", found.scope, group=key, unit=unit, method="OLS", withheld=NOT_AVAILABLE))
            continue
        points = row_of(estimate, "choice", found.scope, group=key, method="OLS")
        points = replace(points, n=len(found.frame))  # as many as are compared, whatever weights make of them
        rows.append(rescaled(points, per_point, "choice", unit))
    return rows


def _days(found: Compared) -> tuple[str, float]:
    if annual(found):
        return "days a year", DAYS_A_YEAR / 100
    return "days in the window", float(found.frame["possible_outcome"].mean()) / SESSIONS_A_DAY / 100


def fixed_choice(own: list[Row]) -> list[Row]:
    """The design on half-terms as one choice more, where it is the one the study fixed first."""
    days = {row.estimate: row for row in own if row.estimate.startswith("days_fewer")}
    row = days.get("days_fewer", days.get("days_fewer_in_window"))
    group = "alike=half_terms;characteristics=no;curve=none;weights=none"
    return [] if row is None else [replace(row, estimate="choice", model="", group=group, method="OLS")]


def placebo_rows(pupils: Pupils, found: Compared) -> list[Row]:
    """Differences in what the support could not have moved, by the main model: they should hold no difference.

    `earlier_absence`: absence in the later half of the baseline, given its earlier half and the time of choosing, in
    points; `possible_sessions`: sessions that could be attended in the outcome, as a percent of the mean (a change of
    code to one that does not count would show here).
    """
    frame = found.frame
    rows = []
    if found.has_baseline and not (frame["back"].any()):
        halves = _halves(pupils, found)
        enough = halves.notna().all(axis=1)
        if enough.sum() >= len(frame) / 2:
            part = frame[enough].assign(outcome=halves["later"], baseline=halves["sooner"])
            rows.append(_placebo(found, part, "earlier_absence", "percentage points"))
    possible = frame["possible_outcome"].astype(float)
    if possible.nunique() > 1:
        share = possible / possible.mean()
        rows.append(_placebo(found, frame.assign(outcome=share), "possible_sessions", "percent of the mean"))
    return rows


def _placebo(found: Compared, part: pd.DataFrame, name: str, unit: str) -> Row:
    clusters = None if found.clusters is None else found.clusters[part.index].to_numpy()
    year_groups = () if found.by_group else ("year_group",)
    model = Model(EARLIER if found.has_baseline else EARLIER[:1], also=year_groups)
    estimate = points_fewer(part.reset_index(drop=True), model, clusters)
    row = row_of(estimate, "placebo", found.scope, group=f"outcome={name}", unit=unit, method="the main model")
    return replace(row, n=len(found.frame))  # a few pupils without either half are not a group of their own


def _halves(pupils: Pupils, found: Compared) -> pd.DataFrame:
    dates = found.windows.baseline
    cut = middle(dates)
    spans = {"sooner": (dates.from_date, cut), "later": (cut, dates.to_date)}
    halves = pd.DataFrame(index=found.frame.index)
    for name, sums in zip(spans, absence_in_spans(pupils, [*spans.values()], found.frame["pupil"]), strict=True):
        sums = sums.groupby("pupil")[["possible", "absent"]].sum()
        sums = sums[sums["possible"] >= FEWEST_SESSIONS_BANDED]
        halves[name] = found.frame["pupil"].map(sums["absent"] / sums["possible"]).astype(float)
    return halves


def placebo_outcome_checks(rows: list[Row]) -> list[Check]:
    """Each placebo outcome as a check: it fails where a difference stands out at 1 in 100."""
    words = {
        "earlier_absence": ("Placebo outcome: absence before pupils were chosen", "points fewer absent"),
        "possible_sessions": ("Placebo outcome: sessions that could be attended", "percent fewer of them"),
    }
    return [_check(row, *words[row.group.partition("=")[2]]) for row in rows]


def _check(row: Row, name: str, unit: str) -> Check:
    if row.p is None or row.value is None or row.low is None or row.high is None:
        return Check(name, None, "Too few groups to say.")
    value = placebo_words(row.value, row.low, row.high, unit)
    return placebo_check(name, row.p, "A difference where none could be", "No clear difference, as it should be", value)


def by_chance_rows(schools: int, n: int, false_share: float) -> list[Row]:
    """How many of `schools` pages would read 'Probably helped' by chance alone, at most; and any at all (percent)."""
    if schools < 2:
        return []
    base = Row("verdicts_by_chance", "all", value=schools * false_share, n=n, unit="schools", n_groups=schools,
               method=f"{100 * false_share:g} in 100 at most for each school, from simulation")  # fmt: skip
    any_at_all = 100 * (1 - (1 - false_share) ** schools)
    return [base, replace(base, estimate="any_verdict_by_chance", value=any_at_all, unit="percent chance")]


def spread_of(rows: list[Row]) -> tuple[float, float] | None:
    """The least and the greatest figure over every choice."""
    values = np.array([row.value for row in rows if row.value is not None])
    return (float(values.min()), float(values.max())) if len(values) else None
