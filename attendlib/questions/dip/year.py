"""One academic year of the data as the moves need it: who was on roll, and their sessions."""

from dataclasses import dataclass

import pandas as pd

from attendlib.intake import frames
from attendlib.intake.load import Pupils

COUNTED = ("possible", "absent", "late_before", "late_after", "offsite")


@dataclass(frozen=True, slots=True, eq=False)
class Year:
    """`roll` one row per pupil and school; `halves` per pupil, school and half-term (no row where only totals are
    known); `totals` per pupil and school over the whole year. Sessions are those of COUNTED, NaN where not known.
    `from_marks`: whether days could be left out."""

    name: str
    roll: pd.DataFrame
    halves: pd.DataFrame
    totals: pd.DataFrame
    from_marks: bool


def read_year(pupils: Pupils, name: str) -> Year:
    """Everything known of the academic year `name`; empty frames where nothing is."""
    grains = frames.grains(pupils, name)
    totals = frames.absence_per_pupil(pupils, name)
    columns = ["pupil", "school", "half_term", *COUNTED]
    halves = (
        frames.absence_by_half_term(pupils, name, columns)
        if "half_term" in grains
        else totals.iloc[:0].assign(half_term=0)[columns]
    )
    halves, totals = halves[halves["possible"] > 0], totals[["pupil", "school", *COUNTED]]
    roll, halves, totals = (_plain(frame) for frame in (frames.enrolments(pupils, name), halves, totals))
    return Year(name, roll, halves, totals, "week" in grains)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Identifiers as Python texts: looking many up is several times faster than in Arrow's."""
    return frame.astype({"pupil": object, "school": object})
