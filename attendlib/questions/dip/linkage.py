"""Whom the comparison rests on: who was found, who was not, and what another way of counting would say."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from attendlib.disclosure import limit
from attendlib.questions.common import independent, indicators, row_of
from attendlib.questions.dip.cohort import Cohort
from attendlib.questions.dip.expected import Curve, beyond_expected, how
from attendlib.questions.dip.moves import with_rates
from attendlib.questions.dip.sessions import WHOLE_YEAR, sessions_of, summed
from attendlib.questions.dip.year import COUNTED
from attendlib.records.answer import Row
from attendlib.stats.shares import mean_interval, wilson
from attendlib.stats.weighting import NoOverlapError, NotConvergedError, balance_weights

COMPARED_ON = ("fsm6", "fsm", "sen", "sex", "eal", "first_choice")
COMPLETE = {"before": 200, "after": 100}  # sessions: FFT asks for 20 weeks in Year 6 and 10 in Year 7
RECOUNTS: dict[str, tuple[str, int]] = {  # what is counted the other way, and whether it adds to absence
    "L counted as absent": ("late_before", 1),
    "U counted as present": ("late_after", -1),
    "B counted as absent": ("offsite", 1),
}
USED = {"late_before": "L", "late_after": "U", "offsite": "B"}


def match_rows(cohort: Cohort) -> list[Row]:
    """The share found before the move, and the shares of each kind among pupils kept and among the others."""
    everyone = cohort.linked
    kept = everyone["pupil"].isin(cohort.frame["pupil"])
    found = int(everyone["found"].sum())
    told_apart = 0 < found - int(kept.sum()) < limit(cohort.asked.audience)  # the steps withhold that difference
    rows = [] if told_apart else [_share("matched", found, len(everyone))]
    if kept.all() or not kept.any():
        return rows
    held = sessions_of(cohort.years[1], False)
    after = pd.DataFrame(summed(*held.here.of(held.pairs(everyone), held.places(WHOLE_YEAR))), columns=list(COUNTED))
    there = (after["possible"] > 0).to_numpy()
    rate = 100 * after["absent"] / after["possible"]
    for name, mask in (("kept", kept), ("not_kept", ~kept)):
        part = everyone[mask]
        rows += _kinds(part, name, limit(cohort.asked.audience))
        theirs = rate[mask.to_numpy() & there]
        if len(theirs) >= 2 and not 0 < len(part) - len(theirs) < limit(cohort.asked.audience):
            told = {"unit": "percent", "method": "mean over the whole year, HC2"}
            rows.append(row_of(mean_interval(theirs), f"{name}_absence_after", "school", **told))
    return rows


def _kinds(part: pd.DataFrame, name: str, fewest: int) -> list[Row]:
    """Of these pupils, the share with each value of COMPARED_ON as it is after the move; not known left out of n."""
    rows = []
    for column in COMPARED_ON:
        values = part[column if column == "first_choice" else f"now_{column}"].dropna()
        level = {"sen": "K", "sex": "F"}.get(column, 1)
        if len(values) and not 0 < len(part) - len(values) < fewest:  # two counts would tell the few not known
            text = f"{level:g}" if isinstance(level, int) else level
            # A group of its own: what is withheld of those not kept must not take the kept ones' figures with it.
            group = ";".join(sorted((f"{column}={text}", f"linked={1 if name == 'kept' else 0}")))
            rows.append(_share(f"{name}_share", int((values == level).sum()), len(values), group))
    return rows


def _share(name: str, numerator: int, n: int, group: str = "") -> Row:
    found = wilson(numerator, n)
    return Row(
        name, "school", group=group, value=100 * found.share, low=100 * found.low, high=100 * found.high,
        confidence_pct=95.0, unit="percent", n=n, numerator=numerator, method="share, Wilson interval",
    )  # fmt: skip


def recording_rows(cohort: Cohort) -> list[Row]:
    """How often L, U and B are used before and after, and the result with each counted the other way."""
    frame = cohort.frame
    rows: list[Row] = []
    for column, code in USED.items():
        for when in ("before", "after"):
            used = (100 * frame[f"{column}_{when}"] / frame[f"possible_{when}"]).astype(float)
            if used.notna().all():
                told = {"period": when, "unit": "percent of sessions", "method": "mean, HC2"}
                row = row_of(mean_interval(used), f"use_of_{code}", "school", **told)
                rows.append(replace(row, low=max(row.low or 0.0, 0.0)))  # no code is used less than never
    for model, (column, sign) in RECOUNTS.items():
        if _known(cohort, column):
            rows += _again(cohort, model, partial(_recounted, column=column, sign=sign))
    return rows


def _known(cohort: Cohort, column: str) -> bool:
    frames = [cohort.frame] + ([cohort.curve.frame] if isinstance(cohort.curve, Curve) else [])
    return all(bool(frame[f"{column}_{when}"].notna().all()) for frame in frames for when in ("before", "after"))


def _recounted(frame: pd.DataFrame, column: str, sign: int) -> pd.DataFrame:
    moved = {
        f"absent_{when}": (frame[f"absent_{when}"] + sign * frame[f"{column}_{when}"]).clip(lower=0)
        for when in ("before", "after")
    }
    return with_rates(frame.assign(**moved))


def complete_rows(cohort: Cohort) -> list[Row]:
    """The result for pupils with COMPLETE sessions alone, FFT Education Datalab's rule; none where that is everyone."""
    lost = len(cohort.frame) - len(_complete(cohort.frame))
    if not limit(cohort.asked.audience) <= lost <= len(cohort.frame) - 2:  # a few lost would be told by subtraction
        return []
    return _again(cohort, "20 weeks before and 10 after", _complete)


def _complete(frame: pd.DataFrame) -> pd.DataFrame:
    enough = [frame[f"possible_{when}"] >= least for when, least in COMPLETE.items()]
    return frame[enough[0] & enough[1]].reset_index(drop=True)


def _again(cohort: Cohort, model: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> list[Row]:
    """The headline made again from other counts or pupils; the curve's pupils are counted the same way."""
    frame = change(cohort.frame)
    if isinstance(cohort.curve, Curve):
        curve = replace(cohort.curve, frame=change(cohort.curve.frame))
        found, name = beyond_expected(frame, curve), "dip"
        method = how(curve, found)
    else:
        found, name, method = mean_interval(frame["change"]), "change", "mean, HC2"
    return [row_of(found, name, "school", model=model, unit="percentage points", method=method)]


def weighted_rows(cohort: Cohort) -> tuple[list[Row], str]:
    """The headline with those kept weighted to look like everyone on roll, and in words what became of the weights.

    Entropy balancing of COMPARED_ON as it is after the move, not known being a kind of its own. No row, and "", where
    too few are left out for it to matter.
    """
    everyone = cohort.linked
    kept = everyone["pupil"].isin(cohort.frame["pupil"]).to_numpy()
    if (~kept).sum() < limit(cohort.asked.audience):
        return [], ""
    columns = [column if column == "first_choice" else f"now_{column}" for column in COMPARED_ON]
    x = independent(_varying_among(indicators(everyone, columns), kept))
    if x.empty:
        return [], "nothing known of the pupils tells those left out apart, so no weights were made"
    stacked = pd.concat([x, x[kept]], ignore_index=True)
    try:
        found = balance_weights(stacked, np.repeat([1, 0], [len(x), int(kept.sum())]))
    except (NoOverlapError, NotConvergedError, ValueError):
        return [], "no weights make the pupils compared like everyone on roll: those left out are too different"
    weights = pd.Series(found.weights.to_numpy()[len(x) :], index=everyone["pupil"][kept])
    rows = _weighted(cohort, weights.loc[cohort.frame["pupil"]].reset_index(drop=True))
    worth = f"{found.effective_n:.0f}"
    return rows, f"weighted to look like everyone on roll, those compared count for {worth} pupils"


def _varying_among(x: pd.DataFrame, kept: np.ndarray) -> pd.DataFrame:
    """The kinds that someone kept has and someone kept lacks: no weights can make up the others."""
    return x.loc[:, x[kept].nunique() > 1]


def _weighted(cohort: Cohort, weights: pd.Series) -> list[Row]:
    told = {"model": "weighted to all on roll", "unit": "percentage points"}
    if isinstance(cohort.curve, Curve):
        found = beyond_expected(cohort.frame, cohort.curve, weights=weights)
        return [row_of(found, "dip", "school", method=f"{how(cohort.curve, found)}; entropy weights", **told)]
    found = mean_interval(cohort.frame["change"], weights=weights)
    return [row_of(found, "change", "school", method="mean, HC2; entropy weights", **told)]
