"""The contrast with missing results and prior results filled in many times over, where that is tenable."""

import pandas as pd

from attendlib.questions.common import row_of
from attendlib.questions.link.asked import Asked, tellable
from attendlib.questions.link.contrast import can_be_read, fitted, unit_of
from attendlib.questions.link.design import design_of, held_alike
from attendlib.questions.link.gradient import outcome_of
from attendlib.records.answer import Row
from attendlib.stats.fit import Estimate, contrast
from attendlib.stats.imputation import combine_imputations, impute_chained
from attendlib.stats.spline import basis, natural_spline

MOST_MISSING = 0.4  # of the pupils: beyond it the answer is the imputation's rather than the data's
FEWEST_COMPLETE = 30
SETS = 20


def imputed_row(attending: pd.DataFrame, asked: Asked) -> tuple[Row, ...]:
    """`link` with the model `imputed`, or none where it is not tenable: few complete pupils, many gaps, or so few gaps
    that two counts would give a pupil away."""
    known = ["result", "prior"] if asked.prior else ["result"]
    gaps = attending[known].isna().any(axis=1)
    if not all(tellable(int(attending[column].isna().sum()), asked) for column in known):
        return ()
    n, complete = int(gaps.sum()), attending[~gaps].reset_index(drop=True)
    if not asked.fewest <= n <= MOST_MISSING * len(attending) or len(complete) < FEWEST_COMPLETE:
        return ()
    if not can_be_read(complete, asked) or not design_of(complete, held_alike(complete, asked)).fits:
        return ()
    table = pd.concat([attending[known].astype(float), _alike(attending, asked)], axis=1)
    if attending[known].notna().sum().min() < table.shape[1] + 2:
        return ()
    sets = impute_chained(table, asked.seed, SETS)
    found = [_contrast(attending.assign(**{column: filled[column] for column in known}), asked) for filled in sets]
    if not all(each.se > 0 for each in found):
        return ()
    pooled = combine_imputations(found).estimate
    method = f"{SETS} sets by predictive mean matching, Rubin's rules"
    return (row_of(pooled, "link", "school", model="imputed", unit=unit_of(asked), method=method),)


def _alike(frame: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """What helps to fill a gap: absence as a curve, and the characteristics."""
    spline = natural_spline(frame["absence_pct"], name="absence")
    return pd.concat([basis(spline, frame["absence_pct"]), held_alike(frame, asked, prior=False)], axis=1)


def _contrast(frame: pd.DataFrame, asked: Asked) -> Estimate:
    design = design_of(frame, held_alike(frame, asked))
    fit, _ = fitted(frame, outcome_of(frame, asked), design, "school")
    return contrast(fit, design.between(asked.high_pct, asked.low_pct))
