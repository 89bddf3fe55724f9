"""Designs against PowerUpR 1.1.0, cell for cell: MDES with its interval, degrees of freedom, power, size needed."""

import json

import pytest
from scipy import stats
from shared import shared

from attendlib.stats.power import (
    blocked_clusters,
    cluster_randomised,
    mdes,
    mdes_bloom,
    multi_site,
    power,
    pupil_randomised,
    size_needed,
    three_level,
)

DESIGNS = {
    "cra2_doc": (cluster_randomised(20, 4, 0.2), {"alpha": 0.01}),
    "cra2_eef": (cluster_randomised(100, 50, 0.15, r2_pupil=0.5, r2_cluster=0.5, covariates=1), {}),
    "cra2_eef_nocov": (cluster_randomised(100, 50, 0.15), {}),
    "cra2_small": (cluster_randomised(22, 25, 0.2), {}),
    "cra2_onetail": (cluster_randomised(100, 50, 0.15), {"sides": 1}),
    "cra2_p30": (cluster_randomised(40, 30, 0.1, share=0.3, r2_pupil=0.4, r2_cluster=0.6, covariates=1), {}),
    "bira2_doc": (multi_site(480, 83, "random", icc=0.35, effect_variance=0.1), {}),
    "bira2_eef": (multi_site(54, 20, "random", icc=0.15, effect_variance=0.1, r2_pupil=0.5), {}),
    "bira2_const": (multi_site(54, 20, "constant", r2_pupil=0.5), {}),
    "bira2_fixed": (multi_site(54, 20, "fixed", r2_pupil=0.5), {}),
    "ira": (pupil_randomised(200, r2=0.5), {}),
    "ira_doc": (pupil_randomised(250), {}),
    "cra3": (three_level(60, 3, 15, icc_school=0.06, icc_class=0.17), {}),
    "bcra3": (blocked_clusters(24, 6, 10, 0.1, "random", icc_block=0.13, effect_variance=0.4), {}),
    "bcra3f": (blocked_clusters(5, 44, 20, 0.1), {}),
}


@pytest.fixture(scope="module")
def published() -> dict:
    return json.loads(shared("referees/trial_reference.json").read_text())["power"]


@pytest.mark.parametrize("name", list(DESIGNS))
def test_mdes_with_its_interval(published, name):
    design, options = DESIGNS[name]
    found, theirs = mdes(design, **options), published[name]
    alpha, sides = options.get("alpha", 0.05), options.get("sides", 2)
    reach = stats.t.ppf(1 - alpha / sides, design.df) * design.se
    assert design.df == theirs["df"]
    assert found / design.se == pytest.approx(theirs["ncp"], rel=1e-12)
    assert [found, found - reach, found + reach] == pytest.approx(theirs["mdes"], rel=1e-11)


@pytest.mark.parametrize(
    ("name", "design", "effect"),
    [
        ("power_cra2", cluster_randomised(20, 4, 0.2), 0.25),
        ("power_cra2_eef", DESIGNS["cra2_eef"][0], 0.2),
        ("power_ira", pupil_randomised(250), 0.25),
    ],
)
def test_power(published, name, design, effect):
    assert effect / design.se == pytest.approx(published[name]["ncp"], rel=1e-12)
    assert power(design, effect) == pytest.approx(published[name]["power"], rel=1e-10)


def test_clusters_needed(published):
    def of(clusters):
        return cluster_randomised(clusters, 50, 0.15, r2_pupil=0.5, r2_cluster=0.5, covariates=1)

    assert size_needed(of, 0.2) == published["mrss_cra2"]["J"] == 68


def test_the_rule_of_2_8_standard_errors(published):
    theirs = published["bloom_2.8"]
    for name, design in {
        "rho.15_n50_J100_R.5_.5": DESIGNS["cra2_eef"][0],
        "rho.15_n50_J100": DESIGNS["cra2_eef_nocov"][0],
        "rho.5_n20_J30": cluster_randomised(30, 20, 0.5),
    }.items():
        assert mdes_bloom(design) == pytest.approx(theirs[name], rel=1e-12)


def test_every_published_design_is_here(published):
    assert set(published) == {*DESIGNS, "power_cra2", "power_cra2_eef", "power_ira", "mrss_cra2", "bloom_2.8"}
