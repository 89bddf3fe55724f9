"""One school's absence period by period, before and after a start, beside what it is compared with."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from attendlib.disclosure import limit, others_enough
from attendlib.facts.definitions import SESSIONS_A_DAY
from attendlib.facts.national_weeks import national_weeks
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.groups import (
    NEVER,
    NEW_YEAR,
    Groups,
    began_unseen,
    dates_words,
    groups_over_time,
    not_held,
    nothing_before,
    where_it_began,
)
from attendlib.records.answer import Step

FEWEST_BEFORE = {"half_term": 6, "week": 20}  # a whole year of half-terms, two terms of weeks
FEWEST_AUTUMN = 12  # weeks before the start beside England: a whole autumn, since no other weeks are held
FEWEST_AFTER = {"half_term": 2, "week": 6}
OTHER_SCHOOLS, SAME_SCHOOL, NATIONAL, NONE = "other_schools", "same_school", "national", "none"
RATES = ("rate", "authorised", "unauthorised")
CELLS = ("own", "beside", "own_pupils", "beside_pupils", "possible")


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """The school's course: a column a period, none after the outcome, those left out of both sides taken away.

    `own` and `beside` (kinds of absence, periods) are percent missed, in the order of RATES (NaN where not known; all 0
    without a comparison). `own_pupils`, `beside_pupils` (periods,) count who was there, `possible` mean half-day
    sessions of the school's pupils, `after` is true from the start on. `pupils` and `groups` count all on both sides.
    `which` names the year groups that began first where others of the school began too; `year_groups` are those that
    count, as each was when it began (none for whole schools).
    """

    own: np.ndarray
    beside: np.ndarray
    own_pupils: np.ndarray
    beside_pupils: np.ndarray
    possible: np.ndarray
    after: np.ndarray
    names: tuple[str, ...]
    starts: tuple[date, ...]
    ends: tuple[date, ...]
    pupils: int
    groups: int
    steps: tuple[Step, ...]
    comparison: str
    period: str
    which: str = ""
    year_groups: tuple[int, ...] = ()

    @property
    def times(self) -> np.ndarray:
        """When each period is, in periods from the first: half-terms are counted, weeks are weeks of the calendar."""
        if self.period == "half_term":
            return np.array([6.0 * int(name[:4]) + int(name[-1]) for name in self.names])
        return np.array([day.toordinal() / 7 for day in self.starts])

    @property
    def days_after(self) -> float:
        """Mean possible school days from the start on."""
        return float(self.possible[self.after].sum()) / SESSIONS_A_DAY

    def only(self, kept: np.ndarray) -> "Observed":
        """These periods alone."""
        places = np.flatnonzero(kept)
        cut = {name: getattr(self, name)[..., places] for name in (*CELLS, "after")}
        named = {name: tuple(getattr(self, name)[place] for place in places) for name in ("names", "starts", "ends")}
        return replace(self, **cut, **named)  # type: ignore[arg-type]


def observed(pupils: Pupils, asked: Asked) -> Observed:
    """The course of `pupils.school`. Raises Refused, saying why it cannot be told."""
    alone = asked.comparison in (NATIONAL, NONE)
    if asked.comparison == NATIONAL and asked.period != "week":
        raise Refused("not_applicable", "national figures are held by week: set `period: week`")
    groups = groups_over_time(pupils, asked, _unit(pupils, asked), fewest_groups=1 if alone else 2)
    here = (groups.labels["school"] == pupils.school).to_numpy()
    start = _start(pupils, asked, groups, here)
    treated = here & (groups.first == start)
    untreated = _untreated(pupils, asked, groups, here)
    which, began = _which(pupils, asked, groups, treated, here), _began(asked, groups, treated)
    groups, treated, untreated = _both_sides(groups, treated, untreated, here)
    made = replace(_course(groups, treated, untreated, start, asked), which=which, year_groups=began)
    if asked.comparison == NATIONAL:
        made = _beside_england(made, str(groups.labels["phase"][treated.argmax()]))
    return _long_enough(_between(made, asked), asked)


def _unit(pupils: Pupils, asked: Asked) -> str:
    """Whole schools, or the same pupils as they move up where year groups began: their next year's are others."""
    listed = frames.interventions(pupils, asked.intervention)
    named = listed["year_group"].notna().any() if len(listed) else False
    return "cohort" if named or asked.comparison == SAME_SCHOOL else "school"


def _start(pupils: Pupils, asked: Asked, groups: Groups, here: np.ndarray) -> int:
    """The first period after this school's first start. Raises Refused where it is not among the periods held."""
    began = groups.first[here & (groups.first != NEVER)]
    if len(began):
        return int(began.min())
    listed = frames.interventions(pupils, asked.intervention)
    days = listed.loc[listed["school"] == pupils.school, "start_date"].dropna()
    if days.empty:
        where = where_it_began(pupils, asked)
        did = f": see the pages of the schools where it did ({where})" if where else ""
        raise Refused("not_applicable", f"{asked.name} did not begin here{did}")
    day = dates_words([days.min().date()])
    if days.min() > pd.Timestamp(groups.ends[-1]):
        raise Refused("not_applicable", f"{asked.name} starts here on {day}, after the attendance data end")
    if days.min() <= pd.Timestamp(groups.ends[0]):
        early = nothing_before(groups, asked, days[days == days.min()])
        raise Refused("not_applicable", f"this school began {early} (it started on {day})", groups.steps)
    raise not_held(groups, asked, pupils.school)


def _which(pupils: Pupils, asked: Asked, groups: Groups, treated: np.ndarray, here: np.ndarray) -> str:
    """'the year groups that began breakfast club on 4 November 2024 (1 of 5)'; nothing where these are all."""
    many = int((here & (groups.first != NEVER)).sum()) + len(began_unseen(groups, pupils.school))
    if treated.sum() == many:
        return ""
    days = dates_words([day.date() for day in sorted(set(groups.labels["start"][treated]))])
    return f"the year groups that began {asked.with_article} on {days} ({int(treated.sum())} of {many})"


def _began(asked: Asked, groups: Groups, treated: np.ndarray) -> tuple[int, ...]:
    """The treated year groups as they were when they began: labels have them by the asked year. None of schools."""
    labels = groups.labels[treated]
    opened = labels["start"].dt.year - (labels["start"].dt.month < NEW_YEAR)
    then = labels["year_group"] + opened - int(asked.year[:4])
    return tuple(sorted({int(each) for each in then.dropna()}))


def _both_sides(
    groups: Groups, treated: np.ndarray, untreated: np.ndarray, here: np.ndarray
) -> tuple[Groups, np.ndarray, np.ndarray]:  # fmt: skip
    """Only the groups on either side, and which those are; those here that began later have a step of their own."""
    stay = ~(here & (groups.first != NEVER) & ~treated)
    if not stay.all():
        groups = groups.only(stay, "year groups here that began later")
    treated, untreated = treated[stay], untreated[stay]
    sides = treated | untreated
    groups = groups.only(sides, "year groups and schools that are on neither side")
    return groups, treated[sides], untreated[sides]


def _untreated(pupils: Pupils, asked: Asked, groups: Groups, here: np.ndarray) -> np.ndarray:
    """Which groups it is compared with: none that ever began by the end. Raises Refused where they are too few."""
    never = groups.first == NEVER
    phase = groups.labels.loc[here, "phase"].iloc[0]
    if asked.comparison == SAME_SCHOOL:
        if not (here & never).any():
            reason = (
                f"no year group here was without {asked.with_article} to the end, so nobody is left to compare with"
            )
            raise Refused("too_few", f"{reason}; try comparison: other_schools", groups.steps)
        return np.asarray(here & never)
    if asked.comparison != OTHER_SCHOOLS:
        return np.zeros(len(here), bool)
    beside = ~here & never & (groups.labels["phase"] == phase).to_numpy()
    sizes = groups.labels[beside].groupby("school")["pupils"].sum()
    audience = pupils.study_file.study.audience
    if not others_enough((int(n) for n in sizes), audience):
        many = f"three other {phase} schools with {limit(audience)} pupils or more that never began"
        raise Refused("too_few", f"fewer than {many} are held to compare with", groups.steps)
    return np.asarray(beside)


def _course(groups: Groups, treated: np.ndarray, untreated: np.ndarray, start: int, asked: Asked) -> Observed:
    places = np.arange(len(groups.names))
    own, beside = (_mean_rates(groups, side) for side in (treated, untreated))
    size = np.where(treated, groups.labels["pupils"], 0).sum() + np.where(untreated, groups.labels["pupils"], 0).sum()
    weights = groups.pupils[treated] / groups.pupils[treated].sum(axis=0)
    return Observed(
        own, beside, groups.pupils[treated].sum(axis=0), groups.pupils[untreated].sum(axis=0),
        (groups.possible[treated] * weights).sum(axis=0), places >= start, groups.names, groups.starts, groups.ends,
        int(size), int(treated.sum() + untreated.sum()), groups.steps, asked.comparison, asked.period,
    )  # fmt: skip


def _mean_rates(groups: Groups, side: np.ndarray) -> np.ndarray:
    """Percent missed (kinds, periods) by one side: each pupil there counts the same. 0 for a side of nobody."""
    if not side.any():
        return np.zeros((len(RATES), len(groups.names)))
    weights = groups.pupils[side] / groups.pupils[side].sum(axis=0)
    return 100 * np.stack([(getattr(groups, name)[side] * weights).sum(axis=0) for name in RATES])


def _beside_england(made: Observed, phase: str) -> Observed:
    """Beside England's published weeks of this phase: only weeks held on both sides count."""
    known = national_weeks(phase)
    made = made.only(np.array([name in known for name in made.names], bool))
    rates = np.array([known[name] for name in made.names])
    unknown = np.full_like(rates, np.nan)
    return replace(made, beside=np.stack([rates, unknown, unknown]))


def _between(made: Observed, asked: Asked) -> Observed:
    """Without periods that are in neither the baseline's nor the outcome's dates, where the study gives those."""
    starts, ends = np.array(made.starts), np.array(made.ends)
    out = np.zeros(len(starts), bool)
    if asked.baseline:
        out |= ~made.after & (ends > asked.baseline.to_date)
    if asked.outcome:
        out |= made.after & (starts < asked.outcome.from_date)
    return made.only(~out)


def _long_enough(made: Observed, asked: Asked) -> Observed:
    word = asked.period.replace("_", "-")
    held = "published nationally and held here" if asked.comparison == NATIONAL else "held"
    least = FEWEST_AUTUMN if asked.comparison == NATIONAL else FEWEST_BEFORE[asked.period]
    for side, when, fewest in ((~made.after, "before", least), (made.after, "after", FEWEST_AFTER[asked.period])):
        if side.sum() < fewest:
            few = f"{int(side.sum())} {word}s are {held} from {when} the start"
            needed = f"this design needs {fewest}"
            why = "no course can be seen" if when == "before" else "nothing can be said of it yet"
            raise Refused("not_applicable", f"{few} and {needed}: {why}", made.steps)
    return made
