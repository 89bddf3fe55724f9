"""The synthetic trust as rows of the tidy tables."""

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from attendlib.intake.synthetic.calls import NAME
from attendlib.intake.synthetic.marks import CODES
from attendlib.intake.synthetic.people import ALL_YEAR, Pupils, Roll, Schools
from attendlib.intake.synthetic.terms import CALLS_START, YEARS, Days, days_of
from attendlib.intake.synthetic.truth import Year
from attendlib.intake.synthetic.year import SchoolYear

_SCHEMA = pa.schema(
    {"pupil": pa.string(), "school": pa.string(), "date": pa.date32(), "session": pa.string(), "code": pa.string()}
)
MARKS = pa.schema([f if f.name == "date" else f.with_type(pa.dictionary(pa.int32(), pa.string())) for f in _SCHEMA])


def pupil_names(n: int, rng: np.random.Generator) -> NDArray[np.str_]:
    """`n` different invented identifiers: S and nine hexadecimal digits, in no order that means anything."""
    numbers = np.unique(rng.integers(0, 16**9, n + n // 100 + 10))
    return np.array([f"S{v:09x}" for v in rng.permutation(numbers)[:n]])


def school_rows(schools: Schools) -> pd.DataFrame:
    """Table `schools`."""
    n = len(schools.phase)
    nth = np.where(schools.phase == 0, np.arange(n), np.arange(n) - (schools.phase == 0).sum()) + 1
    words = np.array(["primary", "secondary"])[schools.phase]
    return pd.DataFrame(
        {
            "school": [schools.urn(s) for s in range(n)],
            "name": [f"Invented {w.capitalize()} {k}" for w, k in zip(words, nth, strict=True)],
            "phase": words,
            "trust": "Invented Trust",
        }
    )


def pupil_rows(pupils: Pupils, rolls: tuple[Roll, Roll], names: NDArray[np.str_], schools: Schools) -> pd.DataFrame:
    """Table `pupils`: both years, by year, school and pupil."""
    frames = [_one_roll(pupils, r, names, schools, days_of(y)) for r, y in zip(rolls, YEARS, strict=True)]
    return pd.concat(frames).sort_values(["academic_year", "school", "pupil"], ignore_index=True)


def _one_roll(pupils: Pupils, roll: Roll, names: NDArray[np.str_], schools: Schools, days: Days) -> pd.DataFrame:
    who = roll.pupil
    columns = {
        "pupil": names[who],
        "school": [schools.urn(s) for s in roll.school],
        "academic_year": days.academic_year,
        "year_group": roll.year_group,
        "sex": np.array(["M", "F"])[pupils.female[who]],
        "fsm": pupils.fsm[who],
        "fsm6": pupils.fsm6[who],
        "sen": np.array(["N", "K", "E"])[pupils.sen[who]],
        "eal": pupils.eal[who],
        "birth_month": pupils.birth_month[who],
        "entry_date": _entry(roll, days),
        "leaving_date": _leaving(roll, days),
        "previous_school": [_earlier(int(s), schools) for s in roll.came_from],
        "class": [
            f"{g}{chr(65 + f)}" if f < 26 else f"{g}-{f}" for g, f in zip(roll.year_group, roll.form, strict=True)
        ],
    }
    return pd.DataFrame(columns)


def _entry(roll: Roll, days: Days) -> list[str]:
    """The first day on roll, for those who joined during the year."""
    return [str(days.dates[e]) if e > 0 else "" for e in roll.entry]


def _leaving(roll: Roll, days: Days) -> list[str]:
    """The last day on roll, for those who left during the year."""
    return [str(days.dates[e - 1]) if e < ALL_YEAR else "" for e in roll.leaving]


def _earlier(came_from: int, schools: Schools) -> str:
    if came_from < 0:
        return ""
    return schools.urn(came_from) if came_from < len(schools.phase) else str(came_from)


def mark_rows(made: SchoolYear, roll: Roll, days: Days, names: NDArray[np.str_], urn: str) -> pa.Table:
    """Table `marks` of one school's year, by pupil, date and session."""
    order = np.argsort(names[roll.pupil], kind="stable")
    on_roll = np.repeat(made.on_roll[order][:, :, None], 2, axis=2)
    pupil, day, session = (i.astype(np.int32) for i in np.nonzero(on_roll))
    columns = [
        _coded(pupil, names[roll.pupil][order].tolist()),
        _coded(np.zeros(len(pupil), dtype=np.int32), [urn]),
        pa.array(days.dates.astype("datetime64[D]").astype(np.int32)[day], pa.int32()).cast(pa.date32()),
        _coded(session, ["AM", "PM"]),
        _coded(made.codes[order][on_roll].astype(np.int32), list(CODES)),
    ]
    return pa.table(columns, schema=MARKS)


def _coded(index: NDArray[np.int32], words: list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array(words, pa.string()))


def result_rows(results: pd.DataFrame, names: NDArray[np.str_], schools: Schools) -> pd.DataFrame:
    """Table `attainment`, by year, measure and pupil."""
    urns = [schools.urn(s) for s in range(len(schools.phase))]
    school = np.array([*urns, ""])[results.school]
    value = ["" if np.isnan(v) else f"{v:.10g}" for v in results.value]
    out = results.assign(pupil=names[results.pupil], school=school, value=value)
    out = out[["pupil", "academic_year", "measure", "value", "date", "school", "reason"]]
    return out.sort_values(["academic_year", "measure", "pupil"], ignore_index=True)


def call_rows(year: Year, names: NDArray[np.str_], schools: Schools) -> pd.DataFrame:
    """Table `interventions`: everyone eligible, by school and pupil; no start date is never started."""
    days, at = days_of(YEARS[1]), np.flatnonzero(year.choice.eligible)
    roll, choice = year.roll, year.choice
    records = [_call(year, int(i), float(choice.ending[i]), days) for i in at]
    frame = pd.DataFrame(records, columns=["start_date", "referred_date", "end_date", "end_reason", "status", "dose"])
    frame.insert(0, "intervention", NAME)
    frame.insert(1, "school", [schools.urn(s) for s in roll.school[at]])
    frame.insert(2, "pupil", names[roll.pupil[at]])
    return frame.sort_values(["school", "pupil"], ignore_index=True)


def together(calls: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The calls and the other interventions as one table, a whole year group's or school's rows without a pupil."""
    columns = [*calls.columns[:3], "year_group", *calls.columns[3:]]
    both = pd.concat([calls, others], ignore_index=True)[columns]
    return both.astype({"year_group": "Int64"})


def _call(year: Year, i: int, u: float, days: Days) -> tuple[str, str, str, str, str, int | str]:
    """Start, referral, end, reason, status and calls made, for one eligible enrolment."""
    asked = bool(year.choice.referred[i])
    referred = f"2024-12-{16 + int(u * 5)}" if asked else ""
    if not year.choice.started[i]:
        return "", referred, "", "", "referred" if asked else "eligible", ""
    start, leaving = CALLS_START.isoformat(), int(year.roll.leaving[i])
    if leaving < ALL_YEAR:
        return start, referred, str(days.dates[leaving - 1]), "moved school", "left", int(3 + u * 6)
    if u < 0.10:
        return start, referred, "2025-03-14", "family asked to stop", "left", int(3 + u * 40)
    if u < 0.25:
        return start, referred, "", "", "started", int(10 + u * 40)
    return start, referred, "2025-07-18", "all calls made", "finished", int(8 + u * 12)
