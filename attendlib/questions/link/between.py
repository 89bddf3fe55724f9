"""All schools beside one: the link within schools by a random intercept, what lies between them kept apart, pooling."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from attendlib.questions.common import independent, row_of, within
from attendlib.questions.link.asked import Asked
from attendlib.questions.link.contrast import can_be_read, contrast_row, unit_of
from attendlib.questions.link.design import Design, design_of, held_alike
from attendlib.questions.link.gradient import outcome_of
from attendlib.records.answer import Row
from attendlib.stats.fit import LEAST_DF, contrast
from attendlib.stats.mixed import random_intercept
from attendlib.stats.pooling import partial_pool

FEWEST_SCHOOLS = 8  # fewer say too little about how schools differ for a variance or a slope between them
MOST_SCHOOLS = 100  # the first so many by name, this one always: more would cost each page a model of every school
METHOD = "random intercept for schools, REML, absence less its school's mean"


def random_intercept_rows(frame: pd.DataFrame, asked: Asked) -> tuple[Row, ...]:
    """`link` with the model `random_intercept`, and `link_between`: what schools of one point more mean absence differ
    by, a difference between schools that is no pupil's. Nothing under eight schools."""
    extra = held_alike(frame, asked)
    design = design_of(frame, extra)
    if frame["school"].nunique() < FEWEST_SCHOOLS or not can_be_read(frame, asked) or not design.fits:
        return ()
    X = _apart(frame, design)
    fit = random_intercept(outcome_of(frame, asked), X, frame["school"].to_numpy())
    weights = design.between(asked.high_pct, asked.low_pct).reindex(X.columns, fill_value=0.0)
    label = {"unit": unit_of(asked), "method": METHOD}
    rows = (row_of(contrast(fit, weights), "link", "all", model="random_intercept", **label),)
    if "school_mean" not in X:
        return rows
    return (*rows, row_of(contrast(fit, {"school_mean": 1.0}), "link_between", "all", model="adjusted", **label))


def pooled_rows(frame: pd.DataFrame, asked: Asked) -> tuple[Row, ...]:
    """`link` with the model `shrunken`, and `link_beside_others`: how far this school's link lies from the schools'
    mean. Each school's own adjusted contrast is pulled to that mean; nothing under eight schools that have one."""
    if frame["school"].nunique() < FEWEST_SCHOOLS:
        return ()
    found = pd.DataFrame(_school_links(frame, asked), columns=["school", "value", "se", "n"]).set_index("school")
    if len(found) < FEWEST_SCHOOLS or asked.school not in found.index:
        return ()
    pooled, school = partial_pool(found["value"].astype(float), found["se"].astype(float)), asked.school
    row = Row(
        "link", "school", model="shrunken", value=float(pooled.value[school]), low=float(pooled.low[school]),
        high=float(pooled.high[school]), se=float(pooled.se[school]), confidence_pct=95.0, unit=unit_of(asked),
        n=int(found["n"][school]), n_groups=len(found), method="partial pooling of the schools' own contrasts",
    )  # fmt: skip
    apart = replace(
        row, estimate="link_beside_others", se=None, value=float(pooled.difference[school]),
        low=float(pooled.difference_low[school]), high=float(pooled.difference_high[school]),
    )  # fmt: skip
    return row, apart


def _school_links(frame: pd.DataFrame, asked: Asked) -> Iterator[tuple[str, float, float, int]]:
    """School, contrast, standard error and pupils of each school in which the contrast can be read."""
    schools = sorted(frame["school"].unique(), key=lambda school: (school != asked.school, school))[:MOST_SCHOOLS]
    for school in schools:
        own = frame[frame["school"] == school].reset_index(drop=True)
        design = design_of(own, held_alike(own, asked))
        if not can_be_read(own, asked):
            continue
        for row in contrast_row(own, design, "school", asked, "adjusted"):
            if row.value is not None and row.se and row.df and row.df >= LEAST_DF:
                yield school, row.value, row.se, len(own)


def _apart(frame: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The design with each spline column less its school's mean, and the school's mean absence a column of its own."""
    inside = within(design.X[design.absence], frame["school"])
    mean = frame.groupby("school")["absence_pct"].transform("mean").rename("school_mean")
    rest = design.X.drop(columns=["constant", *design.absence])
    return independent(pd.concat([design.X[["constant"]], inside, mean, rest], axis=1))
