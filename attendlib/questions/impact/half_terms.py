"""Difference in differences on half-terms: the gap between both groups, beside what it was before; and its doubts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from attendlib.errors import QuestionError
from attendlib.facts.years import academic_year_before
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import row_of
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Compared, Refused
from attendlib.questions.impact.figures import found_clusters, point_row
from attendlib.questions.impact.models import RAW, points_fewer
from attendlib.questions.impact.placebo import placebo_check, placebo_words
from attendlib.records.answer import Check, Row
from attendlib.stats.fit import Estimate
from attendlib.stats.honest_trends import relative_magnitudes

FEWEST_BEFORE = 2  # half-terms: fewer show no course
BOUNDS = (0.5, 1.0, 2.0)  # how much faster than before the groups may have drawn apart (Rambachan and Roth's M)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Pupils by half-term: `absent` and `possible` (pupils, half-terms), names such as 2023/24-3, and when."""

    found: Compared
    names: tuple[str, ...]
    absent: np.ndarray
    possible: np.ndarray
    starts: tuple[date, ...]
    before: np.ndarray
    after: np.ndarray

    def rate(self, which: np.ndarray) -> pd.Series:
        """Each pupil's rate over the chosen half-terms together; NaN where none was possible."""
        possible = self.possible[:, which].sum(axis=1)
        rate = np.divide(
            self.absent[:, which].sum(axis=1), possible, np.full(len(possible), np.nan), where=possible > 0
        )
        return pd.Series(rate, self.found.frame.index)

    def gap(self, after: np.ndarray, before: np.ndarray) -> Estimate:
        """Points fewer absent in `after` than in `before`, referred less compared, within school."""
        frame = self.found.frame.assign(outcome=self.rate(after) - self.rate(before))
        clusters = found_clusters(self.found)
        kept = frame["outcome"].notna().to_numpy()
        return points_fewer(
            frame[kept].reset_index(drop=True), RAW, None if clusters is None else np.asarray(clusters)[kept]
        )


def panel(pupils: Pupils, asked: Asked, found: Compared) -> Panel:
    """The pupils of a comparison by half-term. Raises Refused, saying why the design cannot be had.

    The half-terms over which pupils were chosen are skipped; whole groups are chosen without one, so none is.
    """
    if asked.comparison == "earlier_cohort":
        raise Refused("not_applicable", "half-terms of an earlier cohort are not those of the referred")
    periods = _periods(pupils, asked, found)
    keys = found.frame["pupil"].to_numpy()
    names = tuple(sorted(periods["name"].unique()))
    grids = [_grid(periods, column, keys, names) for column in ("absent", "possible")]
    dates = periods.groupby("name")[["period_start", "period_end"]].agg({"period_start": "min", "period_end": "max"})
    starts, ends = (pd.to_datetime(dates.loc[[*names], column]) for column in ("period_start", "period_end"))
    windows = found.windows
    opens = windows.outcome.from_date if found.by_group and not asked.rule else windows.window.from_date
    before = (ends < pd.Timestamp(opens)).to_numpy()
    if asked.baseline:
        before = before & (starts >= pd.Timestamp(asked.baseline.from_date)).to_numpy()
    after = (
        (starts >= pd.Timestamp(windows.outcome.from_date)) & (ends <= pd.Timestamp(windows.outcome.to_date))
    ).to_numpy()
    if before.sum() < FEWEST_BEFORE:
        raise Refused(
            "not_applicable", "fewer than two half-terms are held from before pupils were chosen: no course can be seen"
        )
    if not after.any():
        raise Refused("not_applicable", "no whole half-term lies within the outcome's dates")
    return Panel(found, names, grids[0], grids[1], tuple(day.date() for day in starts), before, after)


def _periods(pupils: Pupils, asked: Asked, found: Compared) -> pd.DataFrame:
    parts = []
    for year in (academic_year_before(asked.year), asked.year):
        try:
            parts.append(frames.absence_by_half_term(pupils, year))
        except QuestionError as error:
            if year == asked.year:
                raise Refused("not_applicable", str(error).rstrip(".")) from error
    whole = pd.concat(parts, ignore_index=True)
    whole = whole[whole["pupil"].isin(found.frame["pupil"])]
    return whole.assign(name=whole["academic_year"] + "-" + whole["half_term"].astype(str))


def _grid(periods: pd.DataFrame, column: str, keys: np.ndarray, names: Sequence[str]) -> np.ndarray:
    wide = periods.pivot_table(index="pupil", columns="name", values=column, aggfunc="sum", observed=True)
    return wide.reindex(index=keys, columns=[*names]).fillna(0.0).to_numpy(float)


def did_rows(panel: Panel) -> list[Row]:
    """The difference in differences (points): all half-terms after against all before, the time of choosing skipped."""
    row = point_row(panel.found, panel.gap(panel.after, panel.before), "half_terms")
    return [replace(row, n=len(panel.found.frame))]


def event_rows(panel: Panel) -> list[Row]:
    """Each half-term's gap beside the mean gap before: points fewer absent among the referred."""
    rows = []
    for place in np.flatnonzero(panel.before | panel.after):
        estimate = panel.gap(_only(panel, place), panel.before)
        period = "before" if panel.before[place] else "after"
        labels = {"group": f"half_term={panel.names[place]};period={period}", "unit": "percentage points"}
        row = row_of(estimate, "half_term_gap", panel.found.scope, method="OLS of the change since before", **labels)
        rows.append(replace(row, n=len(panel.found.frame)))  # one or two without a half-term are no group of their own
    return rows


def _only(panel: Panel, place: int | np.integer) -> np.ndarray:
    return np.arange(len(panel.names)) == place


def placebo_checks(panel: Panel, dates: Sequence[date]) -> list[Check]:
    """A start that never was, inside the time before: the gap should not move there."""
    inside = np.flatnonzero(panel.before)
    named = [*dates] or [panel.starts[inside[len(inside) // 2]]]
    return [_placebo(panel, day) for day in named]


def _placebo(panel: Panel, day: date) -> Check:
    name = f"Placebo start on {day.day} {day:%B %Y}"
    later = panel.before & np.array([start >= day for start in panel.starts])
    sooner = panel.before & ~later
    if not later.any() or not sooner.any():
        return Check(name, None, "No half-term from before pupils were chosen lies on both sides of this day.")
    found = panel.gap(later, sooner)
    said = placebo_words(found.value, found.low, found.high, "points fewer absent")
    return placebo_check(
        name, found.p, "The groups were drawing apart before anything began", "No sign of a change where none could be",
        said,
    )  # fmt: skip


def bound_rows(panel: Panel) -> list[Row]:
    """Honest-trend bounds: the interval if the groups drew apart at most M times as fast as they did before.

    All half-terms after are set beside the last one before, skipped half-terms counted (`relative_magnitudes`).
    `breakdown_m` is the M at which the interval first holds no difference; none where the gap never moved before.
    """
    before, after = np.flatnonzero(panel.before), np.flatnonzero(panel.after)
    gaps = [panel.gap(_only(panel, place), panel.before).value for place in before]
    estimate = panel.gap(panel.after, _only(panel, before[-1]))
    found = relative_magnitudes(gaps, estimate, float((after - before[-1]).mean()), BOUNDS)
    base = row_of(estimate, "did_bounds", panel.found.scope, unit="percentage points", method="relative magnitudes")
    base = replace(base, se=None, df=None, p=None, n=len(panel.found.frame))
    rows = [replace(base, group=f"m={each.m:g}", low=each.low, high=each.high) for each in found.bounds]
    if not np.isfinite(found.breakdown):
        return rows
    return [*rows, replace(base, estimate="breakdown_m", value=found.breakdown, low=None, high=None, unit="times")]
