"""Staggered starts from a study's tables to a page: what is found, what is compared, and every refusal's reason."""

from pathlib import Path
from typing import Any

import pytest
from rollout import SCHOOLS, STARTS, loaded, rollout, spread

from attendlib.notebook import impact_details
from attendlib.questions.intervention_impact import intervention_impact
from attendlib.records.answer import Answer
from attendlib.words.impact.staggered import MANNER
from attendlib.words.reading import reading_age
from attendlib.words.rule import causal_words
from attendlib.words.stories import tell

KEYS: dict[str, Any] = {"intervention": "club", "smallest_worthwhile_days": 2.0, "design": "staggered"}
Patch = pytest.MonkeyPatch


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three of 60 sessions fewer once a year group has begun: 5 points, 9.5 days a year."""
    return rollout(tmp_path_factory.mktemp("planted"), spread(), fewer=3)


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


@pytest.fixture(scope="module")
def own(planted: Path) -> Answer:
    with pytest.MonkeyPatch.context() as patch:
        return intervention_impact(loaded(planted, "999001", patch), **KEYS)


@pytest.mark.parametrize(("page", "pupils"), [("found", 384), ("own", 48)])
def test_the_page_has_no_word_of_cause_and_days_first(page: str, pupils: int, request: pytest.FixtureRequest) -> None:
    answer: Answer = request.getfixturevalue(page)
    told = []
    for story in (tell(answer), tell(impact_details(answer))):
        parts = [*story.sentences, *story.caveats, *(chart.alt for chart in story.charts)]
        parts += [text for table in story.tables for cells in table.cells for text in cells]
        assert causal_words("\n".join([story.title, *parts])) == ()
        told.append(story)
    story = told[0]
    assert "days fewer a pupil" in story.sentences[0]
    assert ("95% interval" if page == "found" else "(no interval;") in story.sentences[0]
    assert f"{pupils} pupils" in story.sentences[0]
    assert reading_age(" ".join(story.sentences[:5])) < 13


def test_one_schools_four_year_groups_are_too_few_and_named_so(own: Answer) -> None:
    assert own.verdict == "Cannot tell"
    assert {row.n for row in own.rows if row.n is not None} <= {12, 48}  # nobody of another school


JOINED = {"999001": "2024-11-04", "999002": "2024-11-04", "999005": "2025-01-06"}
OTHERS = {
    "at_once": dict.fromkeys(spread(), STARTS[0]),
    "by_school": {(school, year): STARTS[int(school) % 4] for school, year in spread()},
    "everyone": {key: day or "2025-04-28" for key, day in spread().items()},
    "one_start": {key: STARTS[0] for key, day in spread().items() if day},
    "second_school": {key: day for key, day in spread().items() if key[0] == "999002"},
    "secondary": {key: STARTS[0] for key in spread() if key[1] > 6},
    "later": dict.fromkeys(spread(), "2025-09-01"),
    "first": {key: "2023-09-18" for key, day in spread().items() if day},
    "first_and_all": dict.fromkeys(spread(), "2023-09-18"),
    "before": {key: "2023-07-03" for key, day in spread().items() if day},
    "early": {key: "2023-10-30" for key, day in spread().items() if day},
}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many roll-outs of one trust, nothing planted in any."""
    return rollout(tmp_path_factory.mktemp("many"), spread(), joined=JOINED, also=OTHERS, named=True)


def ask(study: Path, monkeypatch: Patch, intervention: str, school: str = "all", **keys: Any) -> Answer:
    return intervention_impact(loaded(study, school, monkeypatch), **{**KEYS, "intervention": intervention, **keys})


def test_schools_that_joined_a_hub_are_dated_by_the_schools_table(many: Path, monkeypatch: Patch) -> None:
    answer = ask(many, monkeypatch, "joined_hub")
    main = answer.row("days_fewer", model="staggered")
    assert (main.n_groups, main.n) == (8, 384)
    assert main.low < 0 < main.high
    assert [(row.group, row.n_groups) for row in answer.select("began")] == [
        ("start=2024/25-2", 2), ("start=2024/25-3", 1), ("start=never", 5)]  # fmt: skip


def test_year_groups_that_a_school_starts_together_are_one_course(many: Path, monkeypatch: Patch) -> None:
    answer = ask(many, monkeypatch, "by_school")
    assert answer.row("points_fewer", model="staggered").n_groups == len(SCHOOLS)
    assert answer.row("points_fewer", model="package").n_groups == 32


def test_after_the_last_has_begun_the_comparison_stops(many: Path, monkeypatch: Patch) -> None:
    answer = ask(many, monkeypatch, "everyone")
    assert answer.context["stops"] == "28 April 2025"
    assert answer.context["outcome"].endswith("29 March 2025")
    assert "From 28 April 2025 on every group had begun" in " ".join(MANNER.more(answer))
    assert not answer.select("choice", group="beside=phase;counted=groups;method=never")


def test_one_start_date_is_enough_where_some_never_begin(many: Path, monkeypatch: Patch) -> None:
    answer = ask(many, monkeypatch, "one_start", comparison="never_treated")
    assert [row.n_groups for row in answer.select("began")] == [24, 8]
    assert answer.row("days_fewer", model="staggered").df >= 4
    (check,) = (check for check in answer.checks if check.name == "How many starts")
    assert (check.passed, check.text) == (None, "One start date: this is a plain difference in differences.")


def test_several_starts_are_not_called_one(found: Answer) -> None:
    assert "How many starts" not in {check.name for check in found.checks}


def test_two_courses_have_no_interval_and_no_figure(tmp_path: Path, monkeypatch: Patch) -> None:
    one = {(s, y): STARTS[0] for s, y in spread() if s == "999001"}
    answer = ask(rollout(tmp_path, one, only=("999001", "999002")), monkeypatch, "club")
    assert (answer.status, answer.rows) == ("too_few", ())
    assert "only 2 courses are held" in answer.reasons[0]


def test_too_few_arrangements_cannot_tell(tmp_path: Path, monkeypatch: Patch) -> None:
    """Three schools, one of which begins: three ways to deal the start out, so no p under a third."""
    one = {(s, y): STARTS[0] for s, y in spread() if s == "999001"}
    study = rollout(tmp_path, one, fewer=6, only=("999001", "999002", "999003"))
    answer = ask(study, monkeypatch, "club")
    check = next(check for check in answer.checks if check.name == "Enough groups and starts")
    assert check.passed is False
    assert (answer.verdict, answer.row("permutation_p").value) == ("Cannot tell", pytest.approx(1 / 3))


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("at_once", {}, "all", "at the same time: nobody is left to compare with"),
    ("everyone", {"comparison": "never_treated"}, "all", "try comparison: not_yet_treated"),
    ("second_school", {}, "999001", "no school or year group is known to have started the second school here"),
    ("at_once", {}, "999001", "at the same time: nobody is left to compare with; see the page of all schools"),
    ("joined_hub", {}, "999001", "see the page of all schools"),
    ("secondary", {}, "all", "within each phase"),
    ("later", {}, "all", "while attendance is held"),
    ("early", {}, "all", "fewer than two half-terms"),
    ("first", {}, "all", "groups began the first in the first half-term held, so nothing is known from before"),
    ("first", {}, "999001", "groups began the first in the first half-term held, so nothing is known from before"),
    ("first_and_all", {}, "all", "in the first half-term held, so nothing is known from before"),
    ("before", {}, "all", "groups began the before before the first half-term held, so nothing is known from before"),
    ("by_name", {}, "all", "use `design: adjusted`"),
    ("club", {"period": "week"}, "all", "not held by week"),
]  # fmt: skip


@pytest.mark.parametrize(("intervention", "keys", "school", "said"), REFUSED)
def test_refused_with_a_reason(
    many: Path, monkeypatch: Patch, intervention: str, keys: dict[str, Any], school: str, said: str
) -> None:
    answer = ask(many, monkeypatch, intervention, school, **keys)
    assert (answer.status, answer.rows) == ("not_applicable", ())
    assert said in answer.reasons[0]
    assert said in tell(answer).sentences[0]


def test_two_weeks_before_the_start_are_no_course(tmp_path: Path, monkeypatch: Patch) -> None:
    study = rollout(tmp_path, {key: day and "2024-09-16" for key, day in spread().items()}, weeks=20)
    assert "fewer than eight weeks" in ask(study, monkeypatch, "club", period="week").reasons[0]


def test_a_gap_of_a_term_does_not_join_up(tmp_path: Path, monkeypatch: Patch) -> None:
    study = rollout(tmp_path, spread(), missing=("2023/24-3", "2023/24-4"))
    assert "missing in between (2023/24-3, 2023/24-4)" in ask(study, monkeypatch, "club").reasons[0]
