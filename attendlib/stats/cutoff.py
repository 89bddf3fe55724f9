"""The jump of an outcome where a running variable crosses a cut-off: a local line on each side.

Estimates and bandwidths are those of rdrobust (Calonico, Cattaneo and Titiunik 2014) by diff-diff, with its treatment
of a running variable of few distinct values.
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from diff_diff import RegressionDiscontinuity, RegressionDiscontinuityResults
from numpy.typing import NDArray
from statsmodels.genmod.families import Poisson
from statsmodels.genmod.generalized_linear_model import GLM

from attendlib.stats.fit import Estimate, t_interval

Floats = NDArray[np.float64]
FEWEST_ROWS = 20  # fewer select no bandwidth
FEWEST_VALUES = 4  # distinct values on each side: a parabola corrects the line's bias, and one is left to judge it
CELLS = 10  # sessions on each side of the cut-off over which counts are compared
EXPECTED = "Mass points|Weak first stage|Multicollinearity|Degenerate|Not enough observations"
_COLUMNS = {1: 2, 2: 3, 3: 4}  # coefficients of the polynomial of each order on one side


@dataclass(frozen=True, slots=True)
class Way:
    """One way of fitting: polynomial order, kernel, reach and hole.

    `reach` and `bias_reach` (in units of the running variable) are the bandwidths of the estimate and of its bias;
    None leaves them to rdrobust's rule, which minimises the mean squared error (mserd). Rows nearer the cut-off than
    `hole` are left out.
    """

    order: int = 1
    kernel: str = "triangular"
    reach: float | None = None
    bias_reach: float | None = None
    hole: float = 0.0


@dataclass(frozen=True, slots=True)
class Jump:
    """What happens at the cut-off, above less below, in the outcome's unit (over take-up, where that is given).

    `robust` is the bias-corrected estimate with its robust standard error, `plain` the local polynomial itself.
    `reach` and `bias_reach` are the wider of both sides' bandwidths; `below` and `above` count rows within reach.
    `lines` holds (value at the cut-off, slope) of the local polynomial below and above.
    """

    robust: Estimate
    plain: Estimate
    reach: float
    bias_reach: float
    below: int
    above: int
    lines: tuple[tuple[float, float], tuple[float, float]]


def jump(
    y: Floats, x: Floats, *, takeup: Floats | None = None, also: pd.DataFrame | None = None, way: Way | None = None
) -> Jump:
    """The jump of `y` (n,) where `x` (n,) reaches 0; divided by that of `takeup` (n,) where given (local Wald).

    Columns of `also` (n, k) enter additively, alike on both sides (Calonico and others 2019). Degrees of freedom are
    rows within reach less the coefficients of both bias-corrected sides. Raises ValueError for missing values, under
    20 rows, under 4 distinct values on a side, or a fit without a finite standard error.
    """
    way = way or Way()
    frame = pd.DataFrame({"y": y, "x": x})
    if takeup is not None:
        frame["takeup"] = takeup
    extra = [] if also is None else [f"also{place}" for place in range(also.shape[1])]
    if also is not None:
        frame = pd.concat([frame, also.set_axis(extra, axis=1).set_index(frame.index)], axis=1)
    frame = frame[frame["x"].abs() >= way.hole]
    _enough(frame)
    return _fit(frame, extra, way)


def _fit(frame: pd.DataFrame, extra: list[str], way: Way) -> Jump:
    made = RegressionDiscontinuity(p=way.order, kernel=way.kernel, h=way.reach, b=way.bias_reach)
    takeup = {"takeup": "takeup"} if "takeup" in frame else {}
    with warnings.catch_warnings():  # repeated values are adjusted for; a weak first stage is judged by its F
        warnings.filterwarnings("ignore", EXPECTED, UserWarning)
        found = made.fit(frame, outcome="y", running="x", covariates=extra or None, **takeup)
    return _jump(found, way, len(extra))


def _jump(found: RegressionDiscontinuityResults, way: Way, more: int) -> Jump:
    below, above = int(found.n_h_left), int(found.n_h_right)
    df = float(below + above - 2 * _COLUMNS[way.order + 1] - more)
    return Jump(
        _estimate(found.att, found.se, df, below + above),
        _estimate(found.att_conventional, found.se_conventional, df, below + above),
        float(max(found.h_left, found.h_right)),
        float(max(found.b_left, found.b_right)),
        below,
        above,
        (_line(found.beta_p_left), _line(found.beta_p_right)),
    )


def _enough(frame: pd.DataFrame) -> None:
    if frame.isna().to_numpy().any():
        raise ValueError("missing values: leave those rows out first, and say so")
    values = [frame.loc[side, "x"].nunique() for side in (frame["x"] < 0, frame["x"] >= 0)]
    if len(frame) < FEWEST_ROWS or min(values) < FEWEST_VALUES:
        raise ValueError(
            f"{len(frame)} rows with {values[0]} distinct values below the cut-off and {values[1]} above: give"
            f" {FEWEST_ROWS} rows or more, with {FEWEST_VALUES} values on each side"
        )


def _estimate(value: float, se: float, df: float, n: int) -> Estimate:
    if not np.isfinite([value, se]).all() or df < 1:
        raise ValueError("too few rows near the cut-off for a standard error")
    p, low, high = t_interval(np.array(value), np.array(se), np.array(df), 95)
    return Estimate(float(value), float(se), df, float(p), float(low), float(high), n, None)


def _line(coefficients: Floats) -> tuple[float, float]:
    return float(coefficients[0]), float(coefficients[1])


def same_reach(made: Jump, **changed: float | str) -> Way:
    """The way that looks exactly as far as `made` did, with other choices `changed`."""
    return replace(Way(reach=made.reach, bias_reach=made.bias_reach), **changed)  # type: ignore[arg-type]


def kernel_weights(x: Floats, reach: float) -> Floats:
    """Triangular weights (n,): 1 at the cut-off, 0 from `reach` on."""
    return np.clip(1 - np.abs(x) / reach, 0, None)


@dataclass(frozen=True, slots=True)
class Density:
    """How many more rows lie just above the cut-off than the counts around it lead one to expect, as a ratio."""

    ratio: Estimate
    cells: int


def density(steps: NDArray[np.int64], heaped: NDArray[np.bool_]) -> Density:
    """Whether the number of rows jumps at the cut-off, for a running variable in whole steps that heaps.

    `steps` (n,) is each row's whole distance from the first count at or above its cut-off (0 or more: above), `heaped`
    (n,) whether its own count is of the kind that heaps (whole days, that is even sessions). Counts by step and kind
    are fitted by quasi-Poisson: a parabola in steps on each side, the heap, the jump. The ratio's interval and p are
    its logarithm's, by t. Raises ValueError where too few steps hold any row.
    """
    near = np.abs(steps + 0.5) < CELLS
    even_first = float(np.mean((steps % 2 == 0) == heaped))  # rows whose step 0 is a heap
    grid = pd.MultiIndex.from_product([range(-CELLS, CELLS), (False, True)], names=["step", "heap"]).to_frame(False)
    share = np.where((grid["step"] % 2 == 0) == grid["heap"], even_first, 1 - even_first)
    found = pd.Series(1, pd.MultiIndex.from_arrays([steps[near], heaped[near]])).groupby(level=[0, 1]).sum()
    count = found.reindex(pd.MultiIndex.from_frame(grid), fill_value=0).to_numpy(float)
    # below, no step can be under a count of 0: only as far down as any row lies
    used = (share > 0) & (grid["step"] >= steps.min()).to_numpy()
    return _ratio(count[used], grid[used].reset_index(drop=True), np.log(share[used]))


def _ratio(count: Floats, grid: pd.DataFrame, offset: Floats) -> Density:
    above = (grid["step"] >= 0).astype(float)
    middle = (grid["step"] + 0.5) / CELLS
    design = pd.DataFrame({"above": above, "constant": 1.0, "below1": middle * (1 - above), "above1": middle * above,
                           "below2": middle**2 * (1 - above), "above2": middle**2 * above})  # fmt: skip
    if grid["heap"].nunique() > 1:
        design["heap"] = grid["heap"].astype(float)
    df = float(len(count) - design.shape[1])
    if df < FEWEST_VALUES or np.linalg.matrix_rank(design.to_numpy()) < design.shape[1]:
        raise ValueError(f"{len(count)} counts near the cut-off are too few to see a jump in them")
    fit = GLM(count, design, family=Poisson(), offset=offset).fit(scale="X2")
    value, se = float(fit.params["above"]), float(fit.bse["above"]) * max(1.0, fit.scale**-0.5)
    if not np.isfinite([value, se]).all():
        raise ValueError("the counts near the cut-off give no finite ratio")
    p, low, high = t_interval(np.array(value), np.array(se), np.array(df), 95)
    reach = [float(np.exp(each)) for each in (value, low, high)]
    ratio = Estimate(reach[0], np.nan, df, float(p), reach[1], reach[2], int(count.sum()), None)
    return Density(ratio, len(count))
