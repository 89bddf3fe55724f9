"""Two-stage least squares on the EEF's example trial against R's AER::ivreg and estimatr::iv_robust."""

import json

import pandas as pd
import pytest
from shared import shared

from attendlib.stats.instrument import iv

# The share of sessions had, 0 to 1, and having had half or more: the control arm had none.
DOSES = {"cace_crt_dosage": lambda share: share, "cace_crt_thr50": lambda share: (share >= 0.5).astype(float)}


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    return pd.read_csv(shared("referees/eef_crtData.csv")).assign(const=1.0)


@pytest.fixture(scope="module")
def published() -> dict:
    return json.loads(shared("referees/trial_reference.json").read_text())["models_crtData"]


def fitted(trial, dose, **options):
    data = trial.assign(dose=DOSES[dose](trial["Percentage_Attendance"] / 100))
    return iv(
        data["Posttest"], data[["const", "dose", "Prettest"]], data[["const", "Intervention", "Prettest"]], **options
    )


@pytest.mark.parametrize("dose", list(DOSES))
@pytest.mark.parametrize(("vcov", "theirs"), [("CR2", "iv_robust_CR"), ("CR1S", "iv_robust_stata")])
def test_clustered_second_stage(trial, published, dose, vcov, theirs):
    second, row = fitted(trial, dose, cluster=trial["School"], vcov=vcov).second, published[dose][theirs]
    assert second.coef["dose"] == pytest.approx(row["est"], rel=1e-11)
    assert second.se["dose"] == pytest.approx(row["se"], rel=1e-9)
    assert second.df["dose"] == pytest.approx(row["df"], rel=1e-9)
    assert second.p["dose"] == pytest.approx(row["p"], rel=1e-8)
    assert [second.low["dose"], second.high["dose"]] == pytest.approx([row["lb"], row["ub"]], rel=1e-8)


@pytest.mark.parametrize("dose", list(DOSES))
def test_classical_stages(trial, published, dose):
    found, row = fitted(trial, dose, vcov="classical"), published[dose]
    assert found.second.se["dose"] == pytest.approx(row["ivreg_classical"]["Std. Error"], rel=1e-11)
    assert found.second.p["dose"] == pytest.approx(row["ivreg_classical"]["Pr(>|t|)"], rel=1e-9)
    assert found.first["dose"].coef["Intervention"] == pytest.approx(row["first_stage"]["Estimate"], rel=1e-11)
    assert found.first["dose"].se["Intervention"] == pytest.approx(row["first_stage"]["Std. Error"], rel=1e-11)
    assert found.first_stage_f["dose"] == pytest.approx(row["first_stage_F"], rel=1e-10)
    assert found.correlation == pytest.approx(row["first_stage_cor"], rel=1e-12)


@pytest.mark.parametrize("dose", list(DOSES))
def test_the_clustered_first_stage_says_both(trial, published, dose):
    found = fitted(trial, dose, cluster=trial["School"])
    assert found.classical_f["dose"] == pytest.approx(published[dose]["first_stage_F"], rel=1e-10)
    assert found.first_stage_f["dose"] != pytest.approx(published[dose]["first_stage_F"], rel=0.1)
    assert found.second.vcov_type == found.first["dose"].vcov_type == "CR2"


def test_takers_and_their_dose(trial, published):
    treated = trial.loc[trial["Intervention"] == 1, "Percentage_Attendance"] / 100
    for dose, of in DOSES.items():
        assert of(treated).mean() == pytest.approx(published[dose]["compliance"], rel=1e-12)
        assert of(trial.loc[trial["Intervention"] == 0, "Percentage_Attendance"]).max() == 0
