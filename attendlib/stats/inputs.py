"""What the numeric core accepts: arrays or pandas, checked once, with each refusal naming column and count."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

Values: TypeAlias = pd.Series | np.ndarray | Sequence[float]
Matrix: TypeAlias = pd.DataFrame | pd.Series | np.ndarray
Labels: TypeAlias = pd.Series | np.ndarray | Sequence[Hashable]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A regression's rows after checking: `x` (n, k), `y` (n,), group codes 0.. (n,) and weights of mean 1.

    `cells` (n,), codes 0.. too, name the fixed effect of each row where effects are to be taken off.
    """

    y: np.ndarray
    x: np.ndarray
    names: tuple[str, ...]
    codes: np.ndarray | None
    n_groups: int | None
    weights: np.ndarray | None
    notes: tuple[str, ...]
    cells: np.ndarray | None = None


def read_rows(
    y: Values, X: Matrix, cluster: Labels | None = None, weights: Values | None = None, inside: Labels | None = None
) -> Rows:
    """Check y, X, groups, weights and cells (one entry a row) and return them as plain arrays, in the order given.

    Raises ValueError for missing or infinite numbers (with the column and the count), pandas inputs whose
    indexes differ, lengths that differ, a single group, cells with weights, or no more rows than columns. Rows of
    weight 0 are left out and counted in `notes`.
    """
    x, names = read_columns(X)
    outcome = read_numbers(y, "y")
    _same_length(len(x), y=outcome, cluster=cluster, weights=weights, inside=inside)
    _same_index(X=X, y=y, cluster=cluster, weights=weights, inside=inside)
    if inside is not None and weights is not None:
        raise ValueError("fixed effects are taken off unweighted rows only; give them columns beside weights")
    labels = None if cluster is None else read_labels(cluster)
    scale: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    if weights is not None:
        scale = _read_weights(weights)
        outcome, x, labels, scale, notes = _drop_weightless(outcome, x, labels, scale)
    cells = None if inside is None else read_labels(inside)
    taken = x.shape[1] + (0 if cells is None else int(cells.max()) + 1)
    if len(x) <= taken:
        raise ValueError(f"{len(x)} rows for {taken} columns: a fit needs more rows than columns")
    codes, n_groups = (None, None) if labels is None else _codes(labels)
    return Rows(outcome, x, names, codes, n_groups, scale, notes, cells)


def read_columns(X: Matrix) -> tuple[np.ndarray, tuple[str, ...]]:
    """X as floats of shape (n, k) and its column names (x0, x1, ... for an array). ValueError when not numbers."""
    if isinstance(X, pd.Series):
        X = X.to_frame(name="x0" if X.name is None else X.name)
    if not isinstance(X, pd.DataFrame):
        X = np.asarray(X)
        if X.ndim != 2:
            raise ValueError(f"X has {X.ndim} dimension(s); give rows by columns")
    names = tuple(map(str, X.columns)) if isinstance(X, pd.DataFrame) else tuple(f"x{j}" for j in range(X.shape[1]))
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"X has columns of the same name: {', '.join(twice)}")
    if not names:
        raise ValueError("X has no columns")
    numbers = np.array(X, order="C")
    if numbers.dtype == np.float64 and np.isfinite(numbers).all():  # nothing to convert: one look at all of it
        return numbers, names
    X = pd.DataFrame(X, columns=None if isinstance(X, pd.DataFrame) else names)
    columns = [read_numbers(X.iloc[:, j], f"column {name!r} of X") for j, name in enumerate(names)]
    return np.column_stack(columns), names


def read_numbers(values: Values, what: str) -> np.ndarray:
    """One column as floats, shape (n,). ValueError naming `what` and the count of missing or infinite values."""
    try:
        numbers = pd.Series(values).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} is not numbers: {error}") from error
    missing = int((~np.isfinite(numbers)).sum())
    if missing:
        raise ValueError(
            f"{what} has {missing} missing or infinite values in {len(numbers)} rows; fill or drop them first"
        )
    return numbers


def read_labels(labels: Labels) -> np.ndarray:
    """Group labels (any hashables) as integer codes 0.. in order of appearance. ValueError counts missing ones."""
    series = labels if isinstance(labels, pd.Series | np.ndarray) else pd.Series(list(labels), dtype=object)
    codes, _ = pd.factorize(series)
    missing = int((codes < 0).sum())
    if missing:
        raise ValueError(f"the cluster labels have {missing} missing values in {len(codes)} rows")
    return codes


def _read_weights(weights: Values) -> np.ndarray:
    numbers = read_numbers(weights, "weights")
    if (numbers < 0).any():
        raise ValueError(f"weights has {int((numbers < 0).sum())} negative values; weights are 0 or more")
    if not (numbers > 0).any():
        raise ValueError("every weight is 0: no rows are left")
    return numbers


def _drop_weightless(
    y: np.ndarray, x: np.ndarray, labels: np.ndarray | None, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray, tuple[str, ...]]:
    kept = weights > 0
    left_out = int((~kept).sum())
    notes = (f"{left_out} rows with weight 0 are left out.",) if left_out else ()
    scaled = weights[kept] / weights[kept].mean()
    return y[kept], x[kept], None if labels is None else labels[kept], scaled, notes


def _codes(labels: np.ndarray) -> tuple[np.ndarray, int]:
    codes, found = pd.factorize(labels)
    if len(found) < 2:
        raise ValueError("all rows are in one cluster: clustered standard errors need at least 2")
    return codes, len(found)


def _same_length(n: int, **columns: Labels | Values | None) -> None:
    for name, column in columns.items():
        if column is not None and len(column) != n:
            raise ValueError(f"{name} has {len(column)} entries but X has {n} rows")


def _same_index(**columns: Matrix | Labels | Values | None) -> None:
    """Refuse pandas inputs that are lined up differently: using them by position would mix up rows."""
    indexed = {k: v for k, v in columns.items() if isinstance(v, pd.Series | pd.DataFrame)}
    first = next(iter(indexed), "")
    for name, column in indexed.items():
        if not column.index.equals(indexed[first].index):
            raise ValueError(f"{name} and {first} have different indexes; line them up first")
