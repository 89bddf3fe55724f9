"""Two-stage least squares: the Wald ratio by hand, planted truth, weak instruments said, refusals."""

import numpy as np
import pandas as pd
import pytest

from attendlib.stats.instrument import iv
from attendlib.stats.ols import ols


def trial(rng, schools=40, pupils=10, share=0.6, effect=2.0):
    """Schools allotted at random; a share of pupils takes part, likelier those who would do well anyway."""
    school = np.repeat(np.arange(schools), pupils)
    offer = np.repeat(rng.permutation(np.arange(schools) % 2), pupils).astype(float)
    drive = rng.normal(size=len(school))
    took = offer * (drive + rng.normal(size=len(school)) > np.sqrt(2) * -0.2533 if share == 0.6 else drive > 9)
    y = effect * took + drive + np.repeat(rng.normal(0, 0.4, schools), pupils)
    return pd.DataFrame({"const": 1.0, "offer": offer, "took": took.astype(float), "school": school, "y": y})


@pytest.fixture(scope="module")
def data():
    return trial(np.random.default_rng(4))


def test_one_instrument_is_the_ratio_of_two_differences(data):
    means = data.groupby("offer")[["y", "took"]].mean()
    ratio = (means["y"][1] - means["y"][0]) / (means["took"][1] - means["took"][0])
    found = iv(data["y"], data[["const", "took"]], data[["const", "offer"]], data["school"])
    assert found.second.coef["took"] == pytest.approx(ratio)
    assert (found.endogenous, found.instruments) == (("took",), ("offer",))
    assert found.correlation == pytest.approx(data["took"].corr(data["offer"]))
    stage = ols(data["took"], data[["const", "offer"]], data["school"])
    assert found.first_stage_f["took"] == pytest.approx((stage.coef["offer"] / stage.se["offer"]) ** 2)
    assert found.first["took"].se["offer"] == stage.se["offer"]
    assert found.warnings == ()


def test_a_column_that_is_its_own_instrument_is_least_squares(data):
    X = data[["const", "took", "offer"]]
    found = iv(data["y"], X, X.assign(spare=np.arange(len(X)) % 7)[["const", "took", "spare"]], data["school"])
    assert found.endogenous == ("offer",)
    swapped = iv(data["y"], X.to_numpy()[:, [0, 1]], data[["const", "offer"]].to_numpy(), data["school"])
    assert swapped.endogenous == ("x1",)
    with pytest.raises(ValueError, match="nothing is endogenous"):
        iv(data["y"], data[["const", "offer"]], data[["const", "offer"]], data["school"])


def test_two_instruments_are_two_stages_done_one_after_the_other(data):
    rng = np.random.default_rng(5)
    Z = data[["const", "offer"]].assign(nudge=rng.normal(size=len(data)))
    took = data["took"] + 0.3 * Z["nudge"]
    X = pd.DataFrame({"const": 1.0, "took": took})
    found = iv(data["y"], X, Z, vcov="HC1")
    hat = X.assign(took=Z.to_numpy() @ np.linalg.lstsq(Z.to_numpy(), took.to_numpy(), rcond=None)[0])
    by_hand, *_ = np.linalg.lstsq(hat.to_numpy(), data["y"].to_numpy(), rcond=None)
    assert found.second.coef.tolist() == pytest.approx(by_hand.tolist())
    left = (data["y"] - X.to_numpy() @ by_hand).to_numpy()
    bread = np.linalg.inv(hat.to_numpy().T @ hat.to_numpy())
    meat = (hat.to_numpy() * left[:, None]).T @ (hat.to_numpy() * left[:, None])
    hc1 = bread @ meat @ bread * len(left) / (len(left) - 2)
    assert found.second.se.tolist() == pytest.approx(np.sqrt(np.diag(hc1)).tolist())
    assert np.isnan(found.correlation)


def test_planted_effect_on_takers_comes_back_where_least_squares_is_biased():
    rng = np.random.default_rng(11)
    covered, biased = 0, 0.0
    for _ in range(200):
        data = trial(rng)
        second = iv(data["y"], data[["const", "took"]], data[["const", "offer"]], data["school"]).second
        covered += bool(second.low["took"] <= 2 <= second.high["took"])
        biased += ols(data["y"], data[["const", "took"]], data["school"]).coef["took"] / 200
    assert 181 <= covered <= 199  # 190 expected, within 3 standard errors
    assert biased > 2.3


def test_a_weak_instrument_is_said(data):
    noise = data.assign(noise=np.random.default_rng(2).permutation(data["offer"]))
    found = iv(noise["y"], noise[["const", "took"]], noise[["const", "noise"]])
    assert found.first_stage_f["took"] < 10
    assert any("Weak instrument" in note for note in found.warnings)


@pytest.mark.parametrize(
    ("X", "Z", "words"),
    [
        (["const", "took"], ["const"], "0 excluded instruments for 1 endogenous"),
        (["const", "took", "school"], ["const", "offer"], "1 excluded instruments for 2 endogenous"),
        (["const", "took"], ["const", "offer", "twin"], "twin"),
    ],
)
def test_too_few_or_repeated_instruments_are_refused(data, X, Z, words):
    given = data.assign(twin=1 - data["offer"])
    with pytest.raises(ValueError, match=words):
        iv(given["y"], given[X], given[Z])


def test_missing_numbers_are_refused_with_their_column(data):
    holed = data.assign(offer=data["offer"].mask(data.index < 3))
    with pytest.raises(ValueError, match="'offer' of X has 3 missing"):
        iv(data["y"], data[["const", "took"]], holed[["const", "offer"]])


@pytest.mark.parametrize("clustered", [False, True])
def test_fixed_effects_taken_off_equal_a_column_for_each(clustered):
    """Pupils drawn inside 12 sites, three rows a pupil where clustered."""
    rng = np.random.default_rng(9)
    site, pupil = np.repeat(np.arange(12), 15), np.repeat(np.arange(60), 3)
    offer = rng.integers(0, 2, 60)[pupil].astype(float)
    took = offer * (rng.random(180) < 0.7)
    data = pd.DataFrame({"offer": offer, "took": took, "prior": rng.normal(size=180)})
    y, cluster = site + took + data["prior"] + rng.normal(size=180), pupil if clustered else None
    columns = pd.get_dummies(pd.Series(site), prefix="site", dtype=float)
    wide = iv(y, data[["took", "prior"]].join(columns), data[["offer", "prior"]].join(columns), cluster)
    found = iv(y, data[["took", "prior"]], data[["offer", "prior"]], cluster, inside=site)
    for part in ("coef", "se", "df", "p"):
        one, two = (getattr(fit.second, part)["took"] for fit in (found, wide))
        assert one == pytest.approx(two, rel=1e-9)
    assert found.first_stage_f["took"] == pytest.approx(wide.first_stage_f["took"], rel=1e-9)
    assert np.isnan(found.classical_f["took"])
