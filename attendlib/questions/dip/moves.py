"""Pupils who went from one year group to the next, with their sessions in the same half-terms of both years."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.facts.definitions import PERSISTENT_PCT
from attendlib.facts.years import year_group_name
from attendlib.questions.common import UNKNOWN, Kept, keep
from attendlib.questions.dip.sessions import WHOLE_YEAR, sessions_of, summed
from attendlib.questions.dip.year import COUNTED, Year

FIXED_BEFORE = ("sex", "fsm", "fsm6", "sen", "eal", "ethnicity")  # a later status may follow from the move
KNOWN_AFTER = ("first_choice", "entry_date")
ROSE_POINTS = 1.0  # a pupil's attendance "fell" when absence rose by a point, about two days a year
HALF_TERMS_KNOWN = 0.5  # of those found, so many must be known by half-term before others are left out for it


@dataclass(frozen=True, slots=True)
class Move:
    """A step from one year group to another over two academic years."""

    earlier: str
    year: str
    before: int
    after: int

    @property
    def period(self) -> str:
        """'2023/24 to 2024/25'."""
        return f"{self.earlier} to {self.year}"

    @property
    def names(self) -> tuple[str, str]:
        """'Year 6' and 'Year 7'."""
        return year_group_name(self.before), year_group_name(self.after)


def linked(earlier: Year, year: Year, move: Move, roll: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """The rows of `roll` (a pupil and school of `year`), each with where and who the pupil was before the move.

    Columns: pupil, school, in_study, KNOWN_AFTER, `now_` and the characteristic for each of FIXED_BEFORE; `found`,
    `school_before` (where most sessions were), FIXED_BEFORE and `group` (of `by`) as they were before.
    """
    was, held = earlier.roll[earlier.roll["year_group"] == move.before], sessions_of(earlier, False)
    possible = summed(*held.here.of(held.pairs(was), held.places(WHOLE_YEAR)))[:, COUNTED.index("possible")]
    was = was.assign(possible=possible).sort_values(["possible", "school"], ascending=[False, True], kind="stable")
    was = was.drop_duplicates("pupil")
    fixed = list(dict.fromkeys([*FIXED_BEFORE, *([by] if by else [])]))
    before = was[["pupil", "school", *fixed]].rename(columns={"school": "school_before"})
    now = roll[["pupil", "school", "in_study", *KNOWN_AFTER, *FIXED_BEFORE]]
    now = now.rename(columns={name: f"now_{name}" for name in FIXED_BEFORE})
    frame = now.merge(before.assign(found=True), on="pupil", how="left")
    frame["found"] = frame["found"].eq(True)
    return frame.assign(group=labels(frame[by], by) if by else "")


def labels(values: pd.Series, column: str) -> pd.Series:
    """`fsm6=1` and so on; missing is `fsm6=unknown`."""
    text = [f"{column}={UNKNOWN if pd.isna(value) else _plain(value)}" for value in values]
    return pd.Series(text, index=values.index, dtype=object)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def same_half_terms(earlier: Year, year: Year, frame: pd.DataFrame) -> dict[str, tuple[int, ...]]:
    """For each school of `frame`, the half-terms in which its pupils have sessions in both years.

    A school whose whole years must be compared is not there.
    """
    found = frame[frame["found"]]
    before, after = sessions_of(earlier, True), sessions_of(year, True)
    periods = [period for period in before.periods if period in after.periods]
    _, early = before.anywhere.of(pd.Index(found["pupil"]), before.places(periods))
    _, late = after.here.of(after.pairs(found), after.places(periods))
    known = before.knows(found["pupil"])
    halves = {}
    for school, rows in sorted(found.groupby("school").indices.items()):
        both = np.flatnonzero(early[rows].any(axis=0) & late[rows].any(axis=0))
        if len(both) and known[rows].mean() >= HALF_TERMS_KNOWN:
            halves[str(school)] = tuple(periods[place] for place in both)
    return halves


def with_sessions(earlier: Year, year: Year, frame: pd.DataFrame, halves: Sequence[int]) -> pd.DataFrame:
    """`frame` with COUNTED before and after: each pupil's own half-terms of `halves` known in both years, summed.

    Without `halves`, whole years. Before is over every school the pupil was in, after is in the row's school only.
    Also `before` and `after` (percent of possible), `change` (points), `rose` and `persistent_after` (0 or 100).
    """
    before, after = (sessions_of(each, bool(halves)) for each in (earlier, year))
    both = [period for period in (halves or WHOLE_YEAR) if period in before.periods and period in after.periods]
    early, there_early = before.anywhere.of(pd.Index(frame["pupil"]), before.places(both))
    late, there_late = after.here.of(after.pairs(frame), after.places(both))
    there = there_early & there_late
    counts = {"before": summed(early, there), "after": summed(late, there)}
    names = {f"{name}_{when}": sums[:, place] for when, sums in counts.items() for place, name in enumerate(COUNTED)}
    return with_rates(frame.reset_index(drop=True).assign(**names))


def with_rates(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with absence in percent of each pupil's own possible sessions, and what follows from it."""
    before, after = (_percent(frame[f"absent_{when}"], frame[f"possible_{when}"]) for when in ("before", "after"))
    persistent = 100 * frame["absent_after"] >= PERSISTENT_PCT * frame["possible_after"]
    return frame.assign(
        before=before,
        after=after,
        change=after - before,
        rose=np.where(after - before >= ROSE_POINTS, 100.0, 0.0),
        persistent_before=np.where(
            100 * frame["absent_before"] >= PERSISTENT_PCT * frame["possible_before"], 100.0, 0.0
        ),
        persistent_after=np.where(persistent, 100.0, 0.0),
    )


def _percent(absent: pd.Series, possible: pd.Series) -> pd.Series:
    return (100 * absent / possible.where(possible > 0)).astype(float)


def analysed(kept: Kept, earlier: Year, year: Year, move: Move, halves: Sequence[int], min_sessions: int) -> Kept:
    """The linked pupils with enough sessions in both years, each loss counted under its reason."""
    before, after = move.names
    fewest = f"fewer than {min_sessions} possible sessions in"
    kept = keep(kept, kept.frame["found"], f"not found in {before} in {move.earlier}")
    if halves:
        pupil = kept.frame["pupil"]
        known = sessions_of(earlier, True).knows(pupil) | ~sessions_of(earlier, False).knows(pupil)
        if not known.all():
            kept = keep(kept, known, f"{before} known only as a year's total")
    there = _possible(earlier, kept.frame["pupil"], halves)
    kept = keep(kept, there >= min_sessions, f"{fewest} {before}")
    kept = Kept(with_sessions(earlier, year, kept.frame, halves), kept.steps)
    enough = kept.frame[["possible_before", "possible_after"]].min(axis=1, skipna=False) >= min_sessions
    same = ", over the half-terms they have in both years" if halves else ""
    return keep(kept, enough, f"{fewest} {after}{same}")


def _possible(year: Year, pupil: pd.Series, halves: Sequence[int]) -> pd.Series:
    held = sessions_of(year, bool(halves))
    return pd.Series(held.anywhere.possible(pd.Index(pupil), held.places(halves or WHOLE_YEAR)), pupil.index)


def without_few_unknown(kept: Kept, fewest: int, words: str) -> Kept:
    """Without pupils whose group is not known, where they are too few of a school for a group of their own: they would
    hide the others. Each school as on its own page, so that a sum over schools less those pages is nobody."""
    unknown = kept.frame["group"].astype(str).str.endswith(f"={UNKNOWN}")
    few = unknown & (unknown.groupby(kept.frame["school"]).transform("sum") < fewest)
    return keep(kept, ~few, f"{words} not known") if few.any() else kept


def in_whole_groups(everyone: pd.DataFrame, fewest: int) -> pd.DataFrame:
    """The pupils of schools whose own pages show every group: the groups of all schools hold no others, for less
    those pages they would tell one school's few."""
    sizes = everyone.groupby(["school", "group"])["pupil"].transform("size")
    return everyone[(sizes >= fewest).groupby(everyone["school"]).transform("all")].reset_index(drop=True)
