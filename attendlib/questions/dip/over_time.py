"""When in the year it happens: each half-term of both years, the first half-term apart, and the year after."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from attendlib.facts.years import academic_year_from
from attendlib.questions.common import row_of
from attendlib.questions.dip.cohort import Cohort, over, stayers
from attendlib.questions.dip.expected import FEWEST_REFERENCE, Curve, beyond_expected, how
from attendlib.questions.dip.moves import labels
from attendlib.questions.dip.sessions import sessions_of
from attendlib.questions.dip.year import COUNTED, Year
from attendlib.records.answer import Row
from attendlib.stats.shares import mean_interval

PARTS = ((1,), (2, 3, 4), (5, 6))  # the first half-term apart: Year 7 tends to start low and climb


def part_name(halves: Sequence[int]) -> str:
    """'half-term 1', 'half-terms 2 to 4'."""
    return f"half-term {halves[0]}" if len(halves) == 1 else f"half-terms {halves[0]} to {halves[-1]}"


def part_rows(cohort: Cohort) -> list[Row]:
    """Change, and dip where there is a curve, over each part of the year: those with enough sessions in it."""
    rows: list[Row] = []
    for part in PARTS:
        halves = tuple(half for half in part if half in cohort.halves)
        if halves and halves != cohort.halves:
            rows += _part(cohort, halves)
    return rows


def _part(cohort: Cohort, halves: tuple[int, ...]) -> list[Row]:
    frame = over(cohort, cohort.frame, halves)
    if len(frame) < 2:
        return []
    period, unit = part_name(halves), "percentage points"
    rows = [row_of(mean_interval(frame["change"]), "change", "school", period=period, unit=unit, method="mean, HC2")]
    if isinstance(cohort.curve, Curve):
        reference = over(cohort, cohort.curve.frame, halves)
        if len(reference) >= FEWEST_REFERENCE:
            curve = replace(cohort.curve, frame=reference)
            found = beyond_expected(frame, curve)
            rows.append(row_of(found, "dip", "school", period=period, unit=unit, method=how(curve, found)))
    return rows


def one_year_ahead(cohort: Cohort) -> pd.DataFrame:
    """The pupils of this school who went from the year after the move to the next over the same two years."""
    return stayers(cohort, cohort.move.after, cohort.move.after + 1, cohort.asked.school)


def panel_rows(cohort: Cohort, ahead: pd.DataFrame) -> list[Row]:
    """Mean absence in each half-term of both years, of pupils there in every one; the next step and year beside it.

    `absence_before` and `absence_after` are the movers; `absence_later` the same movers a year on, where the data go
    so far; `next_before` and `next_after` pupils one year ahead (`ahead`) over the same two years.
    """
    if not cohort.halves:
        return []
    earlier, year = cohort.years
    rows = _panel(cohort.frame, {"absence_before": earlier, "absence_after": year}, cohort.halves)
    return rows + _panel(ahead, {"next_before": earlier, "next_after": year}, cohort.halves, _ahead(cohort))


def later_rows(cohort: Cohort, later: Year) -> list[Row]:
    """The movers' mean absence in each half-term of the year after, `later`, wherever they then were."""
    group = cohort.move.after + 1
    there = later.roll.loc[later.roll["year_group"] == group, "pupil"]
    frame = cohort.frame[cohort.frame["pupil"].isin(there)]
    halves = tuple(sorted(later.halves["half_term"].unique()))
    return _panel(frame, {"absence_later": later}, halves)


def _panel(frame: pd.DataFrame, years: dict[str, Year], halves: Sequence[int], group: str = "") -> list[Row]:
    pupils = pd.Index(frame["pupil"].unique(), dtype=object).sort_values()
    rates = [_half_term_rates(pupils, year, halves).add_prefix(f"{name} ") for name, year in years.items()]
    wide = pd.concat(rates, axis=1).dropna()
    if len(wide) < 2:
        return []
    return [
        row_of(
            mean_interval(wide[f"{name} {half}"]), name, "school", group=group,
            period=f"{year.name} half-term {half}", unit="percent", method="mean, HC2",
        )
        for name, year in years.items()
        for half in halves
        if f"{name} {half}" in wide
    ]  # fmt: skip


def _half_term_rates(pupils: pd.Index, year: Year, halves: Sequence[int]) -> pd.DataFrame:
    """One row per pupil, one column a half-term any has: absence in percent over every school, NaN if not there."""
    held = sessions_of(year, True)
    known = [half for half in halves if half in held.periods]
    counts, there = held.anywhere.of(pupils, held.places(known))
    absent, possible = (np.where(there, counts[:, :, COUNTED.index(name)], np.nan) for name in ("absent", "possible"))
    wide = pd.DataFrame(100 * absent / possible, columns=[str(half) for half in known], copy=False)
    return wide.dropna(axis="columns", how="all")


def next_step_rows(cohort: Cohort, ahead: pd.DataFrame) -> list[Row]:
    """The change of the pupils one year ahead: all, and by sex.

    Nationally this step is as large as the move itself, and girls' absence passes boys' from here on.
    """
    frame = ahead.assign(group=labels(ahead["sex"], "sex"))
    groups = sorted(frame["group"].unique())
    rows: list[Row] = []
    for sex, part in [("", frame), *((group, frame[frame["group"] == group]) for group in groups)]:
        group = f"{sex};{_ahead(cohort)}" if sex else _ahead(cohort)
        found = {"group": group, "period": cohort.move.period, "unit": "percentage points", "method": "mean, HC2"}
        if len(part) < 2:
            rows.append(Row("next_step_change", "school", n=len(part), **found))  # type: ignore[arg-type]
        else:
            rows.append(row_of(mean_interval(part["change"]), "next_step_change", "school", **found))
    return rows if len(frame) else []


def _ahead(cohort: Cohort) -> str:
    """The group of pupils one year ahead: others than the movers, whose counts are kept apart among themselves."""
    return f"year_group={cohort.move.after + 1}"


def year_after(academic_year: str) -> str:
    """2025/26 for 2024/25."""
    return academic_year_from(int(academic_year[:4]) + 1)
