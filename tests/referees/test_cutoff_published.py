"""Jumps at a cut-off beside rdrobust's own (2.1.1, by the authors of the method), on the same invented pupils.

rdrobust is GPL and no dependency: the numbers below were printed by it once, `rdrobust(y, x, h=9, b=13.5, …)`, from
what `invented` gives. Its published example, U.S. Senate elections 1914 to 2010, was run beside it by hand and agrees
(docs/methods.md); those data come under the GPL and are not kept here (test_cutoff_drinking_age.py has a
published example whose data are).
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from attendlib.stats.cutoff import Floats, Way, jump

WAY = Way(reach=9.0, bias_reach=13.5)


def invented() -> tuple[Floats, Floats, Floats, Floats]:
    """800 pupils' whole sessions of 74, the line at 10%, a bend, one in seven not referred as the rule says."""
    rng = np.random.default_rng(20250912)
    absent = rng.binomial(74, rng.beta(1.2, 11, 800))
    x = 100 * absent / 74 - 10
    above = (100 * absent >= 740).astype(float)
    other = rng.standard_normal(800)
    taken = np.where(rng.random(800) < 0.15, 1 - above, above)
    y = 8 + 0.4 * x - 0.004 * x**2 - 2.5 * taken + 1.5 * other + rng.gamma(2, 3, 800)
    return y, x, taken, other


# what is asked -> conventional, bias-corrected, their standard errors (the second robust)
PRINTED = [
    ("plain", -1.3693356807000434, -1.5428115273018328, 0.7546115983292908, 0.9669110016684043),
    ("covariate", -1.4965537220257055, -1.704990739832772, 0.7229741283843127, 0.9233331054367057),
    ("fuzzy", -1.7784673686259613, -1.9971095479495542, 0.9461887137899159, 1.2135889203863335),
    ("order 2", -1.6773305784456056, -1.5938502151758982, 1.1450634402283995, 1.3621436469429613),
    ("uniform", -1.1114772463682883, -1.520613299497498, 0.7175676833220758, 0.9568581729412539),
]


@pytest.mark.parametrize(("asked", "plain", "robust", "plain_se", "robust_se"), PRINTED)
def test_as_rdrobust_prints(asked: str, plain: float, robust: float, plain_se: float, robust_se: float) -> None:
    y, x, taken, other = invented()
    ways = {"order 2": replace(WAY, order=2), "uniform": replace(WAY, kernel="uniform")}
    found = jump(
        y, x, takeup=taken if asked == "fuzzy" else None,
        also=pd.DataFrame({"other": other}) if asked == "covariate" else None, way=ways.get(asked, WAY),
    )  # fmt: skip
    ours = (found.plain.value, found.robust.value, found.plain.se, found.robust.se)
    assert ours == pytest.approx((plain, robust, plain_se, robust_se), rel=1e-9)
    assert (found.below, found.above) == (442, 198)


def test_the_reach_that_errs_least_as_rdrobust_chooses_it() -> None:
    y, x, _, _ = invented()
    found = jump(y, x)
    assert (found.reach, found.bias_reach) == pytest.approx((5.31109619855774, 7.787586770093104), rel=1e-6)
    assert (found.plain.value, found.robust.value) == pytest.approx((-1.496623116968685, -1.6007049935825108), rel=1e-6)
