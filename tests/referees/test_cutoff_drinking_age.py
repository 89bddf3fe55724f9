"""Deaths where the drinking age is reached: steps that others printed, from the cells of Carpenter and Dobkin (2009).

Angrist and Pischke (2015, Mastering 'Metrics, table 4.1) print each step with the robust standard error of least
squares, the line's with one slope for both sides: n/(n-k), which is CR1S with each cell its own cluster. `jump` gives
the steps; its own standard errors are rdrobust's, from nearest neighbours, and are others (1.33 for their first 1.51).
Ages lie evenly about 21, so that one slope and two give the same step. Facure (Causal Inference for the Brave and True,
chapter 16) prints the triangular line over a year.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from attendlib.stats.cutoff import Jump, Way, jump
from attendlib.stats.ols import ols

HERE = Path(__file__).parent
# ages either side of 21, order of the polynomial -> step, standard error
TABLE = {
    "all": {(2, 1): (7.66, 1.51), (2, 2): (9.55, 1.83), (1, 1): (9.75, 2.06), (1, 2): (9.61, 2.29)},
    "mva": {(2, 1): (4.53, 0.72), (2, 2): (4.66, 1.09), (1, 1): (4.76, 1.08), (1, 2): (5.89, 1.33)},
    "internal": {(2, 1): (0.39, 0.54), (2, 2): (1.07, 0.80), (1, 1): (1.69, 0.74), (1, 2): (1.25, 1.01)},
}
PRINTED = [(cause, *column, *figures) for cause, columns in TABLE.items() for column, figures in columns.items()]
ROUNDED = 0.00501  # both as printed, to two decimals


@pytest.fixture(scope="module")
def deaths() -> pd.DataFrame:
    """A row a month of age (`x` years from 21), deaths per 100,000 by cause."""
    cells = pd.read_csv(HERE / "drinking_age.csv", comment="#")
    return cells.assign(x=cells["agecell"] - 21)


def stepped(deaths: pd.DataFrame, cause: str, way: Way) -> Jump:
    return jump(deaths[cause].to_numpy(), deaths["x"].to_numpy(), way=way)


@pytest.mark.parametrize(("cause", "reach", "order", "step", "_se"), PRINTED)
def test_the_printed_steps(deaths: pd.DataFrame, cause: str, reach: int, order: int, step: float, _se: float) -> None:
    found = stepped(deaths, cause, Way(order=order, kernel="uniform", reach=reach, bias_reach=reach))
    assert found.plain.value == pytest.approx(step, abs=ROUNDED)
    assert (found.below, found.above) == (12 * reach, 12 * reach)


@pytest.mark.parametrize("cause", TABLE)
def test_a_line_freed_of_its_bias_is_the_printed_parabola(deaths: pd.DataFrame, cause: str) -> None:
    """With the bias judged over the line's own reach, taking it off gives the next order's step."""
    for reach in (1, 2):
        found = stepped(deaths, cause, Way(kernel="uniform", reach=reach, bias_reach=reach))
        assert found.robust.value == pytest.approx(TABLE[cause][reach, 2][0], abs=ROUNDED)


@pytest.mark.parametrize(("cause", "reach", "order", "step", "se"), PRINTED)
def test_the_printed_standard_errors(
    deaths: pd.DataFrame, cause: str, reach: int, order: int, step: float, se: float
) -> None:
    near = deaths[deaths["x"].abs() <= reach]
    x, over = near["x"], (near["x"] >= 0).astype(float)
    design = pd.DataFrame({"constant": 1.0, "over": over, "x": x})
    if order == 2:
        design = design.assign(x_over=x * over, x2=x**2, x2_over=x**2 * over)
    found = ols(near[cause], design, cluster=np.arange(len(near)), vcov="CR1S")
    assert (found.coef["over"], found.se["over"]) == pytest.approx((step, se), abs=ROUNDED)


def nearest(y: np.ndarray, x: np.ndarray, order: int) -> float:
    """The step's standard error from each cell's three nearest on its side (Calonico and others 2014), by hand."""
    total = 0.0
    for side in (x < 0, x >= 0):
        near, level = np.abs(np.subtract.outer(x[side], x[side])), y[side]
        np.fill_diagonal(near, np.inf)
        three = near <= np.sort(near, axis=1)[:, [2]]  # more than three where distances are equal
        many = three.sum(axis=1)
        squares = many / (many + 1) * (level - three @ level / many) ** 2
        total += float(np.linalg.pinv(np.vander(x[side], order + 1, increasing=True))[0] ** 2 @ squares)
    return total**0.5


# of all deaths; printed in docs/methods.md
@pytest.mark.parametrize(("reach", "order", "se"), [(2, 1, 1.33), (2, 2, 2.19), (1, 1, 2.12), (1, 2, 3.34)])
def test_its_own_standard_errors_are_those_of_nearest_neighbours(
    deaths: pd.DataFrame, reach: int, order: int, se: float
) -> None:
    near = deaths[deaths["x"].abs() <= reach]
    found = stepped(deaths, "all", Way(order=order, kernel="uniform", reach=reach, bias_reach=reach)).plain.se
    assert found == pytest.approx(nearest(near["all"].to_numpy(), near["x"].to_numpy(), order), rel=1e-9)
    assert found == pytest.approx(se, abs=ROUNDED)


def test_facures_triangular_line_over_a_year(deaths: pd.DataFrame) -> None:
    found = stepped(deaths, "all", Way(reach=1.0, bias_reach=1.0))
    assert found.plain.value == pytest.approx(9.7004, abs=0.00005)
    (level, slope), (_, slope_above) = found.lines
    assert (level, slope) == pytest.approx((93.2002, 0.4109), abs=0.00005)
    assert slope_above - slope == pytest.approx(-7.1759, abs=0.0001)
