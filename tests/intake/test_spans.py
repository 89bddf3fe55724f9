"""Sessions between two dates: whole periods, of the finest grain each pupil is known by."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from smalltrust import PUPILS, attendance, marks, study

from attendlib.intake import frames
from attendlib.intake.load import Pupils, load
from attendlib.intake.spans import COUNTS, absence_in_spans

Loader = Callable[..., Pupils]
AUTUMN, YEAR = ("2024-09-01", "2024-12-31"), ("2024-09-01", "2025-08-31")


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loader:
    """Loads the small trust, changed as asked."""

    def from_study(**changed: str) -> Pupils:
        monkeypatch.setenv("ATTEND_STUDY", str(study(tmp_path, **changed).path))
        return load("999001")

    return from_study


def summed(pupils: Pupils, *spans: tuple[str, str], only: pd.Series | None = None) -> list[pd.DataFrame]:
    """What is found over spans written as texts, of every pupil unless told."""
    days = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in spans]
    return absence_in_spans(pupils, days, frames.enrolments(pupils, "2024/25")["pupil"] if only is None else only)


def test_whole_weeks_and_those_known_to_lie_within(loaded: Loader) -> None:
    pupils = loaded(marks=marks("A1,999001,2024-09-02,AM,I", "A1,999001,2024-09-13,AM,/", "A1,999001,2024-11-05,AM,O"))
    expected = {  # possible, absent, authorised, unauthorised
        ("2024-09-02", "2024-09-13"): [[2, 1, 1, 0]],
        ("2024-09-03", "2024-09-13"): [[1, 0, 0, 0]],  # the first week lies only partly within
        ("2024-09-09", "2024-12-20"): [[2, 1, 0, 1]],
        ("2024-09-03", "2024-09-12"): [],
        ("2023-09-01", "2024-09-06"): [[1, 1, 1, 0]],  # two academic years
        ("2024-12-20", "2024-09-02"): [],  # ends before it begins: nobody was there
    }
    found = summed(pupils, *expected)
    assert [each[[*COUNTS]].values.tolist() for each in found] == list(expected.values())
    assert {str(each.dtypes["pupil"]) for each in found} == {"str"}  # also where there is nobody


def test_each_pupils_year_has_its_own_grain(loaded: Loader) -> None:
    rows = attendance("A1,999001,2024/25,1,70,3,2", "A1,999001,2024/25,2,60,1,0", "A2,999001,2024/25,year,370,30,5",
                      "B1,999002,2024/25,2024-09-02,10,1,0", "A2,999001,2023/24,6,50,2,0")  # fmt: skip
    pupils = loaded(marks="", attendance=rows, pupils=PUPILS + "A2,999001,2023/24,5,0,H2,main\n")
    autumn, whole, both = summed(pupils, AUTUMN, YEAR, ("2023-09-01", "2025-08-31"))
    assert sorted(autumn[["possible", "authorised"]].values.tolist()) == [[10, 1], [130, 4]]
    assert sorted(whole[["possible", "authorised"]].values.tolist()) == [[10, 1], [130, 4], [370, 30]]
    assert sorted(both[["possible", "authorised"]].values.tolist()) == [[10, 1], [130, 4], [420, 32]]


def test_of_some_pupils_in_every_school_they_were_in(loaded: Loader) -> None:
    text = marks("A1,999001,2024-09-02,AM,I", "B1,999002,2024-09-02,AM,/", "A1,999002,2024-09-03,AM,/")
    pupils = loaded(marks=text, pupils=PUPILS + "A1,999002,2024/25,6,1,H1,subsidiary\n")
    (every,) = summed(pupils, AUTUMN)
    assert every.equals(every.sort_values(["school", "pupil"], ignore_index=True))
    assert every.groupby("pupil")["school"].nunique().max() == 2
    for who in (every["pupil"].unique(), every["pupil"].unique()[:1], []):
        only = pd.Series(who, dtype="str")
        (found,) = summed(pupils, AUTUMN, only=only)
        assert found.to_dict() == every[every["pupil"].isin(only)].reset_index(drop=True).to_dict()
