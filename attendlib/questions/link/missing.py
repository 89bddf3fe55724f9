"""Pupils without a result: how many by absence, and what the contrast would be under other readings of them."""

from dataclasses import replace

import numpy as np
import pandas as pd

from attendlib.disclosure import merged
from attendlib.questions.common import row_of
from attendlib.questions.link.asked import Asked, tellable
from attendlib.questions.link.contrast import METHODS, can_be_read, contrast_row, fitted, unit_of
from attendlib.questions.link.design import Design, design_of, held_alike
from attendlib.questions.link.gradient import band_counts, band_label, band_numbers, outcome_of, share_row
from attendlib.records.answer import Row, Scope
from attendlib.stats.fit import contrast


def missing_rows(attending: pd.DataFrame, scope: Scope, asked: Asked) -> tuple[Row, ...]:
    """`missing_result`: the share with no result in each band of absence (joined until each holds enough without)."""
    frame = with_prior(attending, asked)
    missing, bands = frame["result"].isna().to_numpy(), band_numbers(frame)
    if not missing.any() or not tellable(len(attending) - len(frame), asked):
        return ()
    sets = merged(band_counts(bands[missing]), asked.fewest)
    rows = [
        share_row(int(missing[inside].sum()), int(inside.sum()), "missing_result", scope, band_label(positions))
        for positions in (sets if len(sets) > 1 else ())
        if (inside := np.isin(bands, positions)).any()
    ]
    return (*rows, share_row(int(missing.sum()), len(missing), "missing_result", scope))


def bound_rows(attending: pd.DataFrame, scope: Scope, asked: Asked) -> tuple[Row, ...]:
    """`link` with the missing read otherwise: `not_achieved` (thresholds), `bound_low` and `bound_high`.

    The bounds give each missing pupil the lowest or highest result of the pupils who have one (not reached or reached),
    whichever moves the contrast furthest down, or up; their intervals are those of the results so filled.
    Nothing where fewer pupils lack a result than may be told apart.
    """
    frame = with_prior(attending, asked)
    missing = frame["result"].isna().to_numpy()
    if not tellable(len(attending) - len(frame), asked) or not asked.fewest <= missing.sum() < len(frame):
        return ()
    if not can_be_read(frame[~missing], asked):
        return ()
    design = design_of(frame, held_alike(frame, asked))
    if not design.fits:
        return ()
    y = outcome_of(frame, asked).where(~missing)
    pull = _pull(design, asked)
    worst, best = (0.0, 100.0) if asked.is_share else (float(y.min()), float(y.max()))
    rows: list[Row] = []
    for model, up in (("bound_low", False), ("bound_high", True)):
        filled = np.where((pull > 0) == up, best, worst)
        rows += _filled_row(frame, y.where(~missing, filled), design, scope, asked, model)
    if asked.is_share:
        rows += _filled_row(frame, y.fillna(0.0), design, scope, asked, "not_achieved")
    return tuple(rows)


def without_prior_row(attending: pd.DataFrame, scope: Scope, asked: Asked) -> tuple[Row, ...]:
    """`link` with the model `everyone`: nothing of the prior result, so that pupils without one count too."""
    open_to_all = replace(asked, prior=None)
    frame = attending[attending["result"].notna()].reset_index(drop=True)
    added = len(frame) - int(frame["prior"].notna().sum())
    neither = int((attending["prior"].isna() & attending["result"].isna()).sum())
    if asked.prior is None or added < asked.fewest or not tellable(neither, asked):
        return ()
    if not can_be_read(frame, open_to_all):
        return ()
    return contrast_row(frame, design_of(frame, held_alike(frame, open_to_all)), scope, open_to_all, "everyone")


def with_prior(attending: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """The pupils who have what is held alike, with a result or without."""
    kept = attending if asked.prior is None else attending[attending["prior"].notna()]
    return kept.reset_index(drop=True)


def _pull(design: Design, asked: Asked) -> np.ndarray:
    """How much one more point of each pupil's result moves the contrast: it is a weighted sum of results."""
    weights = design.between(asked.high_pct, asked.low_pct).to_numpy()
    X = design.X.to_numpy()
    return X @ np.linalg.solve(X.T @ X, weights)


def _filled_row(
    frame: pd.DataFrame, y: pd.Series, design: Design, scope: Scope, asked: Asked, model: str
) -> tuple[Row, ...]:
    fit, method = fitted(frame, y, design, scope)
    found = contrast(fit, design.between(asked.high_pct, asked.low_pct).reindex(fit.coef.index, fill_value=0.0))
    return (row_of(found, "link", scope, model=model, unit=unit_of(asked), method=METHODS[method]),)
