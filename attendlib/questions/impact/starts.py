"""Whole groups that began at different times: which of them can be compared, and their courses as a panel."""

from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from attendlib.facts.definitions import SESSIONS_A_DAY
from attendlib.intake.load import Pupils
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.groups import NEVER, Groups, began_unseen, dates_words, groups_over_time, not_held
from attendlib.questions.windows import span
from attendlib.records.answer import Scope
from attendlib.records.study import Span
from attendlib.stats.staggered import Floats, Ints, Paths, group_time_weights, paths

FEWEST_BEFORE = {"half_term": (2, "two half-terms"), "week": (8, "eight weeks")}  # fewer show no course
FEWEST_COURSES = 3
NEVER_ONLY = "never_treated"
PHASE, TOGETHER, OWN_SCHOOL = "phase", "any", "school"  # what groups are compared within


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """Groups of a page with their starts, every phase with some that began and some to compare them with.

    `until` is the last period with a comparison: later everyone had begun.
    """

    groups: Groups
    scope: Scope
    never_only: bool
    until: int

    @property
    def n(self) -> int:
        """Pupils in the groups."""
        return int(self.groups.labels["pupils"].sum())

    @property
    def treated(self) -> np.ndarray:
        """Which groups began while others had not (groups,)."""
        first = self.groups.first
        return (first != NEVER) & (first <= self.until)

    @property
    def before(self) -> int:
        """How many periods lie before the first start anywhere."""
        return int(self.groups.first[self.treated].min())

    @property
    def outcome(self) -> Span:
        """From the first period of the first to begin to the last with a comparison."""
        return span(self.groups.starts[self.before], self.groups.ends[self.until])

    @property
    def days_followed(self) -> float:
        """Mean possible school days from a group's own start to the last comparison, over the groups that began."""
        time = np.arange(len(self.groups.names))
        inside = (time >= self.groups.first[:, None]) & (time <= self.until)
        sessions = np.where(inside, self.groups.possible, 0).sum(axis=1)[self.treated]
        return float(sessions.mean()) / SESSIONS_A_DAY

    def weigher(self, panel: Paths) -> Floats:
        """The main comparison's weights."""
        return group_time_weights(panel, self.never_only)


def starts(pupils: Pupils, asked: Asked, scope: Scope) -> Starts:
    """The groups of the page. Raises Refused, saying why no comparison can be made.

    A school's page compares its own year groups; all schools are compared within their phase, because primary and
    secondary schools have seasons of their own.
    """
    own = "" if scope == "all" else pupils.school
    groups = groups_over_time(pupils, asked, unit="year_group" if own else "", school=own)
    never_only = asked.comparison == NEVER_ONLY
    _some_begin_and_some_do_not(groups, asked, scope)
    groups = _phases_with_both(groups, never_only)
    found = Starts(groups, scope, never_only, 0)
    used = np.abs(found.weigher(panel_of(found, groups.rate))).max(axis=0) > 0
    if not used.any():
        raise Refused(
            "not_applicable", f"no group began {asked.with_article} while another of its phase had not", groups.steps
        )
    found = replace(found, until=int(np.flatnonzero(used)[-1]))
    _seen_before(found, asked)
    _enough_courses(found)
    return found


def _some_begin_and_some_do_not(groups: Groups, asked: Asked, scope: Scope) -> None:
    begun, never = groups.first[groups.first != NEVER], (groups.first == NEVER).any()
    elsewhere = "" if scope == "all" else "; see the page of all schools"
    if not len(begun) and len(began_unseen(groups)):
        raise not_held(groups, asked)
    if not len(begun):
        raise Refused("not_applicable", f"no group began {asked.with_article} while attendance is held", groups.steps)
    if asked.comparison == NEVER_ONLY and not never:
        reason = "every group began sooner or later, so none that never did can be compared"
        raise Refused("not_applicable", f"{reason}: try comparison: not_yet_treated{elsewhere}", groups.steps)
    if not never and len(np.unique(begun)) == 1:
        reason = f"every group began {asked.with_article} at the same time: nobody is left to compare with{elsewhere}"
        raise Refused("not_applicable", reason, groups.steps)


def _phases_with_both(groups: Groups, never_only: bool) -> Groups:
    """Without the phases in which nobody, or everybody at once, began."""
    phases = groups.labels["phase"].fillna("").to_numpy()
    usable = {phase for phase in phases if _comparable(groups.first[phases == phase], never_only)}
    kept = np.array([phase in usable for phase in phases])
    if kept.all():
        return groups
    made = groups.only(kept, "groups of a phase in which nobody or everybody at once began")
    if not kept.any():
        reason = "within each phase nobody, or everybody at once, began: nobody is left to compare with"
        raise Refused("not_applicable", reason, made.steps)
    return made


def _comparable(first: Ints, never_only: bool) -> bool:
    begun, never = np.unique(first[first != NEVER]), (first == NEVER).any()
    return len(begun) > 0 and bool(never or (len(begun) > 1 and not never_only))


def _seen_before(found: Starts, asked: Asked) -> None:
    fewest, words = FEWEST_BEFORE[asked.period]
    if found.before < fewest:
        day = dates_words(found.groups.starts[found.before : found.before + 1])
        reason = f"fewer than {words} are held from before the first start (about {day}): no course can be seen"
        raise Refused("not_applicable", reason, found.groups.steps)


def _enough_courses(found: Starts) -> None:
    """Two courses differ by one number, and one number has no interval."""
    many = len(panel_of(found, found.groups.rate).y)
    if many < FEWEST_COURSES:
        together = "" if found.scope == "school" else " (year groups of a school that begin together are one)"
        reason = f"only {many} courses are held{together}, and an interval needs {FEWEST_COURSES}"
        raise Refused("too_few", f"{reason}: nobody can say what is chance", found.groups.steps)


def panel_of(
    found: Starts, values: Floats, within: str = PHASE, weight: Floats | None = None, first: Ints | None = None
) -> Paths:  # fmt: skip
    """`values` (groups, periods) as a panel: year groups of a school that began together are one course.

    They share what happens in their school, so they are not independent of each other. On a school's own page, and
    within schools, each year group stands for itself. `first` are other starts than the real ones.
    """
    labels = found.groups.labels
    began = found.groups.first if first is None else first
    weight = np.ones(len(labels)) if weight is None else weight
    stratum = _stratum(labels, within)
    if found.scope == "school" or within == OWN_SCHOOL:
        return paths(values, began, stratum, weight)
    code, _ = pd.factorize(labels["school"] + ":" + labels["first"].astype(str))
    size = np.bincount(code, weight).astype(float)
    course = np.stack([np.bincount(code, weight * column) / size for column in values.T], axis=1)
    _, place = np.unique(code, return_index=True)
    return paths(course, began[place], stratum.iloc[place], size)


def _stratum(labels: pd.DataFrame, within: str) -> pd.Series:
    if within == TOGETHER:
        return pd.Series("", labels.index)
    return labels["school"] if within == OWN_SCHOOL else labels["phase"].fillna("")


def moved_earlier(found: Starts, day: date) -> Paths | None:
    """Only the time before anyone began, the same starts moved back so that the first falls on `day`.

    None where no period from before lies on both sides of it.
    """
    at = bisect_left(found.groups.ends[: found.before], day)
    if not 0 < at < found.before:
        return None
    moved = found.groups.first - (found.before - at)
    moved = np.where((found.groups.first == NEVER) | (moved >= found.before), NEVER, moved)
    made = panel_of(found, found.groups.rate[:, : found.before], first=moved)
    return made if np.abs(found.weigher(made)).any() else None
