"""What a trial could detect: the planned figures are the numeric core's, from the protocol or from the data."""

import numpy as np
import pandas as pd
import pytest
from trial_study import trial

from attendlib.errors import QuestionError
from attendlib.questions.trial.planned import reach_assumed, reach_of_data
from attendlib.questions.trial.sample import Plan, Sample
from attendlib.records.study import Assumed
from attendlib.stats.mixed import icc
from attendlib.stats.power import cluster_randomised, mdes, power, pupil_randomised


def plan(design: str, baseline: str | None = "ks2") -> Plan:
    return Plan("t1", design, "usual", "ks3", ("2024/25",), baseline, None, (), (), None)


def sample(frame: pd.DataFrame, of: Plan) -> Sample:
    rows = frame.assign(y=frame["ks"], cluster=frame["school"], year="2024/25")
    return Sample(rows if of.baseline else rows.assign(x=np.nan), ("calls",), "usual", of, 190.0)


def test_by_the_protocol_as_powerup_prints_it() -> None:
    """PowerUpR, CRA2: rho .15, n 50, J 100, no covariate at cluster level, R2 .5 and .5 gives 0.1635 with 97 df."""
    assumed = Assumed(pupils=5000, clusters=100, icc=0.15, r2_pupil=0.5, r2_cluster=0.5)
    found = reach_assumed(plan("cluster"), assumed)
    assert found.detectable == pytest.approx(0.1636, abs=0.0002)
    assert found.power == pytest.approx(0.929, abs=0.001)


def test_a_protocol_without_clusters_is_refused() -> None:
    with pytest.raises(QuestionError, match="gives no `clusters`"):
        reach_assumed(plan("cluster"), Assumed(pupils=500))


def test_by_the_datas_own_sizes_and_icc() -> None:
    frame = trial("cluster", schools=12, each=30)
    frame = frame.drop(frame.index[frame["school"] == "900000"][:20]).reset_index(drop=True)
    found = reach_of_data(sample(frame, plan("cluster", None)), "calls")
    rho = icc(frame["ks"], frame["school"].to_numpy()).value
    share = float((frame.groupby("school")["arm"].first() == "calls").mean())
    design = cluster_randomised(12, [10.0, *[30.0] * 11], rho, share=share)
    assert found.detectable == pytest.approx(mdes(design), rel=1e-6)
    assert found.power == pytest.approx(power(design, 0.2), rel=1e-6)
    assert found.in_unit == pytest.approx(found.detectable * frame["ks"].std(ddof=1))
    assert (found.pupils, found.clusters) == (340, 12)


def test_a_baseline_that_explains_makes_smaller_effects_detectable() -> None:
    frame = trial("pupil", schools=1, each=200)
    with_it, without = (reach_of_data(sample(frame, plan("pupil", held)), "calls") for held in ("ks2", None))
    r2 = frame["ks"].corr(frame["x"]) ** 2
    assert with_it.detectable == pytest.approx(mdes(pupil_randomised(200, 0.5, r2, 1)), rel=1e-6)
    assert with_it.detectable < without.detectable


def test_before_outcomes_the_baseline_alone_is_used() -> None:
    frame = trial("cluster", schools=12, each=30).assign(ks=np.nan)
    found = reach_of_data(sample(frame, plan("cluster")), "calls")
    assert "their baseline alone" in found.basis
    assert found.in_unit is None
    with pytest.raises(QuestionError, match="Neither outcome nor baseline is known"):
        reach_of_data(sample(frame, plan("cluster", None)), "calls")
