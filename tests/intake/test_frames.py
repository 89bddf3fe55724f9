"""The store as data frames: one row per pupil and school, sums over half-terms and years."""

from collections.abc import Callable
from pathlib import Path

import pytest
from smalltrust import PUPILS, STUDY, attendance, marks, study

from attendlib.errors import QuestionError, StudyError
from attendlib.intake import frames
from attendlib.intake.load import Pupils, load

Loader = Callable[..., Pupils]
COLUMNS = ["possible", "absent"]


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loader:
    """Loads the small trust, changed as asked."""

    def from_study(school: str = "999001", text: str = STUDY, **changed: str) -> Pupils:
        monkeypatch.setenv("ATTEND_STUDY", str(study(tmp_path, text=text, **changed).path))
        return load(school)

    return from_study


def test_load_names_the_school_and_shows_nothing_else(loaded: Loader) -> None:
    pupils = loaded("999002")
    assert (pupils.school_name, repr(pupils)) == ("Beech High", "Pupils(school='999002')")
    assert loaded("all").school_name == "All schools"


def test_load_refuses_a_school_the_study_does_not_have(loaded: Loader) -> None:
    with pytest.raises(StudyError, match=r"small\.yml: the study has no school 999003\. Did you mean 99900\d\?"):
        loaded("999003")
    with pytest.raises(StudyError, match="the study has no school 999001"):
        loaded("999001", text=STUDY + 'schools: ["999002"]\n')


def test_enrolments_are_main_ones_of_the_year(loaded: Loader) -> None:
    text = PUPILS.replace("A2,999001,2024/25,6,0,H2,main", "A2,999001,2024/25,6,0,H2,subsidiary")
    pupils = loaded(pupils=text + "A1,999001,2023/24,5,1,H1,main\n", marks=marks("A1,999001,2024-09-02,AM,/"),
                    text=STUDY + 'schools: ["999001"]\n')  # fmt: skip
    found = frames.enrolments(pupils, "2024/25")
    assert found[["school", "year_group", "fsm6", "in_study"]].values.tolist() == [
        ["999001", 6, 1, True], ["999002", 7, 0, False],
    ]  # fmt: skip
    assert len(frames.enrolments(pupils, "2024/25", 7)) == 1
    assert len(frames.enrolments(pupils, "2022/23")) == 0


def test_absence_over_chosen_half_terms(loaded: Loader) -> None:
    text = marks("A1,999001,2024-09-02,AM,I", "A1,999001,2024-09-02,PM,/", "A1,999001,2024-11-04,AM,O")
    pupils = loaded(marks=text)
    assert frames.absence_per_pupil(pupils, "2024/25")[COLUMNS].values.tolist() == [[3, 2]]
    assert frames.absence_per_pupil(pupils, "2024/25", [1])[COLUMNS].values.tolist() == [[2, 1]]
    long = frames.absence_by_half_term(pupils, "2024/25")
    assert long[["half_term", *COLUMNS]].values.tolist() == [[1, 2, 1], [2, 1, 1]]
    assert frames.grains(pupils, "2024/25") == {"half_term", "week", "year"}
    assert frames.half_terms(pupils, "2024/25")["half_term"].tolist() == [1, 2]


@pytest.mark.parametrize(("period", "known"), [("year", "whole years"), ("2024-09-02", "weeks")])
def test_a_coarser_grain_cannot_be_split(loaded: Loader, period: str, known: str) -> None:
    pupils = loaded(marks="", attendance=attendance(f"A1,999001,2024/25,{period},10,1,0"))
    with pytest.raises(QuestionError, match=f"2024/25 is known by {known}, so half-terms cannot be told apart"):
        frames.absence_per_pupil(pupils, "2024/25", [1])
    with pytest.raises(QuestionError):
        frames.absence_by_half_term(pupils, "2024/25")


def test_a_year_without_attendance(loaded: Loader) -> None:
    with pytest.raises(QuestionError, match="known by nothing at all"):
        frames.absence_by_half_term(loaded(), "2019/20")
    assert frames.grains(loaded(), "2019/20") == set()


def test_results_and_interventions(loaded: Loader) -> None:
    pupils = loaded(
        attainment="pupil,academic_year,measure,value,reason\nA1,2024/25,ks2_read,104.5,\nA2,2024/25,ks2_read,,absent\n"
        "A1,2023/24,ks1,9,\n",
        interventions="intervention,school,pupil,start_date,status\ncalls,999001,A1,2024-11-04,started\n"
        "calls,999001,,,\nother,999002,B1,2024-11-04,started\n",
    )
    read = frames.results(pupils, "ks2_read")
    assert sorted(read["value"].dropna()) == [104.5]
    assert read.loc[read["value"].isna(), "reason"].tolist() == ["absent"]
    assert frames.results(pupils, "ks1", "2024/25").empty
    calls = frames.interventions(pupils, "calls")
    assert (len(calls), int(calls["pupil"].isna().sum()), str(calls["start_date"].max().date())) == (2, 1, "2024-11-04")


def test_frames_are_the_same_each_time(loaded: Loader) -> None:
    pupils = loaded()
    first, again = (frames.absence_per_pupil(pupils, "2024/25") for _ in range(2))
    assert first.equals(again)
    assert first["pupil"].tolist() == frames.enrolments(pupils, "2024/25")["pupil"].tolist()
