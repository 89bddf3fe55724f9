"""Per-group sufficient statistics of a linear model: what any worker can compute and anyone can add up.

From n, X'X, X'y and y'y of each group follow ordinary least squares and every clustered variance of
`attendlib.stats.ols`, so pupil rows never need to travel.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.stats.inputs import Labels, Matrix, Values, read_columns, read_numbers


@dataclass(frozen=True, slots=True, eq=False)
class GroupSums:
    """Sums over the rows of each of G groups, for k columns.

    `labels` (G,) one distinct label a group; `columns` the k names; `n` (G,) rows; `xx` (G, k, k) X'X;
    `xy` (G, k) X'y; `yy` (G,) y'y.
    """

    labels: pd.Index
    columns: tuple[str, ...]
    n: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray


def group_sums(y: Values, X: Matrix, group: Labels) -> GroupSums:
    """Sums of `X` (n, k) and `y` (n,) within `group` (n,), groups in order of appearance.

    Raises ValueError for missing numbers or labels, or lengths that differ.
    """
    x, names = read_columns(X)
    outcome = read_numbers(y, "y")
    series = group if isinstance(group, pd.Series | np.ndarray) else pd.Series(list(group), dtype=object)
    if not len(x) == len(outcome) == len(series):
        raise ValueError(f"X has {len(x)} rows, y {len(outcome)}, group {len(series)}; give one entry a row")
    codes, found = pd.factorize(series)
    if (codes < 0).any():
        raise ValueError(f"group has {int((codes < 0).sum())} missing labels in {len(codes)} rows")
    return GroupSums(pd.Index(found), names, *sums_by_code(outcome, x, codes))


def sums_by_code(
    y: np.ndarray, x: np.ndarray, codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """n (G,), X'X (G, k, k), X'y (G, k) and y'y (G,) for codes 0..G-1, each used at least once."""
    if (np.diff(codes) < 0).any():
        order = np.argsort(codes, kind="stable")
        y, x, codes = y[order], x[order], codes[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    k = x.shape[1]
    xx = np.empty((len(starts), k, k))
    for j in range(k):
        # One column against the rest at a time: k passes, never the (n, k, k) array of all products.
        products = np.add.reduceat(x[:, j:] * x[:, j : j + 1], starts, axis=0)
        xx[:, j, j:] = xx[:, j:, j] = products
    xy = np.add.reduceat(x * y[:, None], starts, axis=0)
    return np.diff(starts, append=len(codes)), xx, xy, np.add.reduceat(y * y, starts)


def add(first: GroupSums, second: GroupSums) -> GroupSums:
    """Sums over both parts' rows; groups present in both are added. ValueError when the columns differ."""
    if first.columns != second.columns:
        raise ValueError(f"sums of different columns: {first.columns} and {second.columns}")
    labels = first.labels.append(second.labels.difference(first.labels, sort=False))
    places = (labels.get_indexer(first.labels), labels.get_indexer(second.labels))

    def combined(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        total = np.zeros((len(labels), *a.shape[1:]), dtype=a.dtype)
        total[places[0]] += a
        total[places[1]] += b
        return total

    return GroupSums(
        labels,
        first.columns,
        combined(first.n, second.n),
        combined(first.xx, second.xx),
        combined(first.xy, second.xy),
        combined(first.yy, second.yy),
    )
