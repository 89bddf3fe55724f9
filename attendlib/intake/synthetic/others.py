"""Three more interventions in the invented trust, each a shape real roll-outs take. None of them changes anything.

`breakfast_club` begins in year groups at different times, `attendance_letter` goes to everyone at 10% absence or more
in the first half-term and to nobody below, `late_gate` is one school's. Planted: 0 days each.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from attendlib.intake.synthetic.people import Schools
from attendlib.intake.synthetic.terms import YEARS, days_of
from attendlib.intake.synthetic.truth import FEWEST_SESSIONS, Table, Year

CLUB, LETTER, GATE = "breakfast_club", "attendance_letter", "late_gate"
CLUB_STARTS = ("2024-11-04", "2025-01-06", "2025-02-24", "")  # the last never begins in these two years
LETTER_SENT, GATE_START = "2024-11-04", "2025-01-06"
LETTER_PCT = 10


def other_rows(year: Year, names: NDArray[np.str_], schools: Schools) -> pd.DataFrame:
    """Rows of table `interventions` for all three: by school and year group, by pupil, by school."""
    return pd.concat([_club(year, schools), _letters(year, names, schools), _gate(schools)], ignore_index=True)


def others_truth() -> Table:
    """What was planted: nothing."""
    return {name: {"planted_days_a_year": 0} for name in (CLUB, LETTER, GATE)}


def _club(year: Year, schools: Schools) -> pd.DataFrame:
    """A fourth of the year groups begin on each date and a fourth never; ages and schools are spread over all."""
    groups = np.unique(np.stack([year.roll.school, year.roll.year_group]), axis=1).T
    starts = [CLUB_STARTS[(int(school) + int(group)) % len(CLUB_STARTS)] for school, group in groups]
    rows = [(schools.urn(int(s)), int(g), start) for (s, g), start in zip(groups, starts, strict=True) if start]
    frame = pd.DataFrame(rows, columns=["school", "year_group", "start_date"])
    return frame.assign(intervention=CLUB, status="started")


def _letters(year: Year, names: NDArray[np.str_], schools: Schools) -> pd.DataFrame:
    absent, possible = year.counts.absent[:, 0], year.counts.possible[:, 0]
    sent = int(np.argmax(days_of(YEARS[1]).dates >= np.datetime64(LETTER_SENT)))
    there = (year.roll.entry <= sent) & (year.roll.leaving > sent)
    at = np.flatnonzero((100 * absent >= LETTER_PCT * possible) & (possible >= FEWEST_SESSIONS) & there)
    columns = {"school": [schools.urn(int(s)) for s in year.roll.school[at]], "pupil": names[year.roll.pupil[at]]}
    frame = pd.DataFrame(columns).sort_values(["school", "pupil"], ignore_index=True)
    return frame.assign(intervention=LETTER, start_date=LETTER_SENT, referred_date=LETTER_SENT, status="finished")


def _gate(schools: Schools) -> pd.DataFrame:
    last = schools.urn(len(schools.phase) - 1)
    return pd.DataFrame([{"intervention": GATE, "school": last, "start_date": GATE_START, "status": "started"}])
