"""A small tidy folder with one question, trial_evaluation: planted trials and awkward ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from attendlib.intake.load import STUDY_VARIABLE, load
from attendlib.intake.study import read_study
from attendlib.page.fragment import fragment
from attendlib.questions.trial_evaluation import trial_evaluation
from attendlib.records.answer import Answer
from attendlib.words.stories import tell

STUDY = """study: trial-test
title: An invented trial
data: ../data
academic_year: "2024/25"
key_file: ../pseudonym.key
audience: {audience}
seed: 7
notebooks:
  trial_evaluation: {keys}
"""
POSSIBLE = 380
PUPIL_COLUMNS = ("pupil", "school", "academic_year", "year_group", "sex", "fsm", "fsm6")
ALLOCATED = ("trial", "pupil", "school", "arm", "block", "cluster", "list_order")


def trial(
    design: str, *, schools: int = 8, each: int = 30, effect: float = 0.0, icc: float = 0.15, seed: int = 1
) -> pd.DataFrame:
    """Pupils of an invented trial, arms "calls" and "usual": school, arm, block, baseline `x`, `ks`, `absent`.

    Outcome `ks` has standard deviation about 10 and a planted difference of `effect` standard deviations; `absent` of
    `POSSIBLE` sessions falls with it by a tenth of the rate for each whole one planted.
    """
    rng = np.random.default_rng(seed)
    n = schools * each
    school = np.repeat(np.arange(schools), each)
    if design == "cluster":
        arm = rng.permutation(np.resize(["calls", "usual"], schools))[school]
    else:
        arm = np.concatenate([rng.permutation(np.resize(["calls", "usual"], each)) for _ in range(schools)])
    between = rng.normal(0, icc**0.5, schools)[school]
    x = rng.normal(size=n)
    treated = arm == "calls"
    score = effect * treated + 0.6 * x + between + 0.8 * (1 - icc) ** 0.5 * rng.normal(size=n)
    rate = np.clip(
        0.07 * np.exp(0.4 * rng.normal(size=n) - 0.3 * between - 0.3 * x) * (1 - 0.1 * effect * treated), 0.002, 0.9
    )
    return pd.DataFrame(
        {"pupil": [f"P{i:05d}" for i in range(n)], "school": [f"90{s:04d}" for s in school], "arm": arm,
         "year_group": 7, "sex": rng.choice(["F", "M"], n), "fsm6": rng.integers(0, 2, n), "x": 50 + 10 * x,
         "ks": 50 + 10 * score, "absent": rng.binomial(POSSIBLE, np.minimum(rate, 0.9)), "trial": "t1"}
    )  # fmt: skip


def write_trial(
    folder: Path, frame: pd.DataFrame, keys: str, *, audience: str = "internal", allocated: pd.DataFrame | None = None
) -> Path:
    """The study file on a tidy folder made from `frame` (see `trial`); NaN in x, ks or absent is missing there.

    A column `maths` makes a further measure.

    `allocated` is the allocation, where it is not the frame's own.
    """
    data = folder / "data"
    data.mkdir(parents=True)
    frame = frame.assign(academic_year="2024/25")
    pupils = frame.drop_duplicates("pupil")
    schools = pd.DataFrame({"school": sorted(frame["school"].astype(str).unique()), "phase": "secondary"})
    schools.assign(name="School " + schools["school"]).to_csv(data / "schools.csv", index=False)
    pupils[[name for name in PUPIL_COLUMNS if name in pupils]].to_csv(data / "pupils.csv", index=False)
    there = pupils[pupils["absent"].notna()]
    sums = there[["pupil", "school", "academic_year"]].assign(
        period="year", possible=POSSIBLE, authorised=there["absent"].astype(int), unauthorised=0
    )
    sums.to_csv(data / "attendance.csv", index=False)
    scores = [
        pupils[["pupil", "academic_year"]].assign(measure=measure, value=pupils[column])
        for measure, column in (("ks2", "x"), ("ks3", "ks"), ("maths", "maths"))
        if column in pupils
    ]
    pd.concat(scores).to_csv(data / "attainment.csv", index=False)
    listed = frame if allocated is None else allocated
    listed[[name for name in ALLOCATED if name in listed]].to_csv(data / "allocation.csv", index=False)
    study = folder / "params" / "study.yml"
    study.parent.mkdir()
    study.write_text(STUDY.format(keys=keys, audience=audience), encoding="utf-8")
    return study


def keys(design: str, outcome: str = "ks3", baseline: str | None = "ks2", more: str = "") -> str:
    """The notebook's keys in one line; few draws, so that tests are quick."""
    held = f", baseline: {baseline}" if baseline else ""
    return f"{{trial: t1, design: {design}, control: usual, outcome: {outcome}{held}, draws: 100{more}}}"


def ask(study: Path, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """The answer of the page, after making sure that it can be told in words and HTML."""
    monkeypatch.setenv(STUDY_VARIABLE, str(study))
    model = read_study(study).notebooks["trial_evaluation"]
    answer = trial_evaluation(load("all"), **model.model_dump(mode="json", by_alias=True))  # type: ignore[union-attr]
    story = tell(answer)
    assert story.sentences[0]
    assert " nan" not in fragment(story, "page").lower()
    return answer
