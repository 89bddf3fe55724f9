"""One group beside a mixture of others that ran alike before: synthetic control, with every other group as a placebo.

The weights are those of a least-squares problem on the simplex, solved exactly and without a start or a seed. Abadie,
Diamond and Hainmueller (2010) match the course before in level and shape; Doudchenko and Imbens (2016) and Ferman and
Pinto (2021) allow a constant difference in level; Arkhangelsky and others (2021) spread the weights by a ridge and, in
synthetic difference in differences, weight the periods before as well. Their ridge grows with all that donors do from
one period to the next, a season they share too; weights that add to 1 take that out by themselves, so our mixture's
ridge grows only with what they do apart.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from attendlib.stats.fit import Estimate, t_interval

Floats = NDArray[np.float64]
Kind = Literal["mixture", "free_level", "classic", "sdid", "did"]
KINDS: Final[tuple[Kind, ...]] = ("mixture", "free_level", "classic", "sdid", "did")
FEWEST_DONORS = 3  # with two, a placebo is a comparison of one group with one other
PIVOTS = 20  # for each donor: the active set ends in far fewer
NEGLIGIBLE = 1e-9  # a weight of rounding alone
TIME_RIDGE = 1e-6  # of the noise: only to make period weights unique (Arkhangelsky and others 2021)


@dataclass(frozen=True, slots=True, eq=False)
class Synthetic:
    """The group less its mixture. Unit: the outcome's, higher is higher.

    `estimate` is the mean gap after the start, less any difference allowed before; its standard error is the root mean
    square of the donors' own placebo gaps, widened by 1 + 1/donors, `df` donors - 1. `weights` (donors,) add to 1;
    `gap` (periods,) is the group less the mixture, `placebo_gaps` (donors, periods) each donor less a mixture of the
    other donors. `fit_before` and `donors_fit_before` (donors,) are root mean squared gaps before. `p_rank` is the rank
    of the ratio of after to before among all groups, over their number; `smallest_p` the least it could be.
    """

    estimate: Estimate
    weights: Floats
    gap: Floats
    placebo_gaps: Floats
    fit_before: float
    donors_fit_before: Floats
    p_rank: float
    smallest_p: float


def synthetic_control(
    y: Floats, first: int, after_weights: Floats | None = None, kind: Kind = "mixture", confidence_pct: float = 95
) -> Synthetic:
    """Row 0 of `y` (groups, periods) beside a mixture of the other rows; periods from `first` on are after the start.

    `kind`: "mixture" allows a constant difference in level and spreads the weights by a ridge; "free_level" the same
    without ridge; "classic" matches levels too; "sdid" is synthetic difference in differences, its ridge as published;
    "did" weights all donors alike. `after_weights` (periods after) weight the mean gap. ValueError for
    fewer than three donors, fewer than two periods before, none after, or a value that is not finite.
    """
    y = np.asarray(y, dtype=float)
    donors, periods = len(y) - 1, y.shape[1]
    if donors < FEWEST_DONORS or not 2 <= first < periods or not np.isfinite(y).all():
        raise ValueError(f"{donors} donors and {first} of {periods} periods before: too few, or a value is missing")
    share = np.ones(periods - first) if after_weights is None else np.asarray(after_weights, dtype=float)
    share = share / share.sum()
    own, weights = _gap(y, first, share, kind)
    others = np.arange(donors) != np.arange(donors)[:, None]
    placebos = np.array([_gap(_ahead(y[1:], place, others[place]), first, share, kind)[0] for place in range(donors)])
    before, after = _root_mean_square(np.vstack([own, placebos]), first)
    return Synthetic(
        _estimate(own[first:] @ share, placebos[:, first:] @ share, donors, confidence_pct),
        weights, own, placebos, float(before[0]), before[1:], _rank(before, after), 1 / (donors + 1),
    )  # fmt: skip


def without_each(y: Floats, first: int, after_weights: Floats | None = None, kind: Kind = "mixture") -> list[Synthetic]:
    """The same with one donor left out, for each donor that carries weight; none where too few would be left."""
    if len(y) - 2 < FEWEST_DONORS:
        return []
    share = np.ones(y.shape[1] - first) if after_weights is None else after_weights / np.sum(after_weights)
    _, weights = _gap(np.asarray(y, dtype=float), first, share, kind)
    carrying = 1 + np.flatnonzero(weights > NEGLIGIBLE)
    return [synthetic_control(np.delete(y, place, axis=0), first, after_weights, kind) for place in carrying]


def simplex_weights(columns: Floats, target: Floats, ridge: float = 0.0) -> Floats:
    """Weights of 0 or more that add to 1 with the least mean squared distance of columns @ weights from `target`.

    `ridge` squared times the weights' sum of squares is added. Exact: one non-negative least squares. With e, the
    columns less the target, weights u and k = sum(u): |e u|^2 + (k - 1)^2 is least at a multiple of the answer.
    """
    rows, many = columns.shape
    distance = columns - target[:, None]
    if ridge > 0:
        distance = np.vstack([distance, ridge * np.sqrt(rows) * np.eye(many)])
    size = float(np.sqrt(np.mean(distance**2))) or 1.0
    stacked = np.vstack([distance / size, np.ones(many)])
    found, _ = nnls(stacked, np.append(np.zeros(len(distance)), 1.0), maxiter=PIVOTS * (many + rows))
    return found / found.sum()


def _gap(y: Floats, first: int, share: Floats, kind: Kind) -> tuple[Floats, Floats]:
    """Row 0 less its mixture in every period, the allowed difference in level taken out; and the donors' weights."""
    own, donors = y[0], y[1:]
    changes = np.diff(donors[:, :first], axis=1)
    levels = np.zeros(len(y)) if kind == "classic" else y[:, :first].mean(axis=1)
    if kind == "did":
        weights = np.full(len(donors), 1 / len(donors))
    else:
        ridge = _noise(changes, kind) * (y.shape[1] - first) ** 0.25
        level = (y - levels[:, None])[:, :first]
        weights = simplex_weights(level[1:].T, level[0], ridge)
    gap = own - weights @ donors
    if kind == "sdid":
        sooner, later = donors[:, :first], donors[:, first:] @ share
        times = simplex_weights(sooner - sooner.mean(axis=0), later - later.mean(), TIME_RIDGE * _noise(changes, kind))
        return gap - times @ gap[:first], weights
    return gap - (levels[0] - weights @ levels[1:]), weights


def _noise(changes: Floats, kind: Kind) -> float:
    """How much donors change from one period to the next (standard deviation); 0 for kinds without a ridge."""
    if kind == "sdid":
        return float(changes.std(ddof=1))
    if kind == "mixture":
        return float((changes - changes.mean(axis=0)).std(ddof=changes.shape[1]))
    return 0.0


def _ahead(donors: Floats, place: int, others: NDArray[np.bool_]) -> Floats:
    """One donor ahead of the others, as if it were the treated group."""
    return np.vstack([donors[place : place + 1], donors[others]])


def _root_mean_square(gaps: Floats, first: int) -> tuple[Floats, Floats]:
    """Each group's root mean squared gap before and after."""
    return np.sqrt((gaps[:, :first] ** 2).mean(axis=1)), np.sqrt((gaps[:, first:] ** 2).mean(axis=1))


def _rank(before: Floats, after: Floats) -> float:
    """The share of groups whose ratio of after to before is at least the first one's."""
    ratio = np.divide(after, before, out=np.full(len(after), np.inf), where=before > 0)
    return float((ratio >= ratio[0]).mean())


def _estimate(value: float, placebos: Floats, donors: int, confidence_pct: float) -> Estimate:
    se = float(np.sqrt(np.mean(placebos**2) * (1 + 1 / donors)))
    df = float(donors - 1)
    p, low, high = t_interval(np.array(value), np.array(se), np.array(df), confidence_pct)
    return Estimate(float(value), se, df, float(p), float(low), float(high), donors + 1, donors + 1, confidence_pct)
