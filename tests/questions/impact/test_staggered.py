"""Staggered starts from a study's tables to a page: what is found, what is compared, and every refusal's reason."""

from pathlib import Path
from typing import Any

import pytest
from rollout import SCHOOLS, STARTS, loaded, rollout, spread

from attendlib.notebook import impact_details
from attendlib.questions.intervention_impact import intervention_impact
from attendlib.records.answer import Answer
from attendlib.words.reading import reading_age
from attendlib.words.rule import causal_words
from attendlib.words.stories import tell

KEYS: dict[str, Any] = {"intervention": "club", "smallest_worthwhile_days": 2.0, "design": "staggered"}
Patch = pytest.MonkeyPatch


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three of 60 sessions fewer once a year group has begun: 5 points, 9.5 days a year."""
    return rollout(tmp_path_factory.mktemp("planted"), spread(), fewer=3, joined={"999001": "2024-11-04"})


@pytest.fixture(scope="module")
def found(planted: Path) -> Answer:
    with pytest.MonkeyPatch.context() as patch:
        return intervention_impact(loaded(planted, "all", patch), **KEYS)


def test_what_was_planted_is_found_and_said(found: Answer) -> None:
    main, check = (found.row("days_fewer", model=model) for model in ("staggered", "imputation"))
    assert main.low < 9.5 < main.high
    assert check.low < 9.5 < check.high
    assert found.verdict == "Probably helped"
    assert found.row("permutation_p").value == pytest.approx(1 / 2000)  # no arrangement of 1,999 comes near


def test_the_package_that_counts_each_group_agrees(found: Answer) -> None:
    own, theirs = (found.row("points_fewer", model=model) for model in ("staggered", "package"))
    assert own.value == pytest.approx(theirs.value, rel=1e-9)
    assert own.n == theirs.n == 8 * 4 * 12
    assert (own.n_groups, theirs.n_groups) == (32, 32)  # each school's four year groups have four different starts


def test_days_lessons_and_points_are_one_difference(found: Answer) -> None:
    window, year, lessons, points = (
        found.row(name, model="staggered")
        for name in ("days_fewer_in_window", "days_fewer", "lessons_fewer_in_window", "points_fewer")
    )
    assert year.value == pytest.approx(1.9 * points.value)
    assert lessons.value == pytest.approx(5 * window.value)
    assert found.context["window_days"] == "120"  # from 5, 4 and 3 half-terms of 30 days
    assert window.value == pytest.approx(1.2 * points.value)


def test_main_is_the_first_choice_and_every_choice_counts_the_same_pupils(found: Answer) -> None:
    rows = found.select("choice")
    assert rows[0].group == "beside=phase;counted=groups;method=not_yet"
    assert rows[0].value == pytest.approx(found.row("days_fewer", model="staggered").value)
    assert len(rows) == len({row.group for row in rows}) == 36
    assert {row.n for row in rows} == {384}


def test_all_absence_is_authorised_here(found: Answer) -> None:
    both = [found.row("days_fewer", model="staggered", outcome=f"{kind}authorised absence") for kind in ("", "un")]
    assert both[0].value == pytest.approx(found.row("days_fewer", model="staggered").value)
    assert both[1].value == 0


def test_the_course_around_the_start_is_flat_before_and_lower_after(found: Answer) -> None:
    rows = {int(row.group.partition(";")[0].partition("=")[2]): row for row in found.select("start_gap")}
    assert sorted(rows) == [-5, -4, -3, -2, 0, 1, 2, 3, 4]
    assert all(row.low < 0 < row.high for distance, row in rows.items() if distance < 0)
    assert all(row.low > 0 for distance, row in rows.items() if distance >= 0)


@pytest.mark.parametrize("school", ["999001", "999005", "all"])
def test_the_page_has_no_word_of_cause_and_days_first(planted: Path, monkeypatch: Patch, school: str) -> None:
    answer = intervention_impact(loaded(planted, school, monkeypatch), **KEYS)
    for story in (tell(answer), tell(impact_details(answer))):
        parts = [*story.sentences, *story.caveats, *(chart.alt for chart in story.charts)]
        parts += [text for table in story.tables for cells in table.cells for text in cells]
        assert causal_words("\n".join([story.title, *parts])) == ()
    story = tell(answer)
    assert "days fewer a pupil" in story.sentences[0]
    assert "95% interval" in story.sentences[0]
    assert f"{384 if school == 'all' else 48} pupils" in story.sentences[0]
    assert reading_age(" ".join(story.sentences[:5])) < 13


def test_one_schools_four_year_groups_are_too_few_and_named_so(planted: Path, monkeypatch: Patch) -> None:
    answer = intervention_impact(loaded(planted, "999001", monkeypatch), **KEYS)
    assert answer.verdict == "Cannot tell"
    assert {row.n for row in answer.rows if row.n is not None} <= {12, 48}  # nobody of another school


def test_schools_that_joined_a_hub_are_dated_by_the_schools_table(tmp_path: Path, monkeypatch: Patch) -> None:
    joined = {"999001": "2024-11-04", "999002": "2024-11-04", "999005": "2025-01-06"}
    study = rollout(tmp_path, {(s, y): joined[s] for s, y in spread() if s in joined}, fewer=6, joined=joined)
    keys = {**KEYS, "intervention": "joined_hub"}
    answer = intervention_impact(loaded(study, "all", monkeypatch), **keys)
    main = answer.row("days_fewer", model="staggered")
    assert (main.n_groups, main.n) == (8, 384)
    assert main.low < 19 < main.high  # six of 60 sessions
    assert [(row.group, row.n_groups) for row in answer.select("began")] == [
        ("start=2024/25-2", 2), ("start=2024/25-3", 1), ("start=never", 5)]  # fmt: skip
    refused = intervention_impact(loaded(study, "999001", monkeypatch), **keys)
    assert refused.status == "not_applicable"
    assert "see the page of all schools" in refused.reasons[0]


def test_year_groups_that_a_school_starts_together_are_one_course(tmp_path: Path, monkeypatch: Patch) -> None:
    by_school = {(s, y): STARTS[int(s) % 4] for s, y in spread()}
    answer = intervention_impact(loaded(rollout(tmp_path, by_school), "all", monkeypatch), **KEYS)
    assert answer.row("points_fewer", model="staggered").n_groups == len(SCHOOLS)
    assert answer.row("points_fewer", model="package").n_groups == 32


def test_after_the_last_has_begun_the_comparison_stops(tmp_path: Path, monkeypatch: Patch) -> None:
    everyone = {key: day or "2025-04-28" for key, day in spread().items()}
    answer = intervention_impact(loaded(rollout(tmp_path, everyone, fewer=3), "all", monkeypatch), **KEYS)
    assert answer.context["stops"] == "28 April 2025"
    assert answer.context["outcome"].endswith("29 March 2025")
    assert "From 28 April 2025 on every group had begun" in " ".join(tell(answer).sentences)
    assert not answer.select("choice", group="beside=phase;counted=groups;method=never")


def test_one_start_date_is_enough_where_some_never_begin(tmp_path: Path, monkeypatch: Patch) -> None:
    one = {key: STARTS[0] for key, day in spread().items() if day}
    answer = intervention_impact(loaded(rollout(tmp_path, one, fewer=3), "all", monkeypatch), **KEYS)
    assert answer.verdict == "Probably helped"


def test_too_few_arrangements_cannot_tell(tmp_path: Path, monkeypatch: Patch) -> None:
    """Three schools, one of which begins: three ways to deal the start out, so no p under a third."""
    one = {(s, y): STARTS[0] for s, y in spread() if s == "999001"}
    study = rollout(tmp_path, one, fewer=6, only=("999001", "999002", "999003"))
    answer = intervention_impact(loaded(study, "all", monkeypatch), **KEYS)
    check = next(check for check in answer.checks if check.name == "Enough groups and starts")
    assert check.passed is False
    assert (answer.verdict, answer.row("permutation_p").value) == ("Cannot tell", pytest.approx(1 / 3))


def every(day: str) -> dict[tuple[str, int], str]:
    return dict.fromkeys(spread(), day)


REFUSED: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"starts": every(STARTS[0])}, {}, "all", "at the same time: nobody is left to compare with"),
    ({"starts": {key: day or STARTS[0] for key, day in spread().items()}}, {"comparison": "never_treated"}, "all",
     "try comparison: not_yet_treated"),
    ({"starts": {key: day for key, day in spread().items() if key[0] == "999002"}}, {}, "999001",
     "no school or year group is known to have started club"),
    ({"starts": dict.fromkeys(spread(), STARTS[0]), "only": ("999001", "999005")}, {}, "999001", "at the same time"),
    ({"starts": {key: STARTS[0] if key[1] > 6 else "" for key in spread()}}, {}, "all", "within each phase"),
    ({"starts": every("2025-09-01")}, {}, "all", "while attendance is held"),
    ({"starts": {key: day and "2023-10-30" for key, day in spread().items()}}, {}, "all", "fewer than two half-terms"),
    ({"starts": {key: day and "2024-09-16" for key, day in spread().items()}, "weeks": 20}, {"period": "week"}, "all",
     "fewer than eight weeks"),
    ({"starts": spread(), "missing": ("2023/24-3", "2023/24-4")}, {}, "all", "2023/24-3, 2023/24-4"),
    ({"starts": spread(), "named": True}, {}, "all", "use `design: adjusted`"),
    ({"starts": spread()}, {"period": "week"}, "all", "not held by week"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "asked", "school", "said"), REFUSED)
def test_refused_with_a_reason(
    tmp_path: Path, monkeypatch: Patch, made: dict[str, Any], asked: dict[str, Any], school: str, said: str
) -> None:
    answer = intervention_impact(loaded(rollout(tmp_path, **made), school, monkeypatch), **KEYS, **asked)
    assert (answer.status, answer.rows) == ("not_applicable", ())
    assert said in answer.reasons[0]
    assert said in tell(answer).sentences[0]
