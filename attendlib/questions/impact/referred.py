"""Who was referred: pupils by name, or every pupil of a year group or school that received it; and index dates."""

import numpy as np
import pandas as pd

from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.windows import Windows

REFERRED = ("referred", "started", "finished", "left")  # whoever was referred counts, whatever they took up (ITT)
A_WEEK = pd.Timedelta(days=7)


def referred(listed: pd.DataFrame) -> pd.DataFrame:
    """The rows of the interventions table that are a referral: by status, or because it started."""
    return listed[listed["status"].isin(REFERRED) | listed["start_date"].notna()]


def by_group(listed: pd.DataFrame) -> bool:
    """Whether whole year groups or schools received it, rather than pupils by name."""
    return bool(listed["pupil"].isna().all())


def marked(enrolled: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """Enrolments with `treated` and `engaged` 0 or 1, `status`, `index` (start, else referral) and `referred_on`.

    A row of the interventions table without a pupil stands for all of its year group, or of its school.
    """
    rows = listed[["status", "start_date", "referred_date"]].reset_index(drop=True).reindex(_row_of(enrolled, listed))
    started = rows["start_date"].notna()
    return enrolled.reset_index(drop=True).assign(
        treated=(rows["status"].isin(REFERRED) | started).to_numpy(float),
        engaged=started.to_numpy(float),
        status=rows["status"].array,
        index=rows["start_date"].fillna(rows["referred_date"]).array,
        referred_on=rows["referred_date"].fillna(rows["start_date"]).array,
    )


def _row_of(enrolled: pd.DataFrame, listed: pd.DataFrame) -> list[int]:
    """Of each enrolment the place of its row in `listed`: its pupil's, else its year group's, else its school's.

    Of several it is the first; of none -1.
    """
    columns = ["school", "pupil", "year_group"]
    rows = zip(*(listed[name] for name in columns), listed["pupil"].notna(), listed["year_group"].notna(), strict=True)
    keys = [
        (school, "pupil", pupil) if named else (school, "group", group if grouped else None)
        for school, pupil, group, named, grouped in rows
    ]
    places = {key: place for place, key in reversed([*enumerate(keys)])}
    found = []
    for school, pupil, group in zip(*(enrolled[name] for name in columns), strict=True):
        own = (school, "pupil", pupil), (school, "group", group), (school, "group", None)
        found.append(next((places[key] for key in own if key in places), -1))
    return found


def referred_homes(pupils: Pupils, everywhere: pd.DataFrame, academic_year: str) -> pd.Series:
    """The household of each pupil referred, in whichever school; none where households are not held or not known."""
    enrolled = frames.enrolments(pupils, academic_year)
    if "household" not in enrolled:
        return pd.Series(dtype="str")
    groups = everywhere.loc[everywhere["pupil"].isna(), "school"]
    some = marked(enrolled[enrolled["pupil"].isin(everywhere["pupil"]) | enrolled["school"].isin(groups)], everywhere)
    return some.loc[some["treated"] == 1].drop_duplicates("pupil")["household"].dropna()


def with_index(frame: pd.DataFrame, windows: Windows, own_dates: bool, seed: int) -> pd.DataFrame:
    """The day each pupil is followed from, as `index`: a Monday, never before the outcome's first day.

    One day for all unless `own_dates`. Then a pupil without a date of their own (nobody started them) is given one
    drawn from those of the referred, so that neither side has had to stay longer to be counted.
    """
    first = pd.Timestamp(windows.outcome.from_date)
    if not own_dates:
        return frame.assign(index=first)
    known = frame["index"].where(frame["index"] >= first, first).where(frame["index"].notna())
    dates = np.sort(known[frame["treated"] == 1].dropna().to_numpy())
    drawn = np.random.default_rng(seed).choice(dates, len(frame)) if len(dates) else np.full(len(frame), first)
    index = known.where(frame["treated"] == 1).fillna(pd.Series(drawn, frame.index))
    return frame.assign(index=index.where(index.dt.day_of_week == 0, index + A_WEEK - _since_monday(index)))


def _since_monday(days: pd.Series) -> pd.Series:
    return pd.to_timedelta(days.dt.day_of_week, unit="D")
