"""Secondary looks at the same link: kinds of absence, spells of it, and a short window against the whole year."""

import numpy as np
import pandas as pd

from attendlib.facts.definitions import FEWEST_SESSIONS_BANDED
from attendlib.questions.common import independent, row_of
from attendlib.questions.link.asked import Asked, tellable
from attendlib.questions.link.contrast import METHODS, can_be_read, fitted, unit_of
from attendlib.questions.link.design import Design, design_of, held_alike
from attendlib.questions.link.gradient import outcome_of
from attendlib.records.answer import Row, Scope
from attendlib.stats.fit import contrast
from attendlib.stats.spline import Spline, basis, natural_spline

KIND_PCT = 5.0  # so much absence of one kind against none of it
KINDS = ("illness", "other_authorised", "unauthorised")


def kind_rows(frame: pd.DataFrame, scope: Scope, asked: Asked) -> tuple[Row, ...]:
    """`link_by_kind`: 5% absence of one kind against none, the other kinds and all else held alike.

    Each kind has a natural spline of its own. A kind that fewer pupils have than may be shown is not told.
    """
    known = frame.dropna(subset=["illness", "authorised", "unauthorised"])
    if not _tellable(known, frame, asked):
        return ()
    shares = _kinds(known)
    told = [kind for kind in KINDS if (shares[kind] >= KIND_PCT).sum() >= asked.fewest]
    if not told:
        return ()
    splines = {kind: natural_spline(shares[kind], df=2, name=kind) for kind in KINDS if shares[kind].nunique() > 1}
    parts = [basis(spline, shares[kind]) for kind, spline in splines.items()]
    constant = pd.Series(1.0, known.index, name="constant")
    design = Design(independent(pd.concat([constant, *parts, held_alike(known, asked)], axis=1)), splines[told[0]])
    if not design.fits:
        return ()
    fit, method = fitted(known, outcome_of(known, asked), design, scope)
    return tuple(
        row_of(
            contrast(fit, _step(splines[kind], KIND_PCT, 0.0, fit.coef.index)), "link_by_kind", scope,
            group=f"kind={kind}", model="adjusted", unit=unit_of(asked), method=METHODS[method],
        )
        for kind in told
    )  # fmt: skip


def spell_rows(frame: pd.DataFrame, scope: Scope, asked: Asked) -> tuple[Row, ...]:
    """`link_by_spells`: more spells against fewer (the quartiles of this school's pupils), the same absence in all."""
    known = frame.dropna(subset=["spells"])
    if not _tellable(known, frame, asked):
        return ()
    few, many = (round(float(known["spells"].quantile(q))) for q in (0.25, 0.75))
    if few == many:
        return ()
    spline = natural_spline(known["spells"].astype(float), df=2, name="spells")
    extra = pd.concat([basis(spline, known["spells"].astype(float)), held_alike(known, asked)], axis=1)
    design = design_of(known, extra)
    if not design.fits or not any(name in design.X for name in basis(spline, np.array([0.0])).columns):
        return ()
    fit, method = fitted(known, outcome_of(known, asked), design, scope)
    found = contrast(fit, _step(spline, float(many), float(few), fit.coef.index))
    label = {"model": "adjusted", "unit": unit_of(asked), "method": METHODS[method]}
    return (row_of(found, "link_by_spells", scope, group=f"spells={many} against {few}", **label),)


def short_window_rows(frame: pd.DataFrame, scope: Scope, asked: Asked) -> tuple[Row, ...]:
    """`link` with the model `short_window` (a pupil's first half-term alone) and `whole_year` (the same pupils), and
    `short_window_correlation`: of a pupil's absence in the first half-term with that in the rest of the year."""
    enough = (frame["short_possible"] >= FEWEST_SESSIONS_BANDED) & (frame["possible"] > frame["short_possible"])
    both = frame[enough].reset_index(drop=True)
    if not _tellable(both, frame, asked):
        return ()
    short = both.assign(absence_pct=(100 * both["short_absent"] / both["short_possible"]).astype(float))
    if not can_be_read(short, asked) or not can_be_read(both, asked):
        return ()
    extra = held_alike(both, asked)
    rows = []
    for model, rows_of_pupils in (("short_window", short), ("whole_year", both)):
        design = design_of(rows_of_pupils, extra)
        if not design.fits:
            return ()
        fit, method = fitted(rows_of_pupils, outcome_of(both, asked), design, scope)
        weights = design.between(asked.high_pct, asked.low_pct).reindex(fit.coef.index, fill_value=0.0)
        label = {"model": model, "unit": unit_of(asked), "method": METHODS[method]}
        rows.append(row_of(contrast(fit, weights), "link", scope, **label))
    rest = (both["absent"] - both["short_absent"]) / (both["possible"] - both["short_possible"])
    r = float(np.corrcoef(short["absence_pct"], rest.astype(float))[0, 1])
    if np.isfinite(r):
        rows.append(Row("short_window_correlation", scope, value=r, unit="correlation", n=len(both)))
    return tuple(rows)


def _kinds(frame: pd.DataFrame) -> pd.DataFrame:
    """Percent of possible sessions missed by kind."""
    other = frame["authorised"] - frame["illness"]
    parts = {"illness": frame["illness"], "other_authorised": other, "unauthorised": frame["unauthorised"]}
    return pd.DataFrame({kind: (100 * part / frame["possible"]).astype(float) for kind, part in parts.items()})


def _step(spline: Spline, high: float, low: float, columns: pd.Index) -> pd.Series:
    ends = basis(spline, np.array([high, low]))
    return (ends.iloc[0] - ends.iloc[1]).reindex(columns, fill_value=0.0)


def _tellable(part: pd.DataFrame, whole: pd.DataFrame, asked: Asked) -> bool:
    """Whether pupils are enough, and those left out none or enough that two counts give nobody away, in any school."""
    lost = whole["school"].value_counts().sub(part["school"].value_counts(), fill_value=0)
    return len(part) >= asked.fewest and all(tellable(int(each), asked) for each in (*lost, len(whole) - len(part)))
