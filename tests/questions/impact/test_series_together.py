"""Several schools' own courses put together: the page of all schools, and what the rule says of a planted truth."""

import sys
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from series_studies import Shape, study
from trust import Trust

from attendlib.intake.load import Pupils
from attendlib.notebook import impact_details
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.courses import check_way, main_way, points_fewer
from attendlib.questions.impact.designs import series as one_school
from attendlib.questions.impact.designs import series_together as together
from attendlib.questions.impact.figures import days_rows
from attendlib.questions.impact.observed import OTHER_SCHOOLS, SAME_SCHOOL, observed
from attendlib.questions.impact.pooled import mean_row, pooled
from attendlib.questions.impact.school_course import CHECK, MAIN, RAW, Course
from attendlib.questions.intervention_impact import intervention_impact
from attendlib.questions.verdict import Design, Judged, decide
from attendlib.records.answer import Answer, Check
from attendlib.stats.pooling import Meta
from attendlib.words.reading import reading_age
from attendlib.words.rule import causal_words
from attendlib.words.stories import tell

KEYS: dict[str, Any] = {
    "intervention": "breakfast_club", "smallest_worthwhile_days": 2.0, "design": "series", "comparison": SAME_SCHOOL,
}  # fmt: skip
SPREAD = 0.8  # points: how far schools' planted differences lie apart (standard deviation)


def course(points: float, seed: int, comparison: str = SAME_SCHOOL, failed: bool = False) -> Course:
    """One school's course with so many points fewer planted since the start."""
    seen = study(Shape(comparison=comparison, points=points), seed)
    main, check = (points_fewer(seen, way(seen)) for way in (main_way, check_way))
    return Course(seen, {RAW: main, MAIN: main, CHECK: check}, {}, [Check("A check of its own", not failed, "")])


@pytest.fixture
def asked(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page of all schools, each school's course as `made(school's place)` gives it."""

    def ask(made: Any, **changed: Any) -> Answer:
        def own(pupils: Pupils, _: Asked) -> Course:
            return made(int(pupils.school[-1]))

        monkeypatch.setattr(together, "course_of", own)
        return intervention_impact(trust.pupils("all", monkeypatch), **{**KEYS, **changed})

    return ask


def test_the_page_puts_every_schools_own_figure_together(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = intervention_impact(trust.pupils("all", monkeypatch), **KEYS)
    monkeypatch.setattr(one_school, "_choices", lambda seen: [])
    own = intervention_impact(trust.pupils("999002", monkeypatch), **KEYS).row("days_fewer", model="series")
    there = answer.row("school_difference", group="school=999002")
    assert (there.value, there.low, there.se) == pytest.approx((own.value, own.low, own.se))
    assert len(answer.select("school_difference")) == 6
    mean = answer.row("days_fewer", model="pooled_series")
    assert (mean.n_groups, mean.df, mean.n) == (6, 5.0, sum(row.n for row in answer.select("school_difference")))
    story, details = tell(answer), tell(impact_details(answer))
    assert [row.estimate for row in answer.rows if "detectable" in row.estimate] == ["detectable_days"]
    assert "a verdict also needs every school's own checks to pass" in " ".join(story.sentences)
    assert not any("more pupils find smaller" in step for step in story.next_steps)
    assert "In 6 schools together" in story.sentences[0]
    assert "the year groups that first had the breakfast club missed" in story.sentences[0]
    assert "549 pupils in " + answer.context["year_groups"] + " year groups, each school's first)" in story.sentences[0]
    assert (
        int(answer.context["year_groups"]) == 7
    )  # as the invented table has them, but a Year 1 and a Year 7 that just came
    assert "beside its other year groups" in story.sentences[0]
    assert causal_words(f"{story} {details}") == ()
    assert reading_age(" ".join(story.sentences[:5])) < 13
    assert "All of them together" in details.charts[0].alt


def test_a_planted_difference_is_found_and_a_verdict_rests_on_schools_own_year_groups_alone(asked: Any) -> None:
    answer = asked(partial(course, 4.0))
    mean = answer.row("points_fewer", model="pooled_series")
    assert mean.low < 4.0 < mean.high
    assert mean.low > 0
    assert answer.verdict == "Probably helped"
    for comparison, said in ((OTHER_SCHOOLS, "set beside the same"), ("none", "set beside anything")):
        beside = asked(partial(course, 4.0), comparison=comparison)
        assert beside.verdict == "Cannot tell"
        assert said in beside.reasons[0]


def test_the_year_groups_are_those_that_the_interventions_table_has_first(
    trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = pd.read_csv(trust.study.parents[1] / "data" / "interventions.csv", dtype={"school": str})
    listed = listed[(listed["intervention"] == "breakfast_club") & listed["start_date"].notna()]
    asked = Asked("breakfast_club", "2024/25", 2.0, 75, SAME_SCHOOL, "series", "none", None, None, None)
    for school in ("999002", "999006"):
        here = listed[listed["school"] == school]
        first = here.loc[here["start_date"] == here["start_date"].min(), "year_group"].astype(int)
        first = first[~first.isin([0, 7])]  # just come: nothing is held of them from before
        assert observed(trust.pupils(school, monkeypatch), asked).year_groups == tuple(sorted(first))


@pytest.mark.parametrize(("began", "passed"), [("7777", False), ("7778", False), ("7788", None), ("6789", None)])
def test_schools_apart_never_passes_and_fails_where_most_began_with_one_year_group(began: str, passed: Any) -> None:
    seen = study(Shape(comparison=SAME_SCHOOL), 1)
    own = {f"{i}": Course(replace(seen, year_groups=(int(one), 11 + i)), {}, {}, []) for i, one in enumerate(began)}
    check = together._apart(SAME_SCHOOL, own)
    assert check.passed is passed
    said = f"In {began.count('7')} of 4 schools Year 7 is among those that began first"
    assert check.text.startswith(said if passed is False else "Each school is set beside year groups of its own")


def test_a_school_that_failed_its_own_check_stays_in_the_mean_and_stops_the_verdict(asked: Any) -> None:
    answer = asked(lambda place: course(4.0, place, failed=place == 3))
    assert answer.verdict == "Cannot tell"
    assert "1 of 6 schools failed a check of their own (Invented Primary 3)" in answer.reasons[0]
    whole, sound = (answer.row("choice", group=f"together=REML;without={which}") for which in ("none", "failed"))
    assert (whole.n_groups, sound.n_groups) == (6, 5)


def test_a_school_without_a_course_is_named_without_a_figure(asked: Any) -> None:
    def made(place: int) -> Course:
        if place == 4:
            raise Refused("too_few", "this school held too few pupils in some period")
        return course(0.0, place)

    answer = asked(made)
    row = answer.row("school_difference", group="school=999004")
    assert (row.withheld, row.value) == ("x", None)
    assert answer.row("days_fewer", model="pooled_series").n_groups == 5
    assert "1 more had no course that can be told" in " ".join(tell(answer).sentences)
    assert "Invented Primary 4" in next(
        check.text for check in answer.checks if check.name == "Schools without a course"
    )


def test_too_short_an_outcome_anywhere_is_not_told_for_a_year(asked: Any) -> None:
    def made(place: int) -> Course:
        found = course(0.0, place)
        return replace(found, seen=replace(found.seen, possible=found.seen.possible / 8)) if place == 2 else found

    answer = asked(made)
    assert answer.row("days_fewer", model="pooled_series") is None
    assert {row.unit for row in answer.select("school_difference")} == {"percentage points"}
    own = answer.row("school_difference", group="school=999003")
    assert own.value == pytest.approx(course(0.0, 3).estimates[MAIN].value)  # not scaled by the others' windows
    details = tell(impact_details(answer))
    captions = [table.caption for table in details.tables if table.caption.endswith("missed")]
    assert [caption.partition(": ")[2] for caption in captions] == ["fewer percentage points missed"] * 2
    assert "Percentage points fewer missed" in details.charts[0].alt
    assert answer.verdict == "Cannot tell"


def several(schools: int, points: float, seed: int) -> tuple[str, Meta]:
    """Verdict (checks taken as passed) and main mean in points of so many schools, differences spread by SPREAD."""
    planted = points + (SPREAD if points else 0.0) * np.random.default_rng([seed, schools]).standard_normal(schools)
    own = [course(float(each), 1000 * seed + place) for place, each in enumerate(planted)]
    metas = [pooled({str(i): each.estimates[name] for i, each in enumerate(own)}) for name in (MAIN, CHECK)]
    rows = [days_rows(mean_row(meta, "points_fewer", "", 1), 115, lessons=False)[1] for meta in metas]
    return decide(Judged.of(rows[0], rows[1], 2.0), Design((), True), 0.75)[0], metas[0]


CELLS = [(6, 0.0), (6, 2.5), (12, 0.0), (12, 2.5)]


@pytest.mark.prove
@pytest.mark.parametrize(("schools", "points"), CELLS)
def test_the_mean_of_schools_courses_is_covered(schools: int, points: float) -> None:
    """The error is never below the plain one, so the interval may be too wide; it is never too short."""
    found = [several(schools, points, seed) for seed in range(500)]
    covered = sum(meta.low < points < meta.high for _, meta in found) / len(found)
    helped, harmed = (
        sum(said == v for said, _ in found) / len(found) for v in ("Probably helped", "May have done harm")
    )
    mean = float(np.mean([meta.value for _, meta in found]))
    sys.__stdout__.write(
        f"\n{schools} schools, {points:g} points: covered {covered:.1%}, mean {mean:.2f}, benefit {helped:.1%},"
        f" harm {harmed:.1%}"
    )
    assert covered >= 0.93
    assert harmed < 0.05
    assert helped < 0.05 or points > 0


def test_nothing_planted_quick_cut() -> None:
    said = [several(6, 0.0, seed)[0] for seed in range(4)]
    most = binom.ppf(0.999, 4, 0.02)
    assert max(said.count(verdict) for verdict in ("Probably helped", "May have done harm")) <= most
