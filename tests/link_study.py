"""A small tidy folder with one question, attainment_link: for pages on awkward or real data."""

import re
from pathlib import Path

import html5lib
import pandas as pd
import pytest

from attendlib.intake.load import STUDY_VARIABLE, load
from attendlib.intake.study import read_study
from attendlib.page.fragment import fragment
from attendlib.questions.attainment_link import attainment_link
from attendlib.records.answer import Answer
from attendlib.words.rule import causal_words
from attendlib.words.stories import tell

STUDY = """study: link-test
title: Awkward pupils
data: ../data
academic_year: "2024/25"
key_file: ../pseudonym.key
audience: internal
notebooks:
  attainment_link: {keys}
"""


def write_study(folder: Path, pupils: pd.DataFrame, attainment: pd.DataFrame, keys: str) -> Path:
    """The study file on a tidy folder. `pupils` has school, pupil, year_group, absent and possible (sessions of
    2024/25), and any other column of the pupils table."""
    data = folder / "data"
    data.mkdir()
    year = pupils.assign(academic_year="2024/25")
    sums = year[["pupil", "school", "academic_year", "possible"]].assign(
        period="year", authorised=year["absent"], unauthorised=0
    )
    schools = pd.DataFrame({"school": sorted(pupils["school"].unique())}).assign(phase="secondary")
    schools.assign(name="School " + schools["school"]).to_csv(data / "schools.csv", index=False)
    year.drop(columns=["absent", "possible"]).drop_duplicates().to_csv(data / "pupils.csv", index=False)
    sums.to_csv(data / "attendance.csv", index=False)
    attainment.to_csv(data / "attainment.csv", index=False)
    study = folder / "params" / "study.yml"
    study.parent.mkdir()
    study.write_text(STUDY.format(keys=keys), encoding="utf-8")
    return study


def ask(study: Path, school: str, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """The answer of `school`'s page, after making sure that it can be told in words and HTML."""
    monkeypatch.setenv(STUDY_VARIABLE, str(study))
    model = read_study(study).notebooks["attainment_link"]
    answer = attainment_link(load(school), **model.model_dump(mode="json", by_alias=True))  # type: ignore[union-attr]
    html = fragment(tell(answer), "page")
    html5lib.HTMLParser(strict=True).parseFragment(html)
    words = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", html, flags=re.DOTALL)
    assert causal_words(words) == ()
    assert not re.search(r"\b(nan|inf)\b", words)
    return answer
