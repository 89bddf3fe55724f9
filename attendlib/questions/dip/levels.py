"""Absence before and after, its change, and persistent absence: of all movers and of each group."""

import pandas as pd

from attendlib.disclosure import limit, withheld
from attendlib.questions.beside_schools import share_is_safe
from attendlib.questions.common import row_of
from attendlib.questions.dip.expected import in_days
from attendlib.records.answer import Row, Scope
from attendlib.stats.shares import mean_interval, wilson

BLANK = ("change_days", "change", "absence_before", "absence_after", "persistent_before", "persistent_after")


def parts(frame: pd.DataFrame, by: str | None) -> list[tuple[str, pd.DataFrame]]:
    """All pupils under "", then each group's, in order of the group's name."""
    groups = sorted(frame["group"].unique()) if by else []
    return [("", frame), *((group, frame[frame["group"] == group]) for group in groups)]


def level_rows(part: pd.DataFrame, scope: Scope, group: str, audience: str) -> list[Row]:
    """The figures of these pupils; a place without figures where there are fewer than two."""
    if len(part) < 2:
        return [Row(name, scope, group=group, n=len(part)) for name in BLANK]
    cluster = part["school"].to_numpy() if scope == "all" and part["school"].nunique() > 1 else None
    method = "mean, HC2" if cluster is None else "mean, clustered by school, CR2"
    levels = [
        row_of(mean_interval(part[when], cluster), f"absence_{when}", scope, group=group, unit="percent", method=method)
        for when in ("before", "after")
    ]
    found = mean_interval(part["change"], cluster)
    points = row_of(found, "change", scope, group=group, unit="percentage points", method=method)
    shares = [_persistent(part, scope, group, when, audience) for when in ("before", "after")]
    return [*in_days(points, "change", part), points, *levels, *shares]


def _persistent(part: pd.DataFrame, scope: Scope, group: str, when: str, audience: str) -> Row:
    """The share who missed 10% or more of their own sessions (DfE's persistent absence, over these half-terms).

    Of all schools, withheld where the schools' own pages taken from it would leave one school's few.
    """
    counted = part[f"persistent_{when}"] > 0
    found = wilson(int(counted.sum()), len(part))
    row = Row(
        f"persistent_{when}", scope, group=group, value=100 * found.share, low=100 * found.low, high=100 * found.high,
        confidence_pct=95.0, unit="percent", n=found.n, numerator=found.numerator, method="share, Wilson interval",
    )  # fmt: skip
    safe = scope == "school" or share_is_safe(counted, part["school"], limit(audience))
    return row if safe else withheld(row)
