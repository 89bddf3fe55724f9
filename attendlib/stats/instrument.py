"""Two-stage least squares: the effect on those whom the allocation moved, with the allocation as instrument."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.stats.fit import Fit
from attendlib.stats.inputs import Labels, Matrix, Rows, Values, read_rows
from attendlib.stats.ols import fit_from_residuals, less_effects, ols, whitener

WEAK = 10.0  # a first-stage F below this leaves the estimate biased and its interval too short: Staiger, Stock (1997)


@dataclass(frozen=True, slots=True, eq=False)
class Instrumented:
    """A two-stage fit: `second` as any Fit, with residuals from X itself and the small-sample variance of X-hat.

    `first` holds the first-stage Fit of each endogenous column on Z. `first_stage_f` tests its excluded instruments
    (Wald over their number, the same kind of variance as `second`, so clustered where it is); `classical_f` assumes
    one error variance. `correlation` is that of the only instrument with the only endogenous column, NaN otherwise.
    """

    second: Fit
    first: dict[str, Fit]
    first_stage_f: pd.Series
    classical_f: pd.Series
    correlation: float
    endogenous: tuple[str, ...]
    instruments: tuple[str, ...]
    warnings: tuple[str, ...]


def iv(
    y: Values,
    X: Matrix,
    Z: Matrix,
    cluster: Labels | None = None,
    vcov: str | None = None,
    confidence_pct: float = 95,
    inside: Labels | None = None,
) -> Instrumented:
    """Two-stage least squares of `y` (n,) on `X` (n, k) with instruments `Z` (n, l), both used as given.

    A column of X that is also in Z, value for value, is its own instrument; the rest of X is endogenous and the rest
    of Z excluded instruments. `vcov` and `inside` as in `ols`: CR2 with `cluster`, HC2 without, both as
    `estimatr::iv_robust`; with `inside` there is no classical F (NaN), and correlation is inside the fixed effects.
    ValueError as `ols`, for nothing endogenous, and for fewer excluded instruments than endogenous columns.
    """
    rows, stage = (less_effects(read_rows(y, columns, cluster, None, inside)) for columns in (X, Z))
    own, excluded = _roles(rows, stage)
    endogenous = [j for j in range(len(rows.names)) if j not in own]
    _enough(rows, stage, endogenous, excluded)
    moved, tools = tuple(rows.names[j] for j in endogenous), tuple(stage.names[j] for j in excluded)
    columns = pd.DataFrame(stage.x, columns=list(stage.names))
    first = {rows.names[j]: ols(rows.x[:, j], columns, rows.codes, vcov, inside=rows.cells) for j in endogenous}
    plain = {rows.names[j]: ols(rows.x[:, j], columns, None, "classical") for j in endogenous} if inside is None else {}
    strength = pd.Series({name: _f(fit, tools) for name, fit in first.items()})
    second = _second_stage(rows, stage, endogenous, first[moved[0]].vcov_type, confidence_pct)
    alone = len(moved) == len(tools) == 1
    pair = np.corrcoef(stage.x[:, excluded[0]], rows.x[:, endogenous[0]])[0, 1] if alone else np.nan
    return Instrumented(
        second=second,
        first=first,
        first_stage_f=strength,
        classical_f=pd.Series({name: _f(plain[name], tools) if plain else np.nan for name in first}),
        correlation=float(pair),
        endogenous=moved,
        instruments=tools,
        warnings=second.warnings + _notes(strength, len(moved)),
    )


def _second_stage(rows: Rows, stage: Rows, endogenous: list[int], vcov: str, confidence_pct: float) -> Fit:
    fitted = rows.x.copy()
    half = stage.x @ whitener(stage)
    fitted[:, endogenous] = half @ (half.T @ rows.x[:, endogenous])
    projected = Rows(rows.y, fitted, rows.names, rows.codes, rows.n_groups, None, (), rows.cells)
    root = whitener(projected)
    coef = root @ ((fitted @ root).T @ rows.y)
    return fit_from_residuals(projected, coef, rows.y - rows.x @ coef, root, vcov, confidence_pct)


def _roles(rows: Rows, stage: Rows) -> tuple[list[int], list[int]]:
    """Which columns of X are their own instruments, and which of Z are excluded ones."""
    same = {
        j: next((m for m in range(stage.x.shape[1]) if np.array_equal(rows.x[:, j], stage.x[:, m])), None)
        for j in range(rows.x.shape[1])
    }
    own = [j for j, m in same.items() if m is not None]
    return own, [m for m in range(stage.x.shape[1]) if m not in same.values()]


def _enough(rows: Rows, stage: Rows, endogenous: list[int], excluded: list[int]) -> None:
    if not endogenous:
        raise ValueError("every column of X is in Z too: nothing is endogenous, use ols")
    if len(excluded) < len(endogenous):
        raise ValueError(
            f"{len(excluded)} excluded instruments for {len(endogenous)} endogenous columns "
            f"({', '.join(rows.names[j] for j in endogenous)}); give at least as many, and put every other "
            "column of X in Z unchanged"
        )


def _f(fit: Fit, instruments: tuple[str, ...]) -> float:
    """The Wald statistic of the instruments' coefficients being 0, over their number; NaN when it cannot be told."""
    names = list(instruments)
    variance = fit.vcov.loc[names, names].to_numpy()
    if not np.isfinite(variance).all():
        return np.nan
    coef = fit.coef[names].to_numpy()
    return float(coef @ np.linalg.pinv(variance, hermitian=True) @ coef / len(names))


def _notes(strength: pd.Series, endogenous: int) -> tuple[str, ...]:
    notes = [
        f"Weak instrument: the first-stage F of {name} is {f:.1f}, under {WEAK:.0f}; the interval cannot be relied on."
        for name, f in strength.items()
        if not f >= WEAK
    ]
    if endogenous > 1:
        notes.append("With several endogenous columns each first-stage F is for one alone and may flatter it.")
    return tuple(notes)
