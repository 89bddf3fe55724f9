"""The comparison as rows of results: days in the window, days a year, points, lessons; by code; in pairs of shares."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from attendlib.disclosure import withheld
from attendlib.facts.definitions import (
    DAYS_A_YEAR,
    FEWEST_SESSIONS_ANNUALISED,
    LESSONS_A_DAY,
    PERSISTENT_PCT,
    SESSIONS_A_DAY,
)
from attendlib.questions.beside_schools import sum_is_safe
from attendlib.questions.common import rescaled, row_of
from attendlib.questions.impact.chosen import Compared
from attendlib.questions.impact.models import CHECK, RAW, Clusters, Model, Unfit, counts_model, main_model, points_fewer
from attendlib.records.answer import NOT_AVAILABLE, WITHHELD, Row, Scope, Step
from attendlib.stats.fit import Estimate
from attendlib.stats.shares import mean_interval, wilson

BY_CODE = ("authorised", "unauthorised")
MEAN = "mean, t interval"


def annual(found: Compared) -> bool:
    """Whether the outcome is long enough to be put as days a year."""
    return float(found.frame["possible_outcome"].mean()) >= FEWEST_SESSIONS_ANNUALISED


def days_followed(found: Compared) -> float:
    """Mean possible days in the outcome."""
    return float(found.frame["possible_outcome"].mean()) / SESSIONS_A_DAY


def main_of(found: Compared, weight: str = "") -> Model:
    """The main model of this comparison."""
    return main_model(found.has_baseline, weight, year_groups=not found.by_group)


def models(found: Compared, weight: str = "") -> dict[str, Model]:
    """The rows' models by name: raw, adjusted (main), check."""
    named = {"raw": RAW, "adjusted": main_of(found, weight)}
    return named | ({"check": replace(CHECK, weight=weight)} if found.has_baseline else {})


def difference_rows(found: Compared, fewest: int, weight: str = "") -> list[Row]:
    """Fewer days, lessons and points absent among the referred, by each model; engaged pupils second."""
    rows = []
    for name, model in models(found, weight).items():
        rows += in_days(point_row(found, points_fewer(found.frame, model, found_clusters(found)), name), found)
    return [*rows, *engaged_rows(found, fewest, weight)]


def found_clusters(found: Compared) -> Clusters:
    """The clusters' labels as an array, or None."""
    return None if found.clusters is None else found.clusters.to_numpy()


def method(found: Compared) -> str:
    """How standard errors were had."""
    if found.clusters is None:
        return "OLS, HC2"
    by_school = found.clusters.equals(found.frame["school"])
    return "OLS, clustered by school, CR2" if by_school else "OLS, clustered by year group and school, CR2"


def point_row(found: Compared, estimate: Estimate, model: str) -> Row:
    """A difference in points as a row; n is all who are compared, also those whom weights leave out."""
    row = row_of(estimate, "points_fewer", found.scope, model=model, unit="percentage points", method=method(found))
    return replace(row, n=len(found.frame))


def in_days(points: Row, found: Compared) -> list[Row]:
    """The same difference in days of the measured window, of a year where it is long enough, in lessons, in points."""
    return days_rows(points, days_followed(found), lessons=points.model == "adjusted")


def days_rows(points: Row, days: float, lessons: bool) -> list[Row]:
    """A difference in points as days of a window of so many school `days`, of a year, in `lessons` too, in points.

    Under 60 possible sessions (30 days) there is no row for a year.
    """
    rows = [rescaled(points, days / 100, "days_fewer_in_window", "days in the window")]
    if days * SESSIONS_A_DAY >= FEWEST_SESSIONS_ANNUALISED:
        rows.append(rescaled(points, DAYS_A_YEAR / 100, "days_fewer", "days a year"))
    if lessons:
        rows.append(rescaled(points, days * LESSONS_A_DAY / 100, "lessons_fewer_in_window", "lessons in the window"))
    return [*rows, points]


def engaged_rows(found: Compared, fewest: int, weight: str = "") -> list[Row]:
    """Only those who started, beside the same pupils: second, because who starts is itself chosen.

    Withheld where fewer than `fewest` started or never did, since all referred pupils stand beside them.
    """
    frame = found.frame[(found.frame["treated"] == 0) | (found.frame["engaged"] == 1)].reset_index(drop=True)
    never = (found.frame["treated"] == 1) & (found.frame["engaged"] != 1)
    engaged = (found.frame["treated"] == 1) & (found.frame["engaged"] == 1)
    if not never.any() or engaged.sum() < 2:
        return []
    part = replace(found, frame=frame)
    try:
        estimate = points_fewer(frame, main_of(found, weight), found_clusters(part))
    except Unfit:
        return [
            Row("days_fewer_in_window", found.scope, model="engaged", unit="days in the window", withheld=NOT_AVAILABLE)
        ]
    rows = [row for row in in_days(point_row(part, estimate, "engaged"), part) if row.estimate != "points_fewer"]
    return rows if all(enough(found, counted, fewest) for counted in (never, engaged)) else [*map(withheld, rows)]


def by_code_rows(found: Compared, weight: str = "") -> list[Row]:
    """Authorised and unauthorised absence apart: a change of code alone shows as one up and the other down."""
    rows = []
    for what in BY_CODE:
        absent = found.frame[f"{what}_outcome"].astype(float)
        if absent.isna().any():
            continue
        frame = found.frame.assign(outcome=absent / found.frame["possible_outcome"])
        points = point_row(found, points_fewer(frame, main_of(found, weight), found_clusters(found)), "adjusted")
        rows += [replace(row, outcome=f"{what} absence") for row in in_days(points, found)[:2]]
    return rows


def ratio_row(found: Compared) -> list[Row]:
    """The pooled sessions' rate ratio of the referred to the compared, by quasi-Poisson, unweighted."""
    model = main_of(found)
    ratio = counts_model(found.frame, model, found_clusters(found)).rate_ratio
    value, low, high, df = (float(ratio[column].loc["treated"]) for column in ("ratio", "low", "high", "df"))
    if not np.isfinite([value, low, high, df]).all():
        return []
    row = Row("rate_ratio", found.scope, model="adjusted", unit="ratio", method="quasi-Poisson", n=len(found.frame))
    return [replace(row, value=value, low=low, high=high, df=df, confidence_pct=95.0)]


def level_rows(found: Compared, fewest: int) -> list[Row]:
    """Mean absence of both groups in each window: what the eye should see before any model.

    Both groups' means are withheld where either rests on fewer than `fewest` or leaves a few out: one mean and the
    raw difference would give the other, and two counts those left out.
    """
    rows = []
    for name in ("baseline", "window", "outcome"):
        values = {side: 100 * part[name].dropna() for side, part in sides(found.frame)}
        pair = [
            row_of(mean_interval(known), f"absence_{name}", found.scope, group=side, unit="percent", method=MEAN)
            for side, known in values.items()
            if len(known) >= 2
        ]
        rows += pair if _enough_known(found, found.frame[name].notna(), fewest) else [*map(withheld, pair)]
    return rows


def _enough_known(found: Compared, known: pd.Series, fewest: int) -> bool:
    """Whether both sides have enough pupils known, and enough not known or none."""
    sides = [found.frame["treated"] == side for side in (1, 0)]
    gaps = [side & ~known for side in sides if (side & ~known).any()]
    return all(enough(found, counted, fewest) for counted in [*(side & known for side in sides), *gaps])


def improved_rows(found: Compared, fewest: int) -> list[Row]:
    """How many missed less after the start than when chosen: shown for both groups or withheld for both."""
    return _pair(found, found.frame["outcome"] < found.frame["window"], "improved", fewest)


def persistent_rows(found: Compared, fewest: int) -> list[Row]:
    """How many missed 10% or more of the outcome's sessions: last, since one session can move a pupil over the line."""
    frame = found.frame
    return _pair(
        found, 100 * frame["absent_outcome"] >= PERSISTENT_PCT * frame["possible_outcome"], "persistent_absence", fewest
    )


def _pair(found: Compared, counted: pd.Series, estimate: str, fewest: int) -> list[Row]:
    """The share of either side: of all schools, or of those whose own pages show theirs where others would follow."""
    rows_of = [part.index for _, part in sides(found.frame)]
    if not all(enough(found, part[side], fewest, least=0) for side in rows_of for part in (counted, ~counted)):
        own = found.frame.groupby("school")["treated"].transform(lambda each: _own_shown(each, counted, fewest))
        found = replace(found, frame=found.frame[own])
    if found.frame.empty:
        return [
            Row(estimate, found.scope, group=f"referred={side}", unit="percent", withheld=WITHHELD) for side in (1, 0)
        ]
    schools = found.frame["school"].nunique() if found.scope == "all" else None
    rows = [share_row(estimate, found.scope, side, counted[part.index]) for side, part in sides(found.frame)]
    return [replace(row, n_groups=schools) for row in rows]


def _own_shown(treated: pd.Series, counted: pd.Series, fewest: int) -> bool:
    """Whether a school's own page shows a share of both sides: enough counted and enough not."""
    parts = [counted[treated.index[treated == side]] for side in (1, 0)]
    return all(min(part.sum(), (~part).sum()) >= fewest for part in parts)


def enough(found: Compared, counted: pd.Series, fewest: int, least: int = 1) -> bool:
    """Whether the pupils `counted` (true or false, of rows of the frame) are `fewest`, and no school's few follow.

    `least`: the smallest count that a school's own page withholds.
    """
    by_school = counted.groupby(found.frame.loc[counted.index, "school"]).sum()
    return bool(by_school.sum() >= fewest) and sum_is_safe([*by_school], fewest, least)


def share_row(estimate: str, scope: Scope, group: str, counted: pd.Series) -> Row:
    """A share of pupils with its Wilson interval, in percent."""
    found = wilson(int(counted.sum()), len(counted))
    return Row(
        estimate, scope, group=group, unit="percent", method="share, Wilson interval", value=100 * found.share,
        low=100 * found.low, high=100 * found.high, n=found.n, numerator=found.numerator, confidence_pct=95.0,
    )  # fmt: skip


def sides(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The referred and the compared, under the labels rows carry."""
    return [(f"referred={side}", frame[frame["treated"] == side]) for side in (1, 0)]


def flow_rows(steps: Iterable[Step], scope: Scope) -> list[Row]:
    """How many were eligible, referred, started, stayed and finished; already through the gate for steps."""
    names = ("eligible", "referred", "started", "stayed", "finished")
    return [
        Row("flow", scope, group=f"stage={place}-{name}", unit="pupils", method="count", value=step.left, n=step.left,
            withheld="" if step.left is not None else "c")
        for place, (name, step) in enumerate(zip(names, steps, strict=True), 1)
    ]  # fmt: skip
