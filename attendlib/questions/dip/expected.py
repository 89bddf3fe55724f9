"""What the later year would be expected to hold, from pupils with the same earlier absence who make another step."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
import pandas as pd

from attendlib.disclosure import limit, others_enough, withheld
from attendlib.facts.definitions import DAYS_A_YEAR, FEWEST_SESSIONS_ANNUALISED, SESSIONS_A_DAY
from attendlib.questions.common import independent, rescaled, row_of, settled_schools
from attendlib.questions.dip.moves import in_whole_groups
from attendlib.records.answer import Row, Scope
from attendlib.stats.expected import beyond, beyond_difference, expected_mean
from attendlib.stats.fit import Estimate, Fit
from attendlib.stats.ols import ols
from attendlib.stats.shares import mean_interval, wilson
from attendlib.stats.spline import Spline, basis, natural_spline

FEWEST_REFERENCE = 30  # pupils: fewer cannot carry a curve
FEWEST_OF_A_GROUP = 20  # pupils: fewer cannot carry a level and slope of their own
KNOTS_FOR = {60: 3, 0: 2}  # degrees of freedom of the spline, by least number of pupils
FEWEST_SCHOOLS = 3  # fewer schools cannot show how much schools differ: pupils then count as independent

Kind = Literal["stayers", "other_schools"]


@dataclass(frozen=True, eq=False)
class Curve:
    """The reference: its pupils (columns as `moves.with_sessions`), and how absence before and groups enter.

    `own_school` says that the reference pupils are of the page's own school.
    """

    kind: Kind
    frame: pd.DataFrame
    spline: Spline
    groups: tuple[str, ...]
    columns: tuple[str, ...]
    own_school: bool = False

    @cached_property
    def schools(self) -> int:
        """How many schools the reference pupils are in."""
        return int(self.frame["school"].nunique())


def make_curve(kind: Kind, frame: pd.DataFrame, school: str, audience: str) -> Curve | str:
    """The curve from the reference pupils of `frame`, or why there is none.

    Three other schools must each have enough pupils, as for every figure of the trust; failing that, the page's own
    school alone will do for pupils who stayed in it.
    """
    others = frame.loc[frame["school"] != school].groupby("school").size()
    own = not others_enough((int(n) for n in others), audience)
    used = frame[frame["school"] == school] if own else frame[settled_schools(frame, audience)]
    if len(used) < FEWEST_REFERENCE:
        return _why_not(kind, len(frame), own)
    used = used.reset_index(drop=True)
    df = next(df for least, df in KNOTS_FOR.items() if len(used) >= least)
    counts = used["group"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    groups = tuple(str(group) for group, n in counts.items() if n >= FEWEST_OF_A_GROUP)[1:]
    curve = Curve(kind, used, natural_spline(used["before"], df=df, name="before"), groups, (), own)
    return replace(curve, columns=tuple(independent(pd.DataFrame(_columns(curve, used))).columns))


def _why_not(kind: Kind, n: int, own: bool) -> str:
    who = "pupils of the year below who stayed in their school" if kind == "stayers" else "pupils of other schools"
    found = "none of them" if n == 0 else "too few of them"
    where = ", or fewer than three other schools with enough" if own and n else ""
    return f"what to expect is taken from {who}, and the data hold {found}{where}"


def design(curve: Curve, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of the expectation for each row: constant, spline of absence before, level and slope of its group."""
    columns = _columns(curve, frame)
    return pd.DataFrame({name: columns[name] for name in curve.columns}, index=frame.index)


def _columns(curve: Curve, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    before = frame["before"]
    columns = {"constant": np.ones(len(frame))}
    columns |= {str(name): column.to_numpy() for name, column in basis(curve.spline, before).items()}
    for group in curve.groups:
        inside = (frame["group"] == group).to_numpy().astype(float)
        columns |= {group: inside, f"{group} x before": inside * before.to_numpy()}
    return columns


@lru_cache(maxsize=8)  # a curve is itself alone: asked for each group, fitted once
def fitted(curve: Curve, outcome: str = "after") -> Fit:
    """Least squares of an outcome of the reference pupils; CR2 by their school where there are FEWEST_SCHOOLS."""
    cluster = curve.frame["school"] if curve.schools >= FEWEST_SCHOOLS else None
    return ols(curve.frame[outcome], design(curve, curve.frame), cluster=cluster)


def beyond_expected(
    frame: pd.DataFrame,
    curve: Curve,
    outcome: str = "after",
    weights: pd.Series | None = None,
    *,
    by_school: bool = False,
) -> Estimate:
    """Mean of `outcome` of the movers in `frame` less what the curve expects, the curve's uncertainty included."""
    cluster = frame["school"] if by_school and frame["school"].nunique() > 1 else None
    return beyond(frame[outcome], design(curve, frame), fitted(curve, outcome), cluster, weights)


def differences(frame: pd.DataFrame, curve: Curve, outcome: str = "after") -> pd.Series:
    """Each mover's `outcome` less the expectation, in points."""
    return frame[outcome] - design(curve, frame).to_numpy() @ fitted(curve, outcome).coef.to_numpy()


def dip_rows(frame: pd.DataFrame, curve: Curve, scope: Scope, group: str = "") -> list[Row]:
    """The dip of these pupils: days a year, days in the weeks compared, points, and what was expected."""
    if len(frame) < 2:
        names = ("dip_days", "dip", "expected_after")
        return [Row(name, scope, group=group, n=len(frame)) for name in names]
    found = beyond_expected(frame, curve, by_school=scope == "all")
    points = row_of(found, "dip", scope, group=group, unit="percentage points", method=how(curve, found))
    expected = expected_mean(design(curve, frame), fitted(curve))
    level = row_of(expected, "expected_after", scope, group=group, unit="percent", method=how(curve, found))
    return [*in_days(points, "dip", frame), points, replace(level, n=len(frame), n_groups=None, p=None)]


def dip_gap_rows(frame: pd.DataFrame, curve: Curve) -> list[Row]:
    """How much further each group lies beyond what was expected of it than the pupils of the commonest group do."""
    counts = frame["group"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    rows = []
    for group in counts.index[1:]:
        pair = frame[frame["group"].isin([counts.index[0], group])].reset_index(drop=True)
        member = (pair["group"] == group).to_numpy()
        if min(member.sum(), (~member).sum()) >= 2:
            found = beyond_difference(pair["after"], design(curve, pair), member, fitted(curve))
            row = row_of(found, "dip_gap", "school", group=group, unit="percentage points", method=how(curve, found))
            rows.append(replace(row, n=int(member.sum())))
    return rows


def in_days(points: Row, name: str, frame: pd.DataFrame) -> list[Row]:
    """`points` as days a year (only over about 60 possible sessions or more) and as days in the weeks compared."""
    possible = float(frame["possible_after"].mean())
    window = rescaled(points, possible / SESSIONS_A_DAY / 100, f"{name}_window_days", "days in the weeks compared")
    if possible < FEWEST_SESSIONS_ANNUALISED:
        return [window]
    return [rescaled(points, DAYS_A_YEAR / 100, f"{name}_days", "days a year"), window]


def how(curve: Curve, found: Estimate) -> str:
    """The method in results.csv: what was fitted to whom, and which standard errors."""
    errors = "HC2" if curve.schools < FEWEST_SCHOOLS else "CR2 by school"
    own = "HC2" if found.n_groups is None else "CR2 by school"
    who = "pupils who stayed" if curve.kind == "stayers" else "pupils of other schools"
    return f"mean less expected; {own}; reference {who}, spline, {errors}"


def share_rows(frame: pd.DataFrame, curve: Curve, scope: Scope, audience: str) -> list[Row]:
    """Shares of pupils whose attendance fell, and persistently absent, beside the share the reference expects.

    What is expected and what lies beyond it add up to the share: the three are shown or withheld together.
    """
    rows: list[Row] = []
    for outcome, name in (("rose", "share_fell"), ("persistent_after", "share_persistent")):
        counted = int((frame[outcome] > 0).sum())
        seen = wilson(counted, len(frame))
        share = Row(
            name, scope, value=100 * seen.share, low=100 * seen.low, high=100 * seen.high, confidence_pct=95.0,
            unit="percent", n=seen.n, numerator=seen.numerator, method="share, Wilson interval",
        )  # fmt: skip
        fit = fitted(curve, outcome)
        expected = row_of(
            expected_mean(design(curve, frame), fit), f"{name}_expected", scope, unit="percent",
            method="mean chance of the reference pupils at the same earlier absence",
        )  # fmt: skip
        found = beyond_expected(frame, curve, outcome, by_school=scope == "all")
        more = row_of(found, f"{name}_beyond", scope, unit="percentage points", method=how(curve, found))
        three = [share, _bounded(replace(expected, n=len(frame), n_groups=None, p=None)), more]
        few = min(counted, len(frame) - counted) < limit(audience)
        rows += [withheld(row) for row in three] if few else three
    return rows


def _bounded(row: Row) -> Row:
    """A share kept within 0 to 100."""
    value, low, high = (
        None if each is None else float(np.clip(each, 0, 100)) for each in (row.value, row.low, row.high)
    )
    return replace(row, value=value, low=low, high=high)


def double_difference(frame: pd.DataFrame, curve: Curve, scope: Scope, audience: str, group: str = "") -> list[Row]:
    """Mean change of the movers less mean change of the reference pupils, nothing held alike."""
    others = _of_group(curve, group, audience) if group else curve.frame
    if others is None:
        return [withheld(Row("double_difference", scope, group=group))]
    if min(len(frame), len(others)) < 2:
        return [Row("double_difference", scope, group=group, n=len(frame))]
    constant = pd.DataFrame({"constant": 1.0}, index=others.index)
    several = others["school"].nunique() >= FEWEST_SCHOOLS
    fit = ols(others["change"], constant, cluster=others["school"] if several else None)
    cluster = frame["school"] if scope == "all" and frame["school"].nunique() > 1 else None
    found = beyond(frame["change"], pd.DataFrame({"constant": 1.0}, index=frame.index), fit, cluster)
    return [row_of(found, "double_difference", scope, group=group, unit="percentage points", method=how(curve, found))]


def _of_group(curve: Curve, group: str, audience: str) -> pd.DataFrame | None:
    """The reference pupils of `group`; None where a group of them is few: movers' change less this is their mean.

    Of other schools, those that show every group on their own pages: the rest would be their few by subtraction.
    """
    others = curve.frame
    if curve.kind == "other_schools":
        others = in_whole_groups(others, limit(audience))
        if not others_enough(others.groupby("school").size(), audience):
            return None
    few = others.groupby("group").size().lt(limit(audience)).any()
    return None if few else others[others["group"] == group]


def reference_rows(curve: Curve) -> list[Row]:
    """The reference pupils' own mean change; `n` of them in `n_groups` schools."""
    cluster = curve.frame["school"] if curve.schools >= FEWEST_SCHOOLS else None
    found = mean_interval(curve.frame["change"], cluster)
    scope: Scope = "school" if curve.own_school else "all"
    row = row_of(found, "reference_change", scope, unit="percentage points", method=f"mean; {curve.kind}")
    return [replace(row, n_groups=curve.schools)]
