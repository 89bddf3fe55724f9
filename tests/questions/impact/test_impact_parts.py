"""The parts by hand: models against sums, balance, expectation, the rule's reach, half-terms, choices, shrinkage."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from impact_studies import Shape, study
from trust import Trust

from attendlib.disclosure import gate
from attendlib.facts.attendance_trials import attendance_trials, usual_size
from attendlib.questions.impact.anyway import forecast
from attendlib.questions.impact.asked import Asked, eligible_of, span_of
from attendlib.questions.impact.balance import balance_check, balance_rows
from attendlib.questions.impact.checks import checks, others_check
from attendlib.questions.impact.choices import by_chance_rows, placebo_outcome_checks
from attendlib.questions.impact.chosen import Compared
from attendlib.questions.impact.chosen import compared as chosen_pupils
from attendlib.questions.impact.figures import level_rows
from attendlib.questions.impact.half_terms import Panel, bound_rows, did_rows, event_rows, placebo_checks
from attendlib.questions.impact.models import (
    CHECK,
    RAW,
    Model,
    Unfit,
    counts_model,
    fitted,
    main_model,
    points_fewer,
    whole_schools,
)
from attendlib.questions.impact.reach import STEPS, least_estimate, reach_rows, rule_reaches
from attendlib.questions.impact.referred import marked
from attendlib.questions.impact.shrunken import shrunken_rows
from attendlib.questions.intervention_impact import intervention_impact
from attendlib.questions.verdict import df_checks
from attendlib.questions.windows import Windows, span
from attendlib.records.answer import Answer, Row
from attendlib.stats.chances import chances
from attendlib.words.impact_details import _strength


def windows() -> Windows:
    return Windows(
        span(date(2024, 9, 2), date(2024, 12, 20)),
        span(date(2024, 1, 8), date(2024, 7, 24)),
        span(date(2025, 1, 6), date(2025, 7, 22)),
    )


def compared(frame: pd.DataFrame) -> Compared:
    return Compared(frame, (), (), "school", True, windows(), False, False, frame, True)


def test_raw_and_check_are_differences_of_means() -> None:
    frame = study(Shape(30), 1)
    means = frame.groupby("treated")[["outcome", "baseline"]].mean()
    raw = 100 * (means.loc[0, "outcome"] - means.loc[1, "outcome"])
    change = 100 * ((means.loc[0] - means.loc[1]) @ [1, -1])
    assert points_fewer(frame, RAW, None).value == pytest.approx(raw)
    assert points_fewer(frame, CHECK, None).value == pytest.approx(change)


def test_main_is_the_linear_part_of_the_model_of_counts() -> None:
    frame = study(Shape(60), 2)
    ours, theirs = fitted(frame, main_model(True), None), counts_model(frame, main_model(True), None).points
    assert ours.coef["treated"] == pytest.approx(theirs.coef["treated"])
    assert ours.se["treated"] == pytest.approx(theirs.se["treated"])


def test_weighted_models_within_schools_are_those_with_a_column_for_each_school() -> None:
    frame = pd.concat([study(Shape(30), seed).assign(school=str(seed)) for seed in range(6)], ignore_index=True)
    frame["w"] = np.where(frame["treated"] == 1, 1.0, np.random.default_rng(0).gamma(2, size=len(frame)))
    model = main_model(True, "w")
    clustered = points_fewer(frame, model, frame["school"].to_numpy())
    assert clustered.value == pytest.approx(points_fewer(frame, model, None).value)
    assert np.isfinite(clustered.se)


def test_schools_wholly_on_one_side_are_compared_not_held_alike() -> None:
    """With a column for each school only two schools would be compared, and no interval would be left."""
    frame = pd.concat([study(Shape(20), seed) for seed in range(6)], ignore_index=True)
    frame["school"] = [f"{side:g}{place % 3}" for place, side in enumerate(frame["treated"])]
    means = 100 * frame.groupby("treated")["outcome"].mean()
    found = points_fewer(frame, RAW, frame["school"].to_numpy())
    assert found.value == pytest.approx(means[0] - means[1])
    assert found.se > 0
    weighted = points_fewer(frame.assign(w=1.0), Model(weight="w"), frame["school"].to_numpy())
    assert (weighted.value, weighted.se) == pytest.approx((found.value, found.se))


def test_whole_year_groups_are_not_held_alike() -> None:
    assert main_model(True, year_groups=False).also == ()


def test_a_forecast_is_the_untreated_pupils_own_line() -> None:
    source = pd.DataFrame({"window": [0.1, 0.2, 0.3, 0.4] * 5, "outcome": [0.05, 0.10, 0.15, 0.20] * 5})
    found = forecast(source, pd.DataFrame({"window": [0.2, 0.4]}), ("window",))
    assert found.value == pytest.approx(15.0)  # half of 30% on average


@pytest.mark.parametrize(
    ("treated", "whole"), [([1, 1, 0, 0], True), ([1, 0, 0, 0], False), ([0, 0, 0, 0], True), ([], False)]
)
def test_whole_schools_are_those_with_one_side_only(treated: list[float], whole: bool) -> None:
    assert whole_schools(pd.DataFrame({"school": ["A", "A", "B", "B"][: len(treated)], "treated": treated})) is whole


@pytest.mark.parametrize(("se", "df"), [(1.0, 200.0), (2.5, 60.0), (0.4, 1000.0)])
def test_the_least_estimate_stands_on_the_line(se: float, df: float) -> None:
    least = least_estimate(se, df, 2.0, 0.75, interval=False)
    assert least is not None
    assert chances(least, se, df, 2.0).better == pytest.approx(0.75, abs=1e-3)
    first = next(days for days in STEPS if chances(days, se, df, 2.0).better >= 0.75)
    assert first - STEPS[1] < least <= first


def test_a_peak_between_the_days_tried_is_found() -> None:
    """A sure estimate is believed near 0, and against a t likelihood not far out: the chance rises and falls again."""
    assert max(chances(float(days), 1.3, 3.0, 1.7).better for days in STEPS) < 0.82
    enough = (days for days in np.arange(0, 95, 0.01) if chances(float(days), 1.3, 3.0, 1.7).better >= 0.82)
    assert least_estimate(1.3, 3.0, 1.7, 0.82, interval=False) == pytest.approx(next(enough), abs=0.01)


def test_no_estimate_is_enough_with_very_few_pupils() -> None:
    assert least_estimate(20.0, 5.0, 2.0, 0.9, interval=True) is None
    row = Row("days_fewer", "school", value=1.0, se=20.0, df=5.0, n=12)
    assert rule_reaches(row, row, 2.0, 0.9) is None
    assert [row.estimate for row in reach_rows(row, row, 2.0, 0.9)] == ["detectable_days"]


def test_the_rule_needs_more_than_an_interval_does() -> None:
    row = Row("days_fewer", "school", value=1.0, se=1.5, df=200.0, n=400)
    first, rule = reach_rows(row, row, 2.0, 0.75)
    assert first.value == pytest.approx(1.5 * (1.97190 + 0.84336), abs=1e-3)  # t tables, 200 df
    assert rule.value is not None
    assert rule.value > first.value


def test_shrinkage_is_the_normal_posterior() -> None:
    row = Row("days_fewer", "school", value=4.0, se=usual_size(), df=100.0, n=200, confidence_pct=95.0)
    (found,) = shrunken_rows(row)
    assert found.value == pytest.approx(2.0)  # equal variances: half-way to 0
    assert found.se == pytest.approx(usual_size() / 2**0.5)
    assert shrunken_rows(None) == []


def test_the_published_trials_have_their_sources() -> None:
    trials = attendance_trials()
    assert [trial.days_fewer for trial in trials] == [0.21, 0.6, 1.0, 1.1]
    assert all("20" in trial.source for trial in trials)
    assert usual_size() == pytest.approx(np.sqrt(np.mean([0.21**2, 0.6**2, 1.0, 1.21])))


def test_verdicts_by_chance() -> None:
    count, some = by_chance_rows(20, 500, 0.05)
    assert (count.value, count.n_groups) == (1.0, 20)
    assert some.value == pytest.approx(100 * (1 - 0.95**20))
    assert by_chance_rows(1, 500, 0.05) == []


@pytest.mark.parametrize(("p", "passed"), [(0.5, True), (0.02, True), (0.005, False), (None, None)])
def test_a_placebo_outcome_fails_at_one_in_a_hundred(p: float | None, passed: bool | None) -> None:
    row = Row("placebo", "school", group="outcome=earlier_absence", value=1.0, low=-1.0, high=3.0, p=p, n=50)
    assert placebo_outcome_checks([row])[0].passed is passed


def test_balance_is_said_once_weighted() -> None:
    rows = [
        Row("balance", "school", group="measure=window", model=m, value=v, n=50)
        for m, v in (("raw", 0.6), ("weighted", 0.0))
    ]
    assert "absence when chosen" in balance_check(rows[:1])[0].text
    assert balance_check(rows)[0].text.endswith("a quarter of a standard deviation once weighted.")
    assert "Nothing known differs" in balance_check(rows)[0].text


@pytest.mark.parametrize(("also", "passed"), [((5, 5), True), ((5, 4), True), ((5, 3), None), ((5, 2), False)])
def test_another_intervention_passes_only_where_about_as_many_had_it(
    also: tuple[int, int], passed: bool | None
) -> None:
    """Of ten on either side; under a tenth apart is alike, a quarter apart cannot be told from it."""
    frame = study(Shape(10), 1).assign(pupil=[f"p{place}" for place in range(20)], school="1", year_group=8)
    had = frame.groupby("treated").cumcount() < np.where(frame["treated"] == 1, *also)
    rows = frame.loc[had, ["pupil", "school"]].assign(
        intervention="letter", year_group=None, referred_date=None, start_date="2025-01-06", end_date=None, status="x"
    )
    (check,) = others_check(frame, windows().outcome, rows)
    assert check.passed is passed


@pytest.mark.parametrize(
    ("held", "said"),
    [(0, ("No attendance is held", "There is no baseline")), (3, ("held for too few pupils", "of too few pupils"))],
)
def test_a_baseline_of_too_few_is_not_called_missing(held: int, said: tuple[str, str]) -> None:
    frame = study(Shape(10), 1).assign(possible_baseline=[120.0] * held + [np.nan] * (20 - held))
    frame = frame.assign(possible_outcome=120.0, referred_on=pd.NaT)
    asked = Asked("tutor_calls", "2024/25", 2.0, 75, "same_school", "adjusted", "none", None, None, None)
    found = replace(compared(frame), has_baseline=False)
    earlier, far = checks(found, asked, pd.DataFrame(columns=["intervention", "school", "start_date", "end_date"]))[:2]
    assert (earlier.passed, far.passed) == (False, False)
    assert said[0] in earlier.text
    assert said[1] in far.text


@pytest.mark.parametrize(("low", "said"), [(0.5, True), (-0.5, False), (None, False)])
def test_only_a_difference_that_stands_out_can_be_undone(low: float | None, said: bool) -> None:
    rows = (
        Row("points_fewer", "school", model="adjusted", value=1.0, low=low, high=None if low is None else 3.0, n=50),
        Row("robustness", "school", model="adjusted", value=12.0, unit="percent", n=50),
    )
    answer = Answer("impact_details", "school", "done", rows, context={"design": "adjusted"})
    assert bool(_strength(answer)) is said


def test_degrees_of_freedom_are_told_in_the_checks_where_they_are_too_few() -> None:
    row = Row("days_fewer", "all", value=1.0, se=1.0, df=3.3, n=505)
    (check,) = df_checks(row, "schools")
    assert (check.passed, "3.3 degrees of freedom" in check.text) == (False, True)
    assert df_checks(replace(row, df=4.0), "schools") == []


@pytest.mark.parametrize(("counts", "shown"), [((5, 15), True), ((4, 15), False), ((15, 4), False), ((15, 26), False)])
def test_balance_of_a_characteristic_few_have_or_lack_is_withheld(counts: tuple[int, int], shown: bool) -> None:
    frame = study(Shape(30), 3)
    place = frame.groupby("treated").cumcount()
    frame["fsm6"] = np.where(place < np.where(frame["treated"] == 1, *counts), "1", "0")
    rows = {row.group: row for row in balance_rows(compared(frame), None, 5)}
    assert (rows["measure=fsm6-1"].value is not None) is shown
    assert rows["measure=window"].value is not None


@pytest.mark.parametrize(("known", "shown"), [(30, True), (28, False), (25, True), (3, False)])
def test_both_groups_means_are_shown_or_neither(known: int, shown: bool) -> None:
    frame = study(Shape(30), 4)
    gone = (frame["treated"] == 1) & (frame.groupby("treated").cumcount() >= known)
    frame["baseline"] = frame["baseline"].mask(gone)
    rows = gate(level_rows(compared(frame), 5), "internal")
    assert [row.value is not None for row in rows] == [shown] * 2 + [True] * 4


NAMES = ("2023/24-3", "2023/24-4", "2023/24-5", "2023/24-6", "2024/25-1", "2024/25-2", "2024/25-3", "2024/25-4")


def made_panel(effect: float, drift: float = 0.0, n: int = 200) -> Panel:
    """Half-terms of 60 sessions: before, two skipped, two after with `effect` points planted; `drift` points a step."""
    rng = np.random.default_rng(3)
    treated = np.arange(n) < n // 2
    rate = 0.15 + 0.05 * rng.standard_normal((n, 8)) * 0.1
    rate[treated] += 0.05 - 0.01 * drift * np.arange(8)
    rate[np.ix_(treated, [6, 7])] -= effect / 100
    rates = {"baseline": 0.1, "window": 0.2, "outcome": 0.1, "possible_outcome": 120.0}
    frame = pd.DataFrame({"pupil": [str(i) for i in range(n)], "treated": treated.astype(float)})
    frame = frame.assign(school="1", year_group=8, **rates)
    starts = tuple(date(2024 if place < 6 else 2025, 1 + place, 8) for place in range(8))
    before, after = np.arange(8) < 4, np.arange(8) >= 6
    return Panel(compared(frame), NAMES, 60 * rate, np.full((n, 8), 60.0), starts, before, after)


def test_half_terms_find_what_was_planted_and_nothing_before() -> None:
    panel = made_panel(effect=4.0)
    (row,) = did_rows(panel)
    assert row.value == pytest.approx(4.0, abs=0.2)
    events = event_rows(panel)
    assert [event.group.rpartition("=")[2] for event in events] == ["before"] * 4 + ["after"] * 2
    assert max(abs(event.value or 0) for event in events[:4]) < 0.3
    assert sum(event.value or 0 for event in events[:4]) == pytest.approx(0, abs=1e-9)


def test_honest_bounds_stand_beside_the_last_half_term_before() -> None:
    """Half a point apart each half-term, four points planted: between 3 half-terms on and 4 it makes 1.75 of 5.75."""
    half, one, two, breakdown = bound_rows(made_panel(effect=4.0, drift=0.5))
    assert half.value == one.value == two.value == pytest.approx(4.0 + 3.5 * 0.5, abs=0.3)
    move = ((two.high or 0) - (one.high or 0)) / 3.5
    assert move == pytest.approx(0.5, abs=0.2)
    assert (one.low or 0) > 0
    assert (breakdown.value or 0) > 1


def test_a_trend_before_fails_a_placebo_start() -> None:
    assert placebo_checks(made_panel(0.0), [])[0].passed is True
    failing = placebo_checks(made_panel(0.0, drift=2.0), [date(2024, 3, 1)])[0]
    assert failing.passed is False
    assert "1 March 2024" in failing.name
    assert placebo_checks(made_panel(0.0), [date(2020, 1, 1)])[0].passed is None


@pytest.fixture(scope="module")
def weighted(trust: Trust) -> Answer:
    with pytest.MonkeyPatch.context() as patch:
        return intervention_impact(trust.pupils("all", patch), **KEYS, weights="entropy")


KEYS: dict[str, Any] = {
    "intervention": "tutor_calls",
    "smallest_worthwhile_days": 2.0,
    "eligible": {"absence_pct_at_least": 10, "window": {"from": "2024-09-01", "to": "2024-12-20"}},
    "baseline": {"from": "2024-01-08", "to": "2024-07-24"},
    "outcome": {"from": "2025-01-06", "to": "2025-07-22"},
}


def test_authorised_and_unauthorised_add_up_to_the_whole(weighted: Answer) -> None:
    parts = [weighted.row("days_fewer", model="adjusted", outcome=f"{kind}authorised absence") for kind in ("", "un")]
    whole = weighted.row("days_fewer", model="adjusted", outcome="absence")
    assert sum(part.value for part in parts) == pytest.approx(whole.value)


def test_weights_make_what_is_known_alike_and_cost_pupils(weighted: Answer) -> None:
    values = {row.group: row.value for row in weighted.select("balance", model="weighted")}
    assert {"measure=window", "measure=baseline"} <= {group for group, value in values.items() if value is not None}
    assert max(abs(value) for value in values.values() if value is not None) < 1e-6
    worth = weighted.row("effective_n")
    assert 0 < worth.value < worth.n


def test_every_choice_is_a_row_and_the_main_one_is_among_them(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = intervention_impact(trust.pupils("all", monkeypatch), **KEYS)
    main = answer.row("choice", group="alike=both;characteristics=no;curve=spline;weights=none")
    assert main.value == pytest.approx(answer.row("days_fewer", model="adjusted").value)
    assert len(answer.select("choice")) == 26
    assert len({row.n for row in answer.select("choice")}) == 1


def test_the_flow_only_shrinks(weighted: Answer) -> None:
    counts = [row.n for row in weighted.select("flow") if row.n is not None]  # one a few from the last is withheld
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == weighted.row("days_fewer", model="raw").n


def test_days_lessons_and_points_are_one_difference(weighted: Answer) -> None:
    window, lessons = (
        weighted.row(name, model="adjusted") for name in ("days_fewer_in_window", "lessons_fewer_in_window")
    )
    assert lessons.value == pytest.approx(5 * window.value)


def test_an_earlier_cohort_is_not_chosen_by_what_came_later(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pupils referred this year belong among last year's: without them its outcomes would look too good."""
    rule, outcome = eligible_of(KEYS["eligible"]), span_of(KEYS["outcome"])
    asked = Asked("tutor_calls", "2024/25", 2.0, 75, "earlier_cohort", "adjusted", "none", rule, None, outcome)
    frame = chosen_pupils(trust.pupils("all", monkeypatch), asked, "all").frame
    now, before = (set(frame.loc[frame["treated"] == side, "pupil"]) for side in (1, 0))
    assert len(now & before) > 30
    assert (frame.loc[frame["treated"] == 0, "academic_year"] == "2023/24").all()


def test_fewer_pupils_than_the_model_holds_alike_are_unfit_not_an_error_of_ours() -> None:
    frame = pd.DataFrame(
        {
            "treated": [1.0, 1, 0, 0, 0],
            "school": "a",
            "year_group": [7, 8, 9, 7, 8],
            "window": [0.1, 0.2, 0.15, 0.3, 0.12],
            "baseline": [0.1, 0.12, 0.11, 0.2, 0.05],
            "outcome": [0.1, 0.2, 0.1, 0.2, 0.1],
        }
    )
    with pytest.raises(Unfit, match="5 rows"):
        points_fewer(frame, main_model(has_baseline=True), None)


LISTED = pd.DataFrame(
    {
        "pupil": ["a", "a", None, None, "c"],
        "school": ["1", "1", "1", "2", "2"],
        "year_group": [np.nan, np.nan, 8.0, np.nan, np.nan],
        "status": ["referred", "finished", "started", "offered", None],
        "start_date": pd.to_datetime([None, "2025-01-06", "2025-02-03", None, "2025-03-03"]),
        "referred_date": pd.to_datetime(["2024-12-02", None, None, "2024-12-09", None]),
    }
)


@pytest.mark.parametrize(
    ("pupil", "school", "year_group", "treated", "engaged", "followed_from"),
    [
        ("a", "1", 8, 1.0, 0.0, "2024-12-02"),  # the pupil's own row, the first of two, before the year group's
        ("b", "1", 8, 1.0, 1.0, "2025-02-03"),  # the year group's
        ("b", "1", 7, 0.0, 0.0, None),  # none
        ("b", "2", 7, 0.0, 0.0, "2024-12-09"),  # the school's, which did not take it up
        ("c", "2", 7, 1.0, 1.0, "2025-03-03"),  # started, whatever its status
        ("a", "2", 8, 0.0, 0.0, "2024-12-09"),  # listed by name at another school
    ],
)
def test_a_pupil_is_marked_by_their_own_row_else_the_groups(
    pupil: str, school: str, year_group: int, treated: float, engaged: float, followed_from: str | None
) -> None:
    found = marked(pd.DataFrame({"pupil": [pupil], "school": [school], "year_group": [year_group]}), LISTED)
    assert (found["treated"].item(), found["engaged"].item()) == (treated, engaged)
    assert (
        found["index"].item() is pd.NaT
        if followed_from is None
        else found["index"].item() == pd.Timestamp(followed_from)
    )
