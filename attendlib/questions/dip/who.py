"""Whose absence it is: groups at equal earlier absence, feeder schools, and what share of all absence each carries."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from attendlib.disclosure import limit, withheld
from attendlib.questions.common import independent, indicators, row_of
from attendlib.questions.dip.cohort import Cohort
from attendlib.questions.dip.expected import Curve, beyond_expected, differences, how, make_curve
from attendlib.questions.dip.moves import labels
from attendlib.records.answer import Row
from attendlib.stats.fit import contrast
from attendlib.stats.ols import ols
from attendlib.stats.pooling import partial_pool
from attendlib.stats.shares import mean_interval
from attendlib.stats.spline import basis, natural_spline

WHO = ("fsm6", "fsm", "sen", "sex", "first_choice", "joined")
GRACE = timedelta(days=14)  # a later entry than this after the year's first day is an in-year joiner
SPLINE_FOR = 60  # pupils: fewer, and earlier absence enters as a straight line
FEWEST_OF_A_FEEDER = 10  # feeders with fewer pupils are put together
SMALLER = "feeder=smaller"
FEEDERS_TO_POOL = 8  # fewer hardly show how far feeders differ


def characteristics(cohort: Cohort, first_day: date) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each column of WHO known for more than one kind of pupil, with the movers' `group` set to it.

    Everything but `first_choice` and `joined` is as it was before the move; FSM once, as the study's `by` has it.
    """
    frame = cohort.frame.assign(joined=_joined(cohort.frame, first_day))
    fsm = cohort.asked.by if cohort.asked.by in ("fsm", "fsm6") else "fsm6" if frame["fsm6"].notna().any() else "fsm"
    extra = () if cohort.asked.by in (*WHO, None) else (cohort.asked.by,)
    for column in (*WHO, *extra):
        if column in ("fsm", "fsm6") and column != fsm:
            continue
        known = frame[column].notna()
        if known.any() and frame.loc[known, column].nunique() > 1:
            yield str(column), frame.assign(group=_merged(labels(frame[column], str(column)), cohort))


def _merged(group: pd.Series, cohort: Cohort) -> pd.Series:
    """SEN support and plans as one group where either is too small to show."""
    some = group.isin(["sen=K", "sen=E"])
    small = group[some].value_counts().lt(limit(cohort.asked.audience)).any()
    return group.where(~some, "sen=KE") if small else group


def _joined(frame: pd.DataFrame, first_day: date) -> pd.Series:
    """1 for pupils who came after the year had begun, 0 for others, missing where no entry date is known."""
    entry = pd.to_datetime(frame["entry_date"])
    return (entry > pd.Timestamp(first_day + GRACE)).astype(float).where(entry.notna())


def who_rows(cohort: Cohort, column: str, frame: pd.DataFrame) -> list[Row]:
    """For each value of `column`: dip beyond a curve of its own kind, gap at equal earlier absence, and shares."""
    dips = [] if column == cohort.asked.by else _dips(cohort, column, frame)  # the study's own groups are there already
    return [*dips, *_gaps(frame, column), *_shares(frame, limit(cohort.asked.audience))]


def _dips(cohort: Cohort, column: str, frame: pd.DataFrame) -> list[Row]:
    """Dips by group; where reference pupils have the same characteristic, the curve knows it too."""
    if not isinstance(cohort.curve, Curve):
        return []
    curve = _curve_by(cohort, cohort.curve, column, merged=bool(frame["group"].eq("sen=KE").any()))
    rows: list[Row] = []
    for group in ("", *sorted(frame["group"].unique())):
        part = frame if not group else frame[frame["group"] == group]
        told = {"group": group, "model": f"by {column}", "unit": "percentage points"}
        if len(part) < 2:
            rows.append(Row("dip", "school", n=len(part), **told))
        else:
            found = beyond_expected(part, curve)
            rows.append(row_of(found, "dip", "school", method=how(curve, found), **told))
    return rows


def _curve_by(cohort: Cohort, curve: Curve, column: str, merged: bool) -> Curve:
    """The curve with levels of `column` in place of the study's groups, where the reference pupils have it."""
    reference = curve.frame
    if column not in reference or not reference[column].notna().any():
        return curve
    again = make_curve(
        curve.kind,
        reference.assign(group=labels(reference[column], column)),
        cohort.asked.school,
        cohort.asked.audience,
    )
    return again if isinstance(again, Curve) else curve


def _gaps(frame: pd.DataFrame, column: str) -> list[Row]:
    """Absence after the move against the commonest group's, at equal absence before it; HC2, this school's pupils."""
    groups = indicators(frame, ["group"])
    line = frame["before"].to_frame("before")
    if len(frame) >= SPLINE_FOR:
        line = basis(natural_spline(frame["before"], df=3, name="before"), frame["before"])
    line.insert(0, "constant", 1.0)
    design = independent(pd.concat([line, groups], axis=1))
    if len(frame) <= design.shape[1] + 1:
        return []
    fit = ols(frame["after"], design)
    rows = []
    for name in (name for name in groups.columns if name in design.columns):
        group = name.partition("=")[2]
        base = "the commonest group"
        row = row_of(
            contrast(fit, {name: 1.0}), "gap", "school", group=group, model=f"by {column}", unit="percentage points",
            method=f"against {base} at equal earlier absence, HC2",
        )  # fmt: skip
        rows.append(replace(row, n=int(groups[name].sum())))
    return rows


def _shares(frame: pd.DataFrame, fewest: int) -> list[Row]:
    """What share of pupils, of sessions missed, and of persistently absent pupils each group is.

    A group is its total less the other groups. So all are withheld where one is of fewer than `fewest` pupils, and one
    kind of share where a group is few of its total, or all but a few of the group's pupils are counted. Withheld here,
    not at the gate: `n` is of the total, so a small one there would withhold every other figure of the group.
    """
    group = frame["group"].to_numpy()
    sizes = pd.Series(1, index=frame.index).groupby(group).sum()
    persistent = (frame["persistent_after"] > 0).astype(int).groupby(group).sum()
    missed = frame["absent_after"].astype(int).groupby(group).sum()
    few = bool(sizes.lt(fewest).any())
    return [
        *_of_total("share_of_pupils", "percent of pupils", sizes, few, fewest),
        *_of_total("share_of_absence", "percent of sessions missed", missed, few, fewest),
        *_of_total(
            "share_of_persistent", "percent of persistently absent pupils", persistent,
            few or bool((sizes - persistent).lt(fewest).any()), fewest,
        ),
    ]  # fmt: skip


def _of_total(name: str, unit: str, counted: pd.Series, hidden: bool, fewest: int) -> list[Row]:
    """Each group's share of what all groups add up to: all of them, or none where they are `hidden` or one is few."""
    total = int(counted.sum())
    rows = [
        Row(name, "school", group=str(group), value=100 * int(numerator) / total if total else None, unit=unit, n=total,
            numerator=int(numerator), method="share of a total, no interval")
        for group, numerator in counted.items()
    ]  # fmt: skip
    few = any(min(each, total - each) < fewest for each in map(int, counted))
    return [withheld(row) for row in rows] if hidden or few else rows


def feeders(frame: pd.DataFrame) -> pd.Series:
    """`feeder=` and the school before the move; feeders of fewer than FEWEST_OF_A_FEEDER pupils are put together."""
    counts = frame.groupby("school_before")["pupil"].transform("size")
    return ("feeder=" + frame["school_before"].astype(str)).where(counts >= FEWEST_OF_A_FEEDER, SMALLER)


def feeder_rows(cohort: Cohort) -> list[Row]:
    """Each feeder's movers: mean dip (or change where nothing is expected); pooled too from FEEDERS_TO_POOL on."""
    frame = cohort.frame.assign(group=feeders(cohort.frame))
    if frame["group"].nunique() < 2:
        return []
    name, value = "change", frame["change"]
    if isinstance(cohort.curve, Curve):
        name, value = "dip", differences(cohort.frame, cohort.curve)
    rows = []
    for group in ("", *sorted(frame["group"].unique())):
        part = value if not group else value[(frame["group"] == group).to_numpy()]
        told = {"group": group, "model": "by feeder", "unit": "percentage points", "method": "mean, HC2"}
        if len(part) < 2:
            rows.append(Row(name, "school", n=len(part), **told))
        else:
            rows.append(row_of(mean_interval(part), name, "school", **told))
    return rows + _pooled([row for row in rows if row.group not in ("", SMALLER)], spread(cohort))


def _pooled(rows: Sequence[Row], sd: float) -> list[Row]:
    """Each feeder drawn to the mean of all, the smaller the more; one standard deviation serves every feeder."""
    if len(rows) < FEEDERS_TO_POOL or not sd > 0:
        return []
    value = pd.Series([row.value for row in rows], dtype=float)
    found = partial_pool(value, pd.Series([sd / (row.n or 1) ** 0.5 for row in rows]))
    return [
        replace(
            row, model="by feeder, pooled", value=float(found.value[place]), low=float(found.low[place]),
            high=float(found.high[place]), se=float(found.se[place]), df=None, p=None, method="partial pooling",
        )
        for place, row in enumerate(rows)
    ]  # fmt: skip


def spread(cohort: Cohort) -> float:
    """The standard deviation of one mover's difference, in points: what the limits of the funnel rest on."""
    found = differences(cohort.frame, cohort.curve) if isinstance(cohort.curve, Curve) else cohort.frame["change"]
    return float(np.std(found, ddof=1))
