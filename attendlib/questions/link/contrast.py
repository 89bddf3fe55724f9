"""The named contrast: results at one percent of absence against another, raw and adjusted, and levels along the way."""

from dataclasses import replace

import pandas as pd

from attendlib.questions.common import independent, rescaled, row_of, within
from attendlib.questions.link.asked import Asked
from attendlib.questions.link.design import Design, design_of, held_alike
from attendlib.questions.link.gradient import outcome_of
from attendlib.records.answer import Row, Scope
from attendlib.stats.fit import Fit, contrast
from attendlib.stats.ols import ols

LEVELS_PCT = (2.0, 5.0, 10.0, 20.0)
FEWEST_CLASSES = 8  # a school's own pupils are clustered by class from this many on, each pupil's known
METHODS = {
    "pupil": "OLS, natural spline, HC2",
    "class": "OLS, natural spline, clustered by class, CR2",
    "school": "OLS within schools, natural spline, CR2",
}


def can_be_read(frame: pd.DataFrame, asked: Asked) -> bool:
    """Whether pupils at both ends of the contrast are there at all, and the result varies."""
    return _beyond(frame, asked.high_pct, asked.low_pct) >= asked.fewest and outcome_of(frame, asked).nunique() > 1


def contrast_rows(frame: pd.DataFrame, scope: Scope, asked: Asked) -> tuple[Row, ...]:
    """`link` and `link_sd`: raw, adjusted, and (to show what it is worth) adjusted without the prior result."""
    if not can_be_read(frame, asked):
        return ()
    extra = held_alike(frame, asked)
    rows = contrast_row(frame, design_of(frame, extra.iloc[:, :0]), scope, asked, "raw")
    if extra.shape[1]:
        rows += contrast_row(frame, design_of(frame, extra), scope, asked, "adjusted")
    if asked.prior and extra.shape[1] > 1:
        rows += contrast_row(frame, design_of(frame, extra.drop(columns="prior")), scope, asked, "no_prior")
    spread = float(outcome_of(frame, asked).std(ddof=1))
    return rows + tuple(rescaled(row, 1 / spread, "link_sd", "standard deviations") for row in rows)


def contrast_row(frame: pd.DataFrame, design: Design, scope: Scope, asked: Asked, model: str) -> tuple[Row, ...]:
    """One `link` row, or none where pupils are too few for the design's columns."""
    if not design.fits:
        return ()
    fit, method = fitted(frame, outcome_of(frame, asked), design, scope)
    found = contrast(fit, design.between(asked.high_pct, asked.low_pct).reindex(fit.coef.index, fill_value=0.0))
    return (row_of(found, "link", scope, model=model, unit=unit_of(asked), method=METHODS[method]),)


def fitted(frame: pd.DataFrame, y: pd.Series, design: Design, scope: Scope) -> tuple[Fit, str]:
    """A school's pupils with HC2, or by class; all schools on what differs within each, by school. And which it was."""
    if scope == "all":
        inside = within(design.X.drop(columns="constant"), frame["school"])
        centred = within(y.to_frame("y"), frame["school"])["y"]
        return ols(centred, independent(inside), cluster=frame["school"].to_numpy()), "school"
    if frame["class"].notna().all() and frame["class"].nunique() >= FEWEST_CLASSES:
        return ols(y, design.X, cluster=frame["class"].to_numpy()), "class"
    return ols(y, design.X), "pupil"


def level_rows(frame: pd.DataFrame, asked: Asked) -> tuple[Row, ...]:
    """`result_at`: what pupils alike in all else (the school's average) had at 2, 5, 10 and 20% absence.

    Only at percents with enough pupils on either side: no curve is drawn out beyond its pupils.
    """
    extra = held_alike(frame, asked)
    design = design_of(frame, extra)
    if not can_be_read(frame, asked) or not design.fits:
        return ()
    fit, method = fitted(frame, outcome_of(frame, asked), design, "school")
    average = design.X.mean().where(~design.X.columns.isin(design.absence), 0.0)
    labels = {"model": "adjusted" if extra.shape[1] else "raw", "unit": unit_of(asked), "method": METHODS[method]}
    rows = [
        row_of(contrast(fit, average + design.at(pct)), "result_at", "school", group=f"absence_pct={pct:g}", **labels)
        for pct in levels_of(frame, asked)
    ]
    return tuple(_possible(row) if asked.is_share else row for row in rows)


def levels_of(frame: pd.DataFrame, asked: Asked) -> list[float]:
    """The percents of absence with enough pupils on either side: 2, 5, 10 and 20, and the contrast's own."""
    asked_for = sorted({*LEVELS_PCT, asked.high_pct, asked.low_pct})
    return [percent for percent in asked_for if _beyond(frame, percent, percent) >= asked.fewest]


def unit_of(asked: Asked) -> str:
    """The unit of a difference: the outcome's points, or pupils in every 100."""
    return "per 100 pupils" if asked.is_share else "points"


def _possible(row: Row) -> Row:
    """A level of a share with limits outside 0 to 100 cut there; a level outside is no figure at all."""
    if row.value is None or not 0 <= row.value <= 100:
        return replace(row, value=None, low=None, high=None, se=None, df=None, p=None)
    if row.low is None or row.high is None:
        return row
    return replace(row, low=max(row.low, 0.0), high=min(row.high, 100.0))


def _beyond(frame: pd.DataFrame, high_pct: float, low_pct: float) -> int:
    return min(int((frame["absence_pct"] >= high_pct).sum()), int((frame["absence_pct"] <= low_pct).sum()))
