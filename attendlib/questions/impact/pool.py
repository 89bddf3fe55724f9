"""One school and the other schools it may be mixed from: who is in, over which periods, and why it cannot be done."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from attendlib.disclosure import OTHER_SCHOOLS_NEEDED
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.groups import (
    CELLS,
    NEVER,
    Groups,
    began_unseen,
    groups_over_time,
    not_held,
    school_names,
)
from attendlib.questions.windows import span
from attendlib.records.answer import Check, Step
from attendlib.records.study import Span
from attendlib.stats.synthetic_control import Synthetic

FEWEST_DONORS = OTHER_SCHOOLS_NEEDED + 1  # one donor knows its own course: three must be left to hide one another
# With the plain mean, one donor knows three sums of the others: that mean's, the mixture's, and the squares' (from the
# plain mean's standard error). Of five donors four are unknown to it.
FEWEST_FOR_PLAIN_MEAN = 5
FEWEST_BEFORE = 4  # periods: from fewer, schools that ran alike by chance cannot be told from those that do
# The p% rule of statistical offices (Hundepool and others 2012, Statistical Disclosure Control): the second largest of
# a published sum knows its own part, so what is left must blur the largest by at least this share of it.
REST_AT_LEAST = 0.15
HALF = 0.5  # of the mixture: above it one school counts for more than all others together
CARRIES = 0.01  # of the mixture: under it a school adds nothing that could hide another


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The school (row 0 of `groups`) and its donors, over the periods used: before the start, then the outcome's.

    `first` is the place of the outcome's first period. `all_phases`: donors of any phase are in.
    """

    groups: Groups
    first: int
    all_phases: bool

    @property
    def donors(self) -> pd.DataFrame:
        """One row a donor, as in `Groups.labels`."""
        return self.groups.labels.iloc[1:]

    @property
    def outcome(self) -> Span:
        """The first and last day of the periods after the start."""
        return span(self.groups.starts[self.first], self.groups.ends[-1])

    @property
    def after_weights(self) -> np.ndarray:
        """Possible sessions a pupil of the school has in each period after the start."""
        return np.asarray(self.groups.possible[0, self.first :])

    def percent(self, cell: str = "rate") -> np.ndarray:
        """Percent of possible sessions missed (schools, periods), or the part that `cell` names."""
        return 100 * np.asarray(getattr(self.groups, cell))


def pool(pupils: Pupils, asked: Asked, all_phases: bool = False) -> Pool:
    """The page's school and its donors. Raises Refused, saying why no mixture can be made.

    Where the interventions table names year groups, only those are compared, in every school.
    """
    _donors_can_be_had(pupils, asked)
    groups = groups_over_time(pupils, asked)
    _began_here(groups, pupils, asked)
    groups = _whole_schools(groups, pupils.school)
    own = (groups.labels["school"] == pupils.school).to_numpy()
    first = int(groups.first[own][0])
    _untreated_donors(groups, pupils.school, asked)
    groups = groups.only(own | (groups.first == NEVER), f"schools that began {asked.with_article} too")
    groups = _of_the_pool(groups, pupils.school, asked, all_phases)
    return _over_time(groups, first, asked, all_phases)


def _donors_can_be_had(pupils: Pupils, asked: Asked) -> None:
    """Refuses donors that are no school of the study."""
    schools = frames.schools(pupils)
    known = set(schools.loc[schools["in_study"], "school"])
    unknown = [donor for donor in asked.donors if donor not in known]
    if unknown:
        raise Refused("not_applicable", f"no school of the study is called {', '.join(unknown)} (`donors`)")


def _began_here(groups: Groups, pupils: Pupils, asked: Asked) -> None:
    """Refuses the page of a school that is not held throughout, or did not begin within the periods held."""
    here = groups.first[(groups.labels["school"] == pupils.school).to_numpy()]
    if not here.size or ((here == NEVER).all() and len(began_unseen(groups, pupils.school))):
        raise not_held(groups, asked, pupils.school)
    if (here == NEVER).all():
        reason = f"{pupils.school_name} did not begin {asked.with_article} before the last period held"
        names = school_names(pupils, groups.labels.loc[groups.first != NEVER, "school"])
        raise Refused("not_applicable", f"{reason}: see the page of a school that did ({names})" if names else reason)


def _untreated_donors(groups: Groups, school: str, asked: Asked) -> None:
    """Refuses the school itself, and others that began too, among the donors."""
    if school in asked.donors:
        raise Refused(
            "not_applicable", f"`donors` names {school}, the school itself: no school can stand in for itself"
        )
    began = groups.labels.loc[groups.first != NEVER, "school"]
    treated = [donor for donor in asked.donors if donor in set(began)]
    if treated:
        reason = f"`donors` names {', '.join(treated)}, which began {asked.with_article} too: take it out"
        raise Refused("not_applicable", reason)


def _whole_schools(groups: Groups, school: str) -> Groups:
    """Year groups put together by school: those that began in `school`, the same ones in every other."""
    labels = groups.labels
    if labels["year_group"].isna().all():
        return groups
    began = labels[(labels["school"] == school) & (labels["first"] != NEVER)]
    if began["first"].nunique() > 1:
        raise Refused("not_applicable", "its year groups began at different times: use `design: staggered`")
    inside = labels["year_group"].isin(began["year_group"]).to_numpy()
    others_began = set(labels.loc[(labels["first"] != NEVER) & (labels["school"] != school), "school"])
    groups = groups.only(inside, "year groups that did not begin")
    places = {str(name): rows.index.to_numpy() for name, rows in groups.labels.groupby("school")}
    whole = [name for name, rows in places.items() if len(rows) == len(began)]
    groups = groups.only(groups.labels["school"].isin(whole).to_numpy(), "schools without all of these year groups")
    merged = [_together(groups, groups.labels.index[groups.labels["school"] == name].to_numpy()) for name in whole]
    kept = pd.DataFrame([label for label, _ in merged])
    kept["first"] = [0 if name in others_began else first for name, first in zip(whole, kept["first"], strict=True)]
    return _with_cells(groups, kept, {cell: np.array([values[cell] for _, values in merged]) for cell in CELLS})


def _together(groups: Groups, rows: np.ndarray) -> tuple[pd.Series, dict[str, np.ndarray]]:
    """Several groups of one school as one: rates by their pupils, parts by their possible sessions."""
    there = groups.pupils[rows]
    sessions = there * groups.possible[rows]
    parts = {name: (getattr(groups, name)[rows] * sessions).sum(axis=0) / sessions.sum(axis=0)
             for name in ("authorised", "unauthorised")}  # fmt: skip
    rate = (groups.rate[rows] * there).sum(axis=0) / there.sum(axis=0)
    pupils = there.sum(axis=0)
    label = groups.labels.iloc[rows[0]].copy()
    label["pupils"] = int(groups.labels["pupils"].iloc[rows].sum())
    return label, {"rate": rate, **parts, "pupils": pupils, "possible": sessions.sum(axis=0) / pupils}


def _of_the_pool(groups: Groups, school: str, asked: Asked, all_phases: bool) -> Groups:
    """The school first, then the donors: those named, else those of the same phase."""
    labels = groups.labels
    own = labels["school"] == school
    phase = labels.loc[own, "phase"].iloc[0]
    if asked.donors:
        groups = groups.only((own | labels["school"].isin(asked.donors)).to_numpy(), "schools not named as donors")
    elif not all_phases:
        groups = groups.only((own | (labels["phase"] == phase)).to_numpy(), "schools of another phase")
    donors = len(groups.labels) - 1
    if donors < FEWEST_DONORS:
        reason = (
            f"only {donors} other {'school is' if donors == 1 else 'schools are'} left to mix from, and a mixture needs"
            f" {FEWEST_DONORS}, or another school's own figures could be read from it"
        )
        hint = "" if asked.donors else "; name `donors` to take schools of other phases"
        raise Refused("too_few", reason + hint, groups.steps)
    return _own_first(groups, school)


def _own_first(groups: Groups, school: str) -> Groups:
    order = np.argsort(groups.labels["school"] != school, kind="stable")
    return _with_cells(groups, groups.labels.iloc[order], {name: getattr(groups, name)[order] for name in CELLS})


def _with_cells(groups: Groups, labels: pd.DataFrame, cells: dict[str, np.ndarray]) -> Groups:
    """The same periods with other rows."""
    return replace(groups, labels=labels.reset_index(drop=True), **cells)  # type: ignore[arg-type]


def _over_time(groups: Groups, first: int, asked: Asked, all_phases: bool) -> Pool:
    """Only the periods used: all before the start, and after it those from the outcome's first day on."""
    used = np.ones(len(groups.names), dtype=bool)
    if asked.outcome:
        used[first:] = [day >= asked.outcome.from_date for day in groups.starts[first:]]
    period = asked.period.replace("_", "-")
    if first < FEWEST_BEFORE:
        reason = f"only {first} {period}s are held from before the start, and a course before needs {FEWEST_BEFORE}"
        raise Refused("not_applicable", reason, groups.steps)
    if not used[first:].any():
        raise Refused("not_applicable", f"no whole {period} lies within the outcome's dates", groups.steps)
    places = np.flatnonzero(used)
    cells = {name: getattr(groups, name)[:, used] for name in CELLS}
    cells |= {name: tuple(getattr(groups, name)[place] for place in places) for name in ("names", "starts", "ends")}
    return Pool(replace(groups, **cells), first, all_phases)


def hidden(weights: np.ndarray) -> bool:
    """Whether a mixture hides every school in it: three or more carry weight, and none can work out another's part."""
    return int((weights >= CARRIES).sum()) >= OTHER_SCHOOLS_NEEDED and _blurred(weights)


def hidden_beside_plain_mean(weights: np.ndarray) -> bool:
    """Whether a mixture of printed `weights` (donors,) still hides every school in it beside the plain mean of them.

    One sum less a multiple of the other takes any one donor out: what is left must hide each of the rest as well.
    """
    return len(weights) >= FEWEST_FOR_PLAIN_MEAN and all(_blurred(np.abs(weights - out)) for out in weights)


def _blurred(weights: np.ndarray) -> bool:
    """The p% rule for the second largest, who knows its own part: is the rest enough to hide the largest?"""
    *rest, _, largest = np.sort(weights)
    return bool(sum(rest) >= REST_AT_LEAST * largest)


def one_school_check(weights: np.ndarray) -> Check:
    """Whether one other school is most of the mixture, for information: then its own year is most of the comparison."""
    heavy = float(weights.max())
    most = f"The school that counts most is {100 * heavy:.0f}% of the mixture"
    text = f"{most}: whatever befell that one school reads as a change at this one." if heavy > HALF else f"{most}."
    return Check("No one school is most of the mixture", None, text)


def refuse_readable(found: Synthetic, steps: tuple[Step, ...]) -> None:
    """Refuses a mixture from which one other school's own course could be read."""
    if not hidden(found.weights):
        reason = (
            f"fewer than {OTHER_SCHOOLS_NEEDED} other schools, or nearly one or two alone, make up the mixture that ran"
            " alike: their own figures could be read from it"
        )
        raise Refused("too_few", reason, steps)
