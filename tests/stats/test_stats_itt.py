"""The trial's own difference: degrees of freedom on the edge, effect sizes beside it, refusals."""

import numpy as np
import pandas as pd
import pytest
from trials import COLUMNS, school_trial

from attendlib.stats.effect_size import arm, effect_size_cluster, pooled_sd
from attendlib.stats.fit import t_quantile
from attendlib.stats.itt import itt
from attendlib.stats.mixed import random_intercept


@pytest.fixture(scope="module")
def data():
    return school_trial(np.random.default_rng(3), 12, 0.2, True, effect=0.4)


@pytest.fixture(scope="module")
def flat(data):
    """The same trial with every school's mean outcome on the line of the covariates: no variance between schools."""
    rng = np.random.default_rng(8)
    noise = pd.Series(rng.normal(size=len(data)))
    noise -= noise.groupby(data["school"]).transform("mean")
    return data.assign(y=0.4 * data["arm"] + 0.5 * data["prior"] + noise)


def test_away_from_the_edge_it_is_the_random_intercept(data):
    found = itt(data["y"], data[COLUMNS], data["school"], "arm")
    fit = random_intercept(data["y"], data[COLUMNS], data["school"])
    assert fit.between > 0
    one = found.difference
    assert (one.value, one.se, one.df) == pytest.approx((fit.coef["arm"], fit.se["arm"], fit.df["arm"]))
    assert (one.low, one.high, one.p) == pytest.approx((fit.low["arm"], fit.high["arm"], fit.p["arm"]))
    assert (found.by_group, one.n_groups, one.warnings) == (True, 12, ())


def test_on_the_edge_schools_less_their_columns_are_the_degrees_of_freedom(flat):
    found = itt(flat["y"], flat[COLUMNS], flat["school"], "arm")
    assert found.fit.between == 0
    assert found.difference.df == 12 - 2  # a constant and an arm are the schools' own, the prior test is pupils'
    reach = float(t_quantile(0.975, 10)) * found.difference.se
    assert found.difference.high - found.difference.value == pytest.approx(reach)
    assert any("Degrees of freedom are 10" in note for note in found.difference.warnings)
    assert any("estimated as 0" in note for note in found.difference.warnings)
    urban = flat.assign(urban=(flat["school"] < 5) * 1.0)
    assert itt(urban["y"], urban[[*COLUMNS, "urban"]], urban["school"], "arm").difference.df == 12 - 3


def test_pupils_randomised_inside_schools_keep_their_own(flat):
    inside = flat.assign(y=flat["y"] - 0.4 * flat["arm"], arm=np.arange(len(flat)) % 2.0)
    found = itt(inside["y"], inside[COLUMNS], inside["school"], "arm")
    assert (found.by_group, found.fit.between) == (False, 0)
    assert found.difference.df == len(flat) - 3
    sizes = effect_size_cluster(inside["y"], inside[COLUMNS], inside["school"], "arm").sizes
    assert set(sizes) == {f"{a}_{b}" for a in ("unconditional", "conditional") for b in ("total", "within")} | {
        "pooled"
    }


def test_every_effect_size_divides_the_same_difference(data):
    found = effect_size_cluster(data["y"], data[COLUMNS], data["school"], "arm", confidence_pct=90)
    difference, empty = found.itt.difference, found.empty
    assert found.eef.sd == pytest.approx(np.sqrt(empty.between + empty.within))
    assert found.sizes["unconditional_within"].sd == pytest.approx(np.sqrt(empty.within))
    assert found.sizes["conditional_total"].sd == pytest.approx(np.sqrt(found.itt.fit.between + found.itt.fit.within))
    sides = [data.loc[data["arm"] == side, "y"] for side in (1, 0)]
    assert found.sizes["pooled"].sd == pytest.approx(pooled_sd(*(arm(side) for side in sides)))
    for name, size in found.sizes.items():
        assert size.name == name
        assert size.value * size.sd / size.j == pytest.approx(difference.value)
        assert (size.n_treated, size.n_control, size.confidence_pct) == (len(sides[0]), len(sides[1]), 90)
        if not name.startswith("hedges"):
            assert [size.low, size.high] == pytest.approx(
                [size.j / size.sd * v for v in (difference.low, difference.high)]
            )
    assert sum(name.startswith("hedges") for name in found.sizes) == 4


def test_an_arm_of_one_school_has_no_sizes_of_hedges(data):
    one = data.assign(arm=(data["school"] == 0) * 1.0)
    found = effect_size_cluster(one["y"], one[COLUMNS], one["school"], "arm")
    assert not any(name.startswith("hedges") for name in found.sizes)


def test_schools_may_have_names(data):
    named = data.assign(school="School " + data["school"].astype(str))
    assert itt(named["y"], named[COLUMNS], named["school"], "arm").difference.df == pytest.approx(
        itt(data["y"], data[COLUMNS], data["school"], "arm").difference.df
    )


@pytest.mark.parametrize(
    ("change", "column", "words"),
    [
        ({}, "treated", "no such coefficient: treated"),
        ({"y": 1.0}, "arm", "fits the outcome exactly"),
        ({"arm": 1.0}, "arm", "repeat a sum of earlier ones: arm"),
        ({"arm": 2.0}, "arm", "must hold 0 and 1"),
        ({"y": np.nan}, "arm", "missing"),
    ],
)
def test_trials_that_cannot_be_estimated_are_refused(data, change, column, words):
    wrong = data.assign(**{name: data["arm"] * value if value == 2 else value for name, value in change.items()})
    with pytest.raises(ValueError, match=words):
        effect_size_cluster(wrong["y"], wrong[COLUMNS], wrong["school"], column)


def test_arms_that_overlap_are_refused(data):
    both = data.assign(second=data["arm"] * (data["school"] < 6))
    with pytest.raises(ValueError, match="one arm a row"):
        effect_size_cluster(both["y"], both[[*COLUMNS, "second"]], both["school"], "arm", ["second"])
