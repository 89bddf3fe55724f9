"""What every question does: count who is left out at each step, build a design, turn a fit into rows, pass the gate."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from attendlib.disclosure import counts_kept_apart, gate, limit, others_enough, publishable_steps
from attendlib.records.answer import Answer, Row, Scope, Step
from attendlib.stats.fit import Estimate
from attendlib.stats.ols import REPEATED_IN_ROWS

ONLY_ROUNDING = 1e-12  # of the longest column: a shorter one is what rounding left, for example of a mean taken away
NUMBERED = ("year_group", "half_term")  # names written as numbers
UNKNOWN = "unknown"  # a missing characteristic is a group of its own, never quietly dropped


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Pupils still in, one row each, and the steps that left others out; `schools`: each school's pupils after each."""

    frame: pd.DataFrame
    steps: tuple[Step, ...]
    schools: tuple[Mapping[str, int], ...] = ()


def start(frame: pd.DataFrame, who: str) -> Kept:
    """All of `frame`, with a first step that says who they are."""
    return Kept(frame.reset_index(drop=True), (Step(who, 0, len(frame)),), (_by_school(frame),))


def keep(kept: Kept, mask: pd.Series | np.ndarray, reason: str) -> Kept:
    """Only the rows where `mask` is true; those lost are counted under `reason`."""
    stayed = kept.frame[np.asarray(mask, dtype=bool)].reset_index(drop=True)
    step = Step(reason, len(kept.frame) - len(stayed), len(stayed))
    return Kept(stayed, (*kept.steps, step), (*kept.schools, _by_school(stayed)))


def _by_school(frame: pd.DataFrame) -> dict[str, int]:
    return {str(school): int(n) for school, n in frame["school"].value_counts().items()} if "school" in frame else {}


def row_of(estimate: Estimate, name: str, scope: Scope, **labels: str) -> Row:
    """A row of results from an estimate; what is not finite is not there."""
    return Row(
        name,
        scope,
        value=_finite(estimate.value),
        low=_finite(estimate.low),
        high=_finite(estimate.high),
        se=_finite(estimate.se),
        df=_finite(estimate.df),
        p=_finite(estimate.p),
        confidence_pct=float(estimate.confidence_pct),
        n=estimate.n,
        n_groups=estimate.n_groups,
        **labels,  # type: ignore[arg-type]
    )


def rescaled(row: Row, factor: float, estimate: str, unit: str) -> Row:
    """The same figure in other units: value, limits and standard error times `factor` (negative swaps the limits)."""
    low, high = (row.low, row.high) if factor >= 0 else (row.high, row.low)
    return replace(
        row,
        estimate=estimate,
        unit=unit,
        value=_times(row.value, factor),
        low=_times(low, factor),
        high=_times(high, factor),
        se=_times(row.se, abs(factor)),
    )


def word_row(estimate: str, scope: Scope, word: str, n: int, **labels: str) -> Row:
    """A verdict as a row of results: the words stand under `method`, no figure is given."""
    return Row(estimate, scope, unit="words", method=word, n=n, **labels)  # type: ignore[arg-type]


def indicators(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """One 0/1 column for each value of each of `columns` but the commonest; missing values are a value of their own.

    A numeric column of more than six values enters as it is, missing ones at its mean beside an indicator; a year group
    is a name written as a number, never a quantity.
    """
    return pd.DataFrame(indicator_columns(frame, columns), index=frame.index)


def indicator_columns(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """The same columns by name, before they are a table: to put many tables together costs more than to make one."""
    parts = [_indicators_of(frame[column], column) for column in columns]
    return {name: values for part in parts for name, values in part.items()}


def _indicators_of(values: pd.Series, name: str) -> dict[str, np.ndarray]:
    if name not in NUMBERED and pd.api.types.is_numeric_dtype(values) and values.nunique() > 6:
        known = {name: values.fillna(values.mean()), f"{name}={UNKNOWN}": values.isna()}
        return {each: column.to_numpy(float) for each, column in known.items() if column.nunique() > 1}
    places, found = pd.factorize(values, use_na_sentinel=True)
    texts = [*(str(value) for value in found.astype("object")), UNKNOWN]  # -1, a missing value, is the last of them
    levels, of_text = np.unique(np.array(texts, dtype=object), return_inverse=True)
    which = of_text[places]
    counts = np.bincount(which, minlength=len(levels))
    others = sorted(np.flatnonzero(counts), key=lambda level: -counts[level])[1:]  # stable: by name where equal
    return {f"{name}={levels[level]}": (which == level).astype(float) for level in others}


def independent(design: pd.DataFrame) -> pd.DataFrame:
    """The columns of `design` that add something to those before them, so that every coefficient is identified."""
    columns = np.asfortranarray(design.to_numpy(float))
    directions = np.empty(columns.shape, order="F")
    rounding = ONLY_ROUNDING * float(np.linalg.norm(columns, axis=0).max(initial=0))
    kept: list[int] = []
    for place, column in enumerate(columns.T):
        before = directions[:, : len(kept)]
        left = column - before @ (before.T @ column)
        left -= before @ (before.T @ left)  # the second pass removes the first one's rounding
        size = float(np.linalg.norm(left))
        if size > max(REPEATED_IN_ROWS * float(np.linalg.norm(column)), rounding):
            directions[:, len(kept)] = left / size
            kept.append(place)
    return design if len(kept) == design.shape[1] else design.iloc[:, kept]


def within(frame: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Each column less its mean in the group: what is left differs between pupils of the same school only."""
    return frame - frame.groupby(groups.to_numpy()).transform("mean")


def settled_schools(frame: pd.DataFrame, audience: str) -> pd.Series:
    """Which rows are in schools with enough pupils for a cell of their own; only those enter all-schools figures."""
    return frame.groupby("school")["pupil"].transform("size") >= limit(audience)


def trust_beside(frame: pd.DataFrame, school: str, audience: str) -> bool:
    """Whether an all-schools figure may stand on this school's page."""
    others = frame.loc[frame["school"] != school].groupby("school").size()
    return others_enough((int(n) for n in others), audience)


def answered(
    question: str, scope: Scope, audience: str, rows: Iterable[Row], steps: Sequence[Step],
    others: Callable[[Row], bool] | None = None, **rest: object,
) -> Answer:  # fmt: skip
    """A done answer through the gate: the last thing each question does.

    `others` says of which rows `n` counts other people than the row's group names.
    """
    told = publishable_steps(steps, audience)
    shown = counts_kept_apart(gate(rows, audience), told, scope, audience, others)
    return Answer(question, scope, "done", shown, steps=told, **rest)  # type: ignore[arg-type]


def unanswered(
    question: str,
    scope: Scope,
    status: str,
    audience: str,
    reasons: Sequence[str],
    *,
    steps: Sequence[Step] = (),
    context: Mapping[str, str] | None = None,
) -> Answer:
    """An answer that says why there is none: `status` is too_few or not_applicable."""
    return Answer(
        question,
        scope,
        status,  # type: ignore[arg-type]
        steps=publishable_steps(steps, audience),
        reasons=tuple(reasons),
        context=dict(context or {}),
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
