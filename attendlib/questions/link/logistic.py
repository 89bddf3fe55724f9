"""The same contrast of a threshold by a logistic model: average difference in the share who reach it."""

import pandas as pd

from attendlib.questions.common import rescaled, row_of
from attendlib.questions.link.asked import Asked
from attendlib.questions.link.contrast import can_be_read, unit_of
from attendlib.questions.link.design import design_of, held_alike
from attendlib.questions.link.gradient import outcome_of
from attendlib.records.answer import Row
from attendlib.stats.logistic import average_difference, logit

LEAST_REACHED = 5  # pupils who reach it, and who do not, for each column: fewer and the model runs off


def logistic_row(frame: pd.DataFrame, asked: Asked) -> tuple[Row, ...]:
    """`link` with the model `logistic`, for thresholds: shares that cannot leave 0 to 100, averaged over these pupils.

    None where pupils on either side of the threshold are too few, or the columns tell the two sides apart.
    """
    design = design_of(frame, held_alike(frame, asked))
    reached = (outcome_of(frame, asked) > 0).astype(float)
    rarer = min(reached.sum(), len(reached) - reached.sum())
    if not asked.is_share or not can_be_read(frame, asked) or rarer < LEAST_REACHED * design.X.shape[1]:
        return ()
    try:
        fit = logit(reached, design.X)
    except ValueError:  # one column tells the two sides apart, or no finite estimate is reached: none is given
        return ()
    high, low = (design.with_absence(percent) for percent in (asked.high_pct, asked.low_pct))
    found = average_difference(fit, high, low).difference
    row = row_of(found, "link", "school", model="logistic", method="logistic, average difference, HC2")
    return (rescaled(row, 100, "link", unit_of(asked)),)
