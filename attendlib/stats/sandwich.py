"""Cluster-robust variances and their Satterthwaite degrees of freedom, from whitened group sums.

Every group is first squeezed to a few pseudo-rows that keep all its cross products (a rotation of its rows),
so one short piece of algebra serves single rows (HC), clusters (CR), and weighted versions of both.
Source: Bell and McCaffrey (2002); Pustejovsky and Tipton (2018), J. Bus. Econ. Stat. 36(4), equations 6 to 11,
with an identity working model, as R's clubSandwich does for `lm`, weighted or not.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.sparse import csr_array

Kind: TypeAlias = Literal["0", "2", "3"]

# An eigenvalue of a group's residual variance below this is 0: the group's residuals cannot vary that way.
NOTHING_LEFT = 1e-10
# Directions in which a group has no rows, relative to its largest.
NO_ROWS = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class Squeezed:
    """m groups as r pseudo-rows each: whitened regressors `z` (m, r, k), weighted ones `wz`, residuals `e` (m, r).

    Whitened means that the sum over groups of z'wz is the identity. Unweighted, `wz` is the same array as `z`.
    Where fixed effects were taken off, `cells` (m, r) says whose each row is, -1 for padding.
    """

    z: np.ndarray
    wz: np.ndarray
    e: np.ndarray
    cells: np.ndarray | None = None

    def cell_share(self) -> np.ndarray:
        """One over the rows of each row's cell, (m, r): its leverage there. 0 for padding."""
        assert self.cells is not None
        known = self.cells >= 0
        return np.where(known, 1 / np.bincount(self.cells[known])[self.cells], 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """What a likelihood's degrees of freedom need, whitened: b's `variance` (k, k), its `slopes` (q, k, k) in q
    variance parameters, and their `covariance` (q, q): 2 v^2 / g' C g, as in lmerTest.
    """

    variance: np.ndarray
    slopes: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Working:
    """What the degrees of freedom of any contrast need: `root` (k, k) takes a contrast to whitened coordinates.

    `adjusted` (m, r, k) are the weighted pseudo-rows after the small-sample adjustment; `ww` (k, k) is the sum of
    wz'wz; `lost` (k, k) is what single groups alone identify, None when nothing. With `fixed_df` the degrees of
    freedom are that number whatever the contrast; with `spread` they are a likelihood's.
    """

    root: np.ndarray
    squeezed: Squeezed | None
    adjusted: np.ndarray | None
    ww: np.ndarray | None
    lost: np.ndarray | None
    fixed_df: float | None
    spread: Spread | None = None


def squeeze_rows(z: np.ndarray, weights: np.ndarray | None, e: np.ndarray, cells: np.ndarray | None = None) -> Squeezed:
    """Each row its own group: z (n, k), weights (n,) or None, residuals e (n,), cells (n,) of effects taken off."""
    rows = z[:, None, :]
    wz = rows if weights is None else rows * weights[:, None, None]
    return Squeezed(rows, wz, e[:, None], None if cells is None else cells[:, None])


def squeeze_small(
    z: np.ndarray, weights: np.ndarray | None, e: np.ndarray, codes: np.ndarray, cells: np.ndarray | None = None
) -> Squeezed:
    """Groups of few rows as those rows themselves, padded with zeros: `codes` (n,) names each row's group."""
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    places = np.arange(len(codes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    padded = np.zeros((len(sizes), int(sizes.max()), z.shape[1] + 1))
    padded[codes[order], places] = np.column_stack([z, e])[order]
    rows = padded[:, :, :-1]
    placed = None if cells is None else np.full(padded.shape[:2], -1)
    if placed is not None and cells is not None:
        placed[codes[order], places] = cells[order]
    if weights is None:
        return Squeezed(rows, rows, padded[:, :, -1], placed)
    weighted = np.zeros_like(rows)
    weighted[codes[order], places] = (z * weights[:, None])[order]
    return Squeezed(rows, weighted, padded[:, :, -1])


def squeeze_sums(xx: np.ndarray, xe: np.ndarray, k: int) -> Squeezed:
    """Groups from their cross products: `xx` (m, d, d) and `xe` (m, d) of whitened z (d = k) or [z, wz] (d = 2k)."""
    squares, axes = np.linalg.eigh(xx)
    present = squares > NO_ROWS * squares[:, -1:].clip(min=0)
    lengths = np.sqrt(np.where(present, squares, 0.0))
    rows = lengths[:, :, None] * axes.transpose(0, 2, 1)
    along = np.einsum("gdr,gd->gr", axes, xe)
    e = np.divide(along, lengths, out=np.zeros_like(along), where=present)
    z = rows[:, :, :k]
    return Squeezed(z, z if xx.shape[1] == k else rows[:, :, k:], e)


def adjust(squeezed: Squeezed, kind: Kind) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Adjusted pseudo-rows (m, r, k), the sum of wz'wz (k, k), and what single groups alone identify.

    Kind "0" adjusts nothing; "2" uses the symmetric inverse root of each group's residual variance under the
    identity working model; "3" its leave-one-group-out inverse. A singular group gets a generalised inverse.
    """
    z, wz = squeezed.z, squeezed.wz
    ww = np.tensordot(wz, wz, ((0, 1), (0, 1)))
    values, vectors = _eigh(_residual_variance(squeezed, ww))
    gone = values < NOTHING_LEFT
    lost = _lost(vectors, gone, wz)
    if kind == "0":
        return wz, ww, lost
    if kind == "2":
        roots = np.where(gone, 0.0, np.where(gone, 1.0, values) ** -0.5)
        turned = np.einsum("grs,grk->gsk", vectors, wz) * roots[:, :, None]
        return np.einsum("grs,gsk->grk", vectors, turned), ww, lost
    return _leave_group_out(z, wz, lost is not None), ww, lost


def spread(adjusted: np.ndarray, e: np.ndarray) -> np.ndarray:
    """The sum over groups of u u', u = adjusted' e: the whitened variance, shape (k, k)."""
    scores = np.einsum("grk,gr->gk", adjusted, e)
    return scores.T @ scores


def contrast_df(working: Working, contrast: np.ndarray) -> float:
    """Satterthwaite (Bell-McCaffrey) degrees of freedom of contrast'b, or the fixed ones; NaN when not estimable.

    The variance estimate is a quadratic form in the errors whose matrix has the eigenvalues of
    P = diag(a) - f K f'; the degrees of freedom are tr(P)^2 / tr(P P), never forming P.
    """
    if not estimable(working, contrast):
        return np.nan
    if working.spread is not None:
        return _likelihood_df(working.spread, working.root.T @ contrast)
    if working.fixed_df is not None or working.squeezed is None or working.adjusted is None:
        return np.nan if working.fixed_df is None else working.fixed_df
    q = np.tensordot(working.adjusted, working.root.T @ contrast, 1)
    factors, middle = _overlap(working, q)
    own = (q * q).sum(axis=1)
    shared = ((factors @ middle) * factors).sum(axis=1)
    total = factors.T @ factors @ middle
    trace = own.sum() - shared.sum()
    across = (total * total.T).sum()
    if working.squeezed.cells is not None:
        through = _through_cells(working.squeezed, q)
        shared = shared + through.power(2).sum(axis=1)
        trace = own.sum() - shared.sum()
        across += 2 * ((through.T @ factors) ** 2).sum() + (through.T @ through).power(2).sum()
    square = (own * own).sum() - 2 * (own * shared).sum() + across
    return float(trace**2 / square) if square > 0 else np.nan


def _likelihood_df(spread: Spread, whitened: np.ndarray) -> float:
    gradient = whitened @ spread.slopes @ whitened
    return float(2 * (whitened @ spread.variance @ whitened) ** 2 / (gradient @ spread.covariance @ gradient))


def estimable(working: Working, contrast: np.ndarray) -> bool:
    """Whether the variance of contrast'b can be told without a part that one group alone identifies."""
    if working.lost is None:
        return True
    c = working.root.T @ contrast
    return bool(c @ working.lost @ c <= 1e-9 * (c @ c))


def _residual_variance(squeezed: Squeezed, ww: np.ndarray) -> np.ndarray:
    """I - H - H' + H H' for each group, (m, r, r), in the pseudo-rows' coordinates."""
    z, wz, cells = squeezed.z, squeezed.wz, squeezed.cells
    identity = np.eye(z.shape[1])
    if z is wz:
        left = identity - np.einsum("grk,gsk->grs", z, z)
        if cells is not None:  # what each row's own cell mean takes
            left = left - (cells[:, :, None] == cells[:, None, :]) * squeezed.cell_share()[:, :, None]
        return left
    hat = np.einsum("grk,gsk->grs", z, wz)
    cross = np.einsum("grk,gsk->grs", np.tensordot(z, ww, 1), z)
    return identity - hat - hat.transpose(0, 2, 1) + cross


def _eigh(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if matrices.shape[1] == 1:
        return matrices[:, :, 0], np.ones_like(matrices)
    return np.linalg.eigh(matrices)


def _lost(vectors: np.ndarray, gone: np.ndarray, wz: np.ndarray) -> np.ndarray | None:
    if not gone.any():
        return None
    groups = gone.any(axis=1)
    directions = np.where(gone[groups][:, None, :], vectors[groups], 0.0)
    parts = np.einsum("grs,grk->gsk", directions, wz[groups])
    return np.tensordot(parts, parts, ((0, 1), (0, 1)))


def _leave_group_out(z: np.ndarray, wz: np.ndarray, singular: bool) -> np.ndarray:
    rest = np.eye(z.shape[1]) - np.einsum("grk,gsk->grs", wz, z)
    if singular:
        return np.einsum("grs,gsk->grk", np.linalg.pinv(rest, rcond=NOTHING_LEFT), wz)
    return wz / rest if z.shape[1] == 1 else np.linalg.solve(rest, wz)


def _through_cells(squeezed: Squeezed, q: np.ndarray) -> csr_array:
    """Factors (m, C) of the part of P that groups share through the effects of C cells."""
    assert squeezed.cells is not None
    group, place = np.nonzero(squeezed.cells >= 0)
    values = (q * np.sqrt(squeezed.cell_share()))[group, place]
    return csr_array((values, (group, squeezed.cells[group, place])), shape=(len(q), int(squeezed.cells.max()) + 1))


def _overlap(working: Working, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Factors f (m, d) and middle K (d, d) of the part of P that groups share through the coefficients."""
    assert working.squeezed is not None
    z, wz = working.squeezed.z, working.squeezed.wz
    plain = np.einsum("grk,gr->gk", z, q)
    k, ww = plain.shape[1], working.ww
    if z is wz or ww is None:
        return plain, np.eye(k)
    weighted = np.einsum("grk,gr->gk", wz, q)
    middle = np.block([[-ww, np.eye(k)], [np.eye(k), np.zeros((k, k))]])
    return np.hstack([plain, weighted]), middle
