"""The chances rule against the vectors fixed with the design, and against an independent integration."""

import numpy as np
import pytest
from scipy import integrate, stats

from attendlib.stats.chances import chances

VECTORS = [
    (8.0, 4.5, 50, ".041/.398/.561"),
    (5.0, 1.4, 500, ".000/.050/.950"),
    (0.3, 0.8, 1000, ".002/.985/.013"),
    (-4.0, 1.5, 200, ".810/.190/.000"),
    (6.0, 2.5, 5, ".021/.279/.699"),
]


@pytest.mark.parametrize(("b", "s", "df", "expected"), VECTORS)
def test_vectors_of_the_design(b, s, df, expected):
    found = chances(b, s, df, delta=2)
    assert "/".join(f"{c:.3f}"[1:] for c in (found.worse, found.none, found.better)) == expected


@pytest.mark.parametrize(("b", "s", "df", "delta"), [(8, 4.5, 50, 2), (6, 2.5, 5, 2), (0.01, 0.003, 9, 0.02)])
def test_adaptive_quadrature_agrees(b, s, df, delta):
    tau = delta / 0.6745

    def mass(low, high):
        def density(x):
            return stats.t.pdf((b - x) / s, df) * stats.norm.pdf(x, scale=tau)

        near = [x for x in (b - 3 * s, b, b + 3 * s) if low < x < high] or None
        return integrate.quad(density, low, high, points=near, epsabs=0, epsrel=1e-10, limit=500)[0]

    parts = np.array([mass(-14 * tau, -delta), mass(-delta, delta), mass(delta, 14 * tau)])
    found = chances(b, s, df, delta)
    assert [found.worse, found.none, found.better] == pytest.approx((parts / parts.sum()).tolist(), abs=1e-5)
