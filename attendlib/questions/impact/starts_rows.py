"""Staggered starts as rows of results: the difference by each way, around each start, by code, by choice."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np

from attendlib.facts.definitions import DAYS_A_YEAR, FEWEST_SESSIONS_ANNUALISED, SESSIONS_A_DAY
from attendlib.questions.common import rescaled, row_of
from attendlib.questions.impact.figures import BY_CODE, days_rows
from attendlib.questions.impact.groups import NEVER
from attendlib.questions.impact.starts import OWN_SCHOOL, PHASE, TOGETHER, Starts, panel_of
from attendlib.records.answer import Row
from attendlib.stats.fit import Estimate
from attendlib.stats.staggered import (
    Floats,
    Paths,
    estimate,
    group_time_weights,
    imputation_weights,
    two_way_weights,
)
from attendlib.stats.staggered_package import by_diff_diff
from attendlib.stats.staggered_shuffle import Shuffled

MAIN, CHECK, WARNING, PACKAGE = "staggered", "imputation", "two_way", "package"
METHODS = {
    MAIN: "Callaway and Sant'Anna, Welch's variance",
    CHECK: "imputation (Borusyak, Jaravel and Spiess), Welch's variance",
    WARNING: "two-way fixed effects, Welch's variance",
    PACKAGE: "Callaway and Sant'Anna by diff-diff, its own standard error",
}
AROUND = {"half_term": 5, "week": 15}  # periods drawn on either side of the start
COUNTED = ("groups", "pupils", "sessions")
Weigher = Callable[[Paths], Floats]


def difference_rows(found: Starts) -> list[Row]:
    """Fewer days, lessons and points by the main way, its check, and two-way fixed effects as a warning."""
    panel = panel_of(found, found.groups.rate)
    made = {MAIN: found.weigher(panel), CHECK: imputation_weights(panel), WARNING: two_way_weights(panel)}
    rows = [
        row
        for name, weights in made.items()
        for row in days_rows(point_row(found, estimate(panel, weights), name), found.days_followed, name == MAIN)
    ]
    plain = alone(found)
    return [*rows, point_row(found, by_diff_diff(plain, found.never_only), PACKAGE)]


def alone(found: Starts) -> Paths:
    """Every group for itself, as a package that knows nothing of schools sees them."""
    return panel_of(replace(found, scope="school"), found.groups.rate)


def point_row(found: Starts, made: Estimate, model: str) -> Row:
    """A difference in absence rates (0 to 1) as points fewer; n is all pupils in the groups, n_groups the courses."""
    row = row_of(made, "points_fewer", found.scope, model=model, unit="percentage points", method=METHODS[model])
    return rescaled(replace(row, n=found.n), -100, "points_fewer", "percentage points")


def annual(found: Starts) -> bool:
    """Whether the outcome is long enough to be put as days a year."""
    return found.days_followed * SESSIONS_A_DAY >= FEWEST_SESSIONS_ANNUALISED


def by_code_rows(found: Starts) -> list[Row]:
    """Authorised and unauthorised absence apart: a change of code alone shows as one up and the other down."""
    rows = []
    for what in BY_CODE:
        panel = panel_of(found, getattr(found.groups, what))
        points = point_row(found, estimate(panel, found.weigher(panel)), MAIN)
        rows += [replace(row, outcome=f"{what} absence") for row in days_rows(points, found.days_followed, False)[:2]]
    return rows


def event_rows(found: Starts, period: str) -> list[Row]:
    """`start_gap`: points fewer at each distance from the start, beside the last period before it (distance -1)."""
    panel, rows = panel_of(found, found.groups.rate), []
    for distance in range(-AROUND[period], AROUND[period] + 1):
        weights = group_time_weights(panel, found.never_only, event=distance)
        if not np.abs(weights).any():
            continue
        side = "before" if distance < 0 else "after"
        row = point_row(found, estimate(panel, weights), MAIN)
        rows.append(replace(row, estimate="start_gap", model="", group=f"distance={distance};period={side}"))
    return rows


def start_rows(found: Starts) -> list[Row]:
    """`began`: how many groups and pupils began in each period, or never; the value is their absence before anyone did.

    In percent of possible sessions, the mean over groups of mean absence over pupils.
    """
    first, rows = found.groups.first, []
    for start in [*np.unique(first[first != NEVER]), *([NEVER] if (first == NEVER).any() else [])]:
        own = first == start
        absent = 100 * float(found.groups.rate[own, : found.before].mean())
        name = "never" if start == NEVER else found.groups.names[start]
        pupils = int(found.groups.labels["pupils"][own].sum())
        rows.append(
            Row("began", found.scope, group=f"start={name}", value=absent, unit="percent", n=pupils,
                n_groups=int(own.sum()), method="mean over groups, before the first start")
        )  # fmt: skip
    return rows


def permutation_row(found: Starts, shuffled: Shuffled) -> Row:
    """The share of other arrangements of the starts with as large a difference, each course counting once.

    The main difference counts a course by its year groups, and who counts how much would change with the arrangement.
    """
    how = f"all {shuffled.draws:,} arrangements" if shuffled.enumerated else f"{shuffled.draws:,} drawn, add-one"
    days = f"{-DAYS_A_YEAR * shuffled.observed:.1f}".replace("-", "−")
    how += f"; each course counting once, {days} days a year fewer here"
    return Row(
        "permutation_p", found.scope, model=MAIN, value=shuffled.p, unit="p", n=found.n,
        n_groups=len(panel_of(found, found.groups.rate).y), method=how,
    )  # fmt: skip


def choice_rows(found: Starts) -> list[Row]:
    """The difference by every defensible choice: who stands beside whom, what counts, which periods, which method."""
    unit, factor = ("days a year", DAYS_A_YEAR) if annual(found) else ("days in the window", found.days_followed)
    rows = []
    for within, counted, (method, weigher) in product(_within(found), COUNTED, _ways(found).items()):
        panel = _counted(found, counted, within)
        weights = weigher(panel)
        if np.abs(weights).any():
            row = rescaled(point_row(found, estimate(panel, weights), MAIN), factor / 100, "choice", unit)
            rows.append(replace(row, model="", group=f"beside={within};counted={counted};method={method}"))
    return rows


def _counted(found: Starts, counted: str, within: str) -> Paths:
    """Each group once and a pupil's own rate; or as many times as it has pupils; or all sessions put together."""
    groups = found.groups
    values = groups.authorised + groups.unauthorised if counted == "sessions" else groups.rate
    weight = None if counted == "groups" else groups.labels["pupils"].to_numpy(float)
    return panel_of(found, values, within, weight)


def _within(found: Starts) -> tuple[str, ...]:
    if found.scope == "school":
        return (PHASE,)
    several = found.groups.labels["phase"].nunique() > 1
    apart = found.groups.labels["year_group"].notna().any()
    return (PHASE, *([TOGETHER] if several else []), *([OWN_SCHOOL] if apart else []))


def _ways(found: Starts) -> dict[str, Weigher]:
    """The main way first."""
    ways: dict[str, Weigher] = {
        "not_yet": group_time_weights,
        "never": lambda panel: group_time_weights(panel, never_only=True),
        "one_earlier": lambda panel: group_time_weights(panel, found.never_only, anticipation=1),
        "imputation": imputation_weights,
    }
    fixed = "never" if found.never_only else "not_yet"
    return {fixed: ways[fixed]} | ways
