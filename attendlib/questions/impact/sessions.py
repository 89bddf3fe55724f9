"""Sessions of each pupil in each window, from the store: when chosen, in the baseline, and from their own first day."""

import pandas as pd

from attendlib.intake.load import Pupils
from attendlib.intake.spans import COUNTS, absence_in_spans
from attendlib.questions.impact.referred import with_index
from attendlib.questions.windows import Windows, ends


def sessions_of(pupils: Pupils, frame: pd.DataFrame, windows: Windows, own_dates: bool, seed: int) -> pd.DataFrame:
    """Absent and possible sessions of each pupil in each window: `absent_window`, `possible_outcome` and so on."""
    frame = with_index(frame, windows, own_dates, seed)
    days = sorted({pd.Timestamp(windows.outcome.from_date), *frame["index"].unique()})
    after = [(day.date(), windows.outcome.to_date) for day in days]
    window, baseline, *outcomes = absence_in_spans(
        pupils, [ends(windows.window), ends(windows.baseline), *after], frame["pupil"]
    )
    for name, sums in (("window", window), ("baseline", baseline)):  # they may have been at another school then
        sums = sums.groupby("pupil", as_index=False)[["possible", "absent"]].sum()
        frame = frame.merge(sums.rename(columns=_named(name)), on="pupil", how="left")
    outcome = pd.concat([sums.assign(index=day) for day, sums in zip(days, outcomes, strict=True)])
    return frame.merge(outcome.rename(columns=_named("outcome")), on=["pupil", "school", "index"], how="left")


def _named(window: str) -> dict[str, str]:
    return {count: f"{count}_{window}" for count in COUNTS}
