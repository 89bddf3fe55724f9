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
    columns = ["status", "start_date", "referred_date"]
    keys = [["pupil", "school"], ["school", "year_group"], ["school"]]
    has_pupil, has_group = listed["pupil"].notna(), listed["year_group"].notna()
    parts = [listed[has_pupil], listed[~has_pupil & has_group], listed[~has_pupil & ~has_group]]
    found = [
        enrolled[["pupil", "school", "year_group"]].merge(part[[*key, *columns]].drop_duplicates(key), on=key)
        for key, part in zip(keys, parts, strict=True)
        if not part.empty
    ]
    rows = pd.concat(found).drop_duplicates(["pupil", "school"]) if found else listed.iloc[:0]
    rows = rows.assign(
        treated=(rows["status"].isin(REFERRED) | rows["start_date"].notna()).astype(float),
        engaged=rows["start_date"].notna().astype(float),
        index=rows["start_date"].fillna(rows["referred_date"]),
        referred_on=rows["referred_date"].fillna(rows["start_date"]),
    )
    kept = ["pupil", "school", "treated", "engaged", "status", "index", "referred_on"]
    return enrolled.merge(rows[kept], on=["pupil", "school"], how="left").fillna({"treated": 0.0, "engaged": 0.0})


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
