"""A real trial whose answer is published: small classes and days absent in Project STAR, compared and not matched.

von Hippel (2024), BMC Public Health, doi 10.1186/s12889-023-17503-9: 0.43 days a year fewer in small classes (0.06 to
0.80). docs/methods.md names what he did otherwise.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from shared import shared
from trial_study import ask

from attendlib.questions.common import indicators
from attendlib.records.answer import Answer
from attendlib.stats.fit import contrast
from attendlib.stats.mixed import random_intercept
from attendlib.stats.ols import ols

ROOT = Path(__file__).resolve().parents[2]
ARM = "arm=small"
PUBLISHED = (0.43, 0.06, 0.80)
YEARS = ("1985/86", "1986/87", "1988/89")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tidy folder and the study file beside it, as examples/star/README.md says; few draws."""
    place = tmp_path_factory.mktemp("star")
    source = shared("star/star_attendance.csv")
    make = [sys.executable, str(ROOT / "examples" / "star" / "make_tidy.py"), str(source), str(place / "data/star")]
    subprocess.run(make, check=True, capture_output=True)
    (place / "params").mkdir()
    study = Path(shutil.copy(ROOT / "params" / "star_trial.yml", place / "params"))
    study.write_text(study.read_text(encoding="utf-8") + "    draws: 100\nkey_file: ../key\n", encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def answer(folder: Path) -> Answer:
    with pytest.MonkeyPatch.context() as patch:
        return ask(folder / "params" / "star_trial.yml", patch)


def test_the_page_agrees_with_the_published_estimate_as_far_as_methods_do(answer: Answer) -> None:
    row = answer.row("days_fewer", group=ARM, model="adjusted")
    assert answer.status == "done"
    value, low, high = PUBLISHED
    assert row.low < value < row.high  # type: ignore[union-attr, operator]
    assert low < row.value < high  # type: ignore[union-attr, operator]
    assert not answer.select("months")


def test_the_page_is_least_squares_inside_the_lots_with_years_on_the_tidy_folder(answer: Answer, folder: Path) -> None:
    tables = {
        name: pd.read_csv(folder / "data/star" / f"{name}.csv", dtype=str) for name in ("attendance", "allocation")
    }
    trial = tables["allocation"].query("trial == 'star_entry'")[["pupil", "block", "arm"]]
    rates = tables["attendance"].astype({"possible": float, "authorised": float})
    rates = rates[rates["academic_year"].isin(YEARS)].assign(y=lambda f: 100 - 100 * f["authorised"] / f["possible"])
    frame = rates[["pupil", "academic_year", "y"]].merge(trial, on="pupil").reset_index(drop=True)
    years = [(frame["academic_year"] == year).astype(float).rename(year) for year in YEARS[1:]]
    columns = pd.concat([(frame["arm"] == "small").astype(float).rename("small"), *years], axis=1)
    pupils = frame["pupil"].to_numpy()
    found = contrast(ols(frame["y"], columns, cluster=pupils, inside=frame["block"]), {"small": 1.0})
    row = answer.row("itt", group=ARM, model="adjusted")
    assert row is not None
    assert (row.value, row.low, row.high) == (
        pytest.approx(found.value, rel=1e-6), pytest.approx(found.low, rel=1e-6), pytest.approx(found.high, rel=1e-6)
    )  # fmt: skip
    assert (row.n, row.n_groups) == (found.n, found.n_groups)


def test_maths_has_months_with_an_interval_and_days_have_none(answer: Answer, folder: Path) -> None:
    """Each grade's scores have their own mean and spread: the effect size divides by that of pupils in one grade."""
    row, size, months = (answer.row(name, outcome="maths", group=ARM) for name in
                         ("secondary", "secondary_g", "secondary_months"))  # fmt: skip
    assert row.low > 0  # type: ignore[union-attr, operator]
    scores = pd.read_csv(folder / "data/star/attainment.csv").query("measure == 'maths' and academic_year in @YEARS")
    one_grade = (scores["value"] - scores.groupby("academic_year")["value"].transform("mean")).std()
    assert size.value == pytest.approx(row.value / one_grade, rel=0.02)  # type: ignore[union-attr]
    assert months.low <= months.value <= months.high  # type: ignore[union-attr, operator]
    assert not answer.select("months")


def test_everyone_drawn_is_accounted_for(answer: Answer) -> None:
    flow = {row.group: row.n for row in answer.select("flow", model="randomised")}
    assert sum(flow.values()) == 11_601  # pupils, as examples/star/README.md counts them in school
    assert answer.row("missing_rule").method.startswith("5% or more")  # type: ignore[union-attr]


GRADES = ("gk", "g1", "g3")  # with recorded days


def days_absent() -> pd.DataFrame:
    """Every pupil and grade of the public file with days absent recorded: child, school, grade, days, class sat in."""
    source = pd.read_csv(shared("star/star_attendance.csv"), dtype=str)
    columns = {"stdntid": "child"}
    parts = [
        source[["stdntid", f"{g}schid", f"{g}classtype", f"{g}absent"]]
        .rename(columns={**columns, f"{g}schid": "school", f"{g}classtype": "sat", f"{g}absent": "days"})
        .dropna()
        .assign(grade=g)
        for g in GRADES
    ]
    drawn = source[[f"{g}classtype" for g in ("gk", "g1", "g2", "g3")]].bfill(axis=1).iloc[:, 0]
    frame = pd.concat(parts, ignore_index=True).astype({"days": float})
    return frame.assign(drawn=frame["child"].map(dict(zip(source["stdntid"], drawn, strict=True))))


def test_his_pupils_are_counted_and_his_model_gives_an_interval_with_his_figure_in_it() -> None:
    """School and grade fixed effects, a random intercept a child, days as they are: as methods.md says of it."""
    frame = days_absent()
    assert frame["child"].nunique() == 10_816  # as published
    rest = pd.concat([pd.Series(1.0, frame.index, name="one"), indicators(frame, ["school", "grade"])], axis=1)
    fewer = {}
    for kind in ("sat", "drawn"):
        small = (frame[kind] == "SMALL CLASS").astype(float).rename("small")
        fit = random_intercept(frame["days"], pd.concat([small, rest], axis=1), frame["child"].to_numpy())
        found = contrast(fit, {"small": 1.0})
        fewer[kind] = -found.value
        assert found.low < -PUBLISHED[0] < found.high
    assert fewer == {"sat": pytest.approx(0.517, abs=0.001), "drawn": pytest.approx(0.348, abs=0.001)}
