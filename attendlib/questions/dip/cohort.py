"""One cohort of one school: who moved up, the half-terms compared, and the curve that says what to expect."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from attendlib.disclosure import limit
from attendlib.facts.labels import column_label
from attendlib.facts.years import academic_year_from
from attendlib.questions.common import Kept, settled_schools, start
from attendlib.questions.dip.expected import Curve, Kind, make_curve
from attendlib.questions.dip.moves import (
    Move,
    analysed,
    linked,
    same_half_terms,
    with_sessions,
    without_few_unknown,
)
from attendlib.questions.dip.year import Year


@dataclass(frozen=True, slots=True)
class Asked:
    """What the study asks: the school's page, the groups, the fewest sessions, the reference, who reads it."""

    school: str
    by: str | None
    min_sessions: int
    reference: Kind | None
    audience: str


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """`own` are the movers kept on this page, `everyone` those of all schools of the study as on their pages, and
    `linked` every pupil on roll after the move at this school. `curve` is the reference, or the words why not. Where
    the movers kept are not `enough`, nobody else is looked at.

    In `everyone` a pupil on two rolls is twice: all schools less their pages would else be that pupil.
    """

    asked: Asked
    move: Move
    years: tuple[Year, Year]
    halves: tuple[int, ...]
    own: Kept
    linked: pd.DataFrame
    everyone: pd.DataFrame
    curve: Curve | str

    @property
    def frame(self) -> pd.DataFrame:
        """The movers kept on this page, one row each."""
        return self.own.frame

    @property
    def enough(self) -> bool:
        """Whether there are enough of them to show anything."""
        return len(self.frame) >= limit(self.asked.audience)


def move_of(academic_year: str, before: int, after: int) -> Move:
    """The move that ends in `academic_year`."""
    return Move(academic_year_from(int(academic_year[:4]) - (after - before)), academic_year, before, after)


def read_cohort(asked: Asked, move: Move, years: Mapping[str, Year]) -> Cohort:
    """The cohort that makes `move`, with every pupil on roll after it counted until kept or left out."""
    earlier, year = years[move.earlier], years[move.year]
    roll = year.roll[year.roll["year_group"] == move.after]
    every = linked(earlier, year, move, roll, asked.by)
    mine = every[every["school"] == asked.school].reset_index(drop=True)
    by_school = same_half_terms(earlier, year, every)
    halves = by_school.get(asked.school, ())
    words = column_label(asked.by) if asked.by else ""
    own = analysed(start(mine, f"pupils on roll in {move.names[1]}"), earlier, year, move, halves, asked.min_sessions)
    own = without_few_unknown(own, limit(asked.audience), words)
    cohort = Cohort(asked, move, (earlier, year), halves, own, mine, every.iloc[:0], "")
    if not cohort.enough:
        return cohort
    others = analysed(start(every, ""), earlier, year, move, halves, asked.min_sessions)
    others = without_few_unknown(others, limit(asked.audience), words)
    alike = others.frame["school"].map(lambda school: by_school.get(school, ()) == halves)  # as on their own pages
    studied = others.frame[others.frame["in_study"] & alike.astype(bool)]
    studied = studied[settled_schools(studied, asked.audience)].reset_index(drop=True)
    return replace(cohort, everyone=studied, curve=_curve(cohort, others.frame))


def stayers(cohort: Cohort, before: int, after: int, school: str | None = None) -> pd.DataFrame:
    """Pupils who went from `before` to `after` over the cohort's two years and half-terms in one and the same school
    (of all, or `school`), with enough sessions in both years."""
    earlier, year = cohort.years
    move = Move(earlier.name, year.name, before, after)
    roll = year.roll[year.roll["year_group"] == after]
    roll = roll if school is None else roll[roll["school"] == school]
    frame = linked(earlier, year, move, roll, cohort.asked.by)
    frame = frame[frame["found"] & (frame["school"] == frame["school_before"])].reset_index(drop=True)
    return analysed(start(frame, ""), earlier, year, move, cohort.halves, cohort.asked.min_sessions).frame


def _curve(cohort: Cohort, others: pd.DataFrame) -> Curve | str:
    """The reference the study asks for; unasked, pupils who stayed, else the movers of the other schools."""
    asked, move = cohort.asked, cohort.move
    wanted: tuple[Kind, ...] = (asked.reference,) if asked.reference else ("stayers", "other_schools")
    found: Curve | str = ""
    for kind in wanted:
        if kind == "stayers":
            step = move.after - move.before
            frame = stayers(cohort, move.before - step, move.before)
        else:
            frame = others[(others["school"] != asked.school) & others["in_study"]]  # as on their own pages
        found = make_curve(kind, frame, asked.school, asked.audience)
        if isinstance(found, Curve):
            return found
    return found


def over(cohort: Cohort, frame: pd.DataFrame, halves: tuple[int, ...]) -> pd.DataFrame:
    """The same pupils over fewer half-terms; those with too few sessions in them are left out."""
    found = with_sessions(*cohort.years, frame, halves)
    enough = found[["possible_before", "possible_after"]].min(axis=1, skipna=False) >= cohort.asked.min_sessions
    return found[enough].reset_index(drop=True)
