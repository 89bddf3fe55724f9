"""Further outcomes of a trial: the primary model on each, p-values that allow for their number, nothing given away."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from trial_study import POSSIBLE, ask, keys, trial, write_trial

from attendlib.errors import StudyError
from attendlib.intake.study import read_study
from attendlib.records.answer import Answer
from attendlib.stats.effect_size import effect_size_cluster
from attendlib.stats.itt import itt
from attendlib.stats.several import holm

ARM = "arm=calls"
SAID = ", secondary: [maths, absence]"


def two_outcomes(seed: int = 4) -> pd.DataFrame:
    frame = trial("cluster", schools=14, each=25, effect=0.5, seed=seed)
    return frame.assign(maths=frame["ks"] + np.random.default_rng(seed).normal(0, 8, len(frame)))


def answered(folder: Path, monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame, said: str = SAID) -> Answer:
    return ask(write_trial(folder, frame, keys("cluster", more=said)), monkeypatch)


def test_each_further_outcome_is_the_numeric_cores_estimate(tmp_path: Path, monkeypatch) -> None:
    frame = two_outcomes()
    answer = answered(tmp_path, monkeypatch, frame)
    x = pd.DataFrame({"treated": (frame["arm"] == "calls").astype(float), "one": 1.0, "x": frame["x"]})
    outcomes = {"maths": frame["maths"], "absence": 100 - 100 * frame["absent"] / POSSIBLE}
    found = {name: itt(y, x, frame["school"], "treated").difference for name, y in outcomes.items()}
    allowed = holm([each.p for each in found.values()])
    for (name, each), p in zip(found.items(), allowed, strict=True):
        row = answer.row("secondary", outcome=name, group=ARM)
        assert (row.value, row.low, row.p) == pytest.approx((each.value, each.low, each.p), rel=1e-6)  # type: ignore[union-attr]
        size = effect_size_cluster(outcomes[name], x, frame["school"], "treated").eef
        assert answer.row("secondary_g", outcome=name).value == pytest.approx(size.value, rel=1e-6)  # type: ignore[union-attr]
        assert answer.row("secondary_p", outcome=name).value == pytest.approx(p, rel=1e-5)  # type: ignore[union-attr]
    alone = ask(write_trial(tmp_path / "alone", frame, keys("cluster")), monkeypatch)
    months = answer.select("secondary_months")
    assert [(row.outcome, row.low is not None) for row in months] == [("maths", True)]  # never for attendance
    rest = [row for row in answer.rows if not row.estimate.startswith("secondary")]
    assert [(r.estimate, r.model, r.group) for r in rest] == [(r.estimate, r.model, r.group) for r in alone.rows]
    assert {r.outcome for r in rest} == {r.outcome for r in alone.rows}


@pytest.mark.parametrize(("lost", "withheld"), [(3, "c"), (6, "")])
def test_an_outcome_that_a_few_more_pupils_lack_is_withheld(
    lost: int, withheld: str, tmp_path: Path, monkeypatch
) -> None:
    frame = two_outcomes()
    frame.loc[frame.index[frame["arm"] == "calls"][:lost], "maths"] = np.nan
    answer = answered(tmp_path, monkeypatch, frame)
    row = answer.row("secondary", outcome="maths")
    assert (row.withheld, row.n is None) == (withheld, bool(withheld))  # type: ignore[union-attr]
    assert answer.row("secondary", outcome="absence").value is not None  # type: ignore[union-attr]
    tested = [row.method for row in answer.select("secondary_p")]
    assert tested == (["Holm, 1 tests"] if withheld else ["Holm, 2 tests"] * 2)


def test_an_outcome_that_does_not_vary_says_so(tmp_path: Path, monkeypatch) -> None:
    row = answered(tmp_path, monkeypatch, two_outcomes().assign(maths=7.0)).row("secondary", outcome="maths")
    assert (row.value, row.withheld) == (None, "x")  # type: ignore[union-attr]
    assert row.method.startswith("it cannot be estimated: ")  # type: ignore[union-attr]


def test_an_outcome_is_named_once(tmp_path: Path) -> None:
    study = write_trial(tmp_path, two_outcomes(), keys("cluster", more=", secondary: [ks3]"))
    with pytest.raises(StudyError, match="names an outcome that is named already"):
        read_study(study)


def test_holm_by_hand() -> None:
    """Sorted .005, .01, .03, .04 times 4, 3, 2, 1; the last may not be under the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])
    assert len(holm([])) == 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.2, np.nan])
