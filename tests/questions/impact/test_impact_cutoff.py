"""Pupils on both sides of a line: who is where, when the rule was not kept, what the page says and withholds."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cutoff_studies import LINE, Outcome, Shape, realised_days, run, study
from scipy.stats import binom
from trust import Trust

from attendlib.notebook import impact_details
from attendlib.questions.impact.asked import Asked, eligible_of, span_of
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.designs.cutoff import fitted
from attendlib.questions.impact.threshold import Sides, both_sides, counted, placed, sides
from attendlib.questions.impact.threshold_counts import untold, used_by
from attendlib.questions.impact.threshold_doubts import (
    choice_rows,
    density_check,
    density_rows,
    homes_check,
    placebo_checks,
    placebos,
    ways,
)
from attendlib.questions.impact.threshold_figures import before_after_row, bin_rows, reach_count_rows, within_reach
from attendlib.questions.intervention_impact import intervention_impact
from attendlib.records.answer import Answer, Row
from attendlib.stats.cutoff import jump
from attendlib.words.reading import reading_age
from attendlib.words.rule import causal_words
from attendlib.words.stories import tell

WINDOW = {"from": "2024-09-02", "to": "2024-10-25"}
KEYS: dict[str, Any] = {
    "intervention": "attendance_letter",
    "smallest_worthwhile_days": 2.0,
    "design": "cutoff",
    "cutoff": {"absence_pct_at_least": 10, "window": WINDOW},
    "baseline": {"from": "2024-01-08", "to": "2024-07-23"},
}


def ask(trust: Trust, monkeypatch: pytest.MonkeyPatch, school: str, **changed: Any) -> Answer:
    return intervention_impact(trust.pupils(school, monkeypatch), **{**KEYS, **changed})


# absent, possible, the line in percent -> above, whole sessions from the first count at or above the line
PLACES = [(7, 70, 10, 1, 0), (7, 71, 10, 0, -1), (8, 71, 10, 1, 0), (0, 70, 10, 0, -7), (9, 120, 7.5, 1, 0)]


@pytest.mark.parametrize(("absent", "possible", "pct", "above", "steps"), PLACES)
def test_sessions_are_counted_never_rounded_percents(
    absent: int, possible: int, pct: float, above: int, steps: int
) -> None:
    row = placed(pd.DataFrame({"absent_window": [absent], "possible_window": [possible]}), pct).iloc[0]
    assert (row["above"], row["steps"], row["running"] >= 0) == (above, steps, bool(above))


def test_nobody_on_one_side_is_refused() -> None:
    for side in (0, 1):
        found = study(Shape(200), 1)
        found = found.where(found.frame["above"] == side)
        with pytest.raises(Refused, match="the cut-off lies outside the data"):
            both_sides(found)


LATE = {"absence_pct_at_least": 10, "window": {"from": "2024-09-02", "to": "2024-12-20"}}
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"intervention": "breakfast"}, "not_applicable", "no pupil was referred to the breakfast"),
    ({"intervention": "group"}, "not_applicable", "no pupil was chosen by a line"),
    ({"intervention": "tutor_calls", "outcome": {"from": "2025-01-06", "to": "2025-07-22"}}, "not_applicable",
     "the rule was not kept"),
    ({"cutoff": {"absence_pct_at_least": 95, "window": WINDOW}}, "too_few", "the cut-off lies outside the data"),
    ({"cutoff": LATE}, "not_applicable", "reach into the outcome"),
    ({"cutoff": LATE, "outcome": {"from": "2025-01-06", "to": "2025-07-22"}}, "not_applicable", "reach past the day"),
    ({"outcome": {"from": "2026-01-05", "to": "2026-07-22"}}, "not_applicable", "lie outside 2024/25"),
    ({"intervention": "late", "academic_year": "2025/26"}, "not_applicable", "after the attendance data end"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "status", "said"), REFUSED)
def test_refused_with_a_reason(
    awkward: Trust, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], status: str, said: str
) -> None:
    answer = ask(awkward, monkeypatch, "999003", **changed)
    assert (answer.status, answer.rows) == (status, ())
    assert said in answer.reasons[0]
    assert causal_words(answer.reasons[0]) == ()


def test_a_rule_half_kept_is_refused_in_words_without_a_small_count() -> None:
    found = study(Shape(600, exceptions=0.4), 2)
    with pytest.raises(Refused, match="the rule was not kept") as refused:
        fitted(found)
    assert "about 6 in 10 of the" in refused.value.reason
    assert refused.value.reason.count("pupils") == 3
    assert "almost none" in counted(study(Shape(600), 2))


def test_a_few_exceptions_divide_the_step_by_the_step_in_referral() -> None:
    made = fitted(study(Shape(1000, exceptions=0.1), 3))
    assert made.referral is not None
    assert made.wald is not None
    assert 0.6 < made.referral.plain.value < 0.95
    assert made.wald.plain.value == pytest.approx(made.rule.plain.value / made.referral.plain.value)
    assert made.wald.reach == made.rule.reach


def siblings(found: Sides, every: int) -> Sides:
    """Every so many pupils have a brother or sister who was referred; those below the line miss far less for it."""
    out = np.arange(len(found.frame)) % every == 0
    spilt = out & (found.frame["above"] == 0).to_numpy()
    missed = found.frame["outcome"].where(~spilt, 0.0)
    return replace(found, frame=found.frame.assign(sibling=out.astype(float), outcome=missed))


def homes_apart(found: Sides) -> list[Row]:
    return [row for row in choice_rows(found, fitted(found).rule, 115.0) if "homes=apart" in row.group]


def test_pupils_whose_sibling_was_referred_are_left_out_on_both_sides_in_one_choice() -> None:
    whole = study(Shape(1000), 5)
    spilt = siblings(whole, 4)
    (row,) = homes_apart(spilt)
    rest = spilt.where(spilt.frame["sibling"] == 0)
    alone = -1.9 * jump(100 * rest.frame["outcome"].to_numpy(float), rest.running, way=whole.way).robust.value
    assert row.value == pytest.approx(alone)
    assert row.n == 1000  # how many were left out is nobody's to read
    main = -1.9 * fitted(spilt).main.robust.value
    assert main < alone - 1.5  # a sibling's help below the line hides the difference


def test_few_left_out_for_a_sibling_are_never_read_and_none_is_no_choice() -> None:
    whole = study(Shape(1000), 5)
    near = np.flatnonzero((whole.frame["above"] == 1) & (whole.running < whole.way.reach))
    few = whole.frame.assign(sibling=np.isin(np.arange(1000), near[:3]).astype(float))
    (row,) = homes_apart(replace(whole, frame=few))
    assert (row.value, row.withheld) == (None, "c")
    assert homes_apart(replace(whole, frame=whole.frame.assign(sibling=0.0))) == []
    assert homes_apart(whole) == []
    assert "No household is recorded" in homes_check(whole).text


def of_group(rows: list[Row], group: str) -> Row:
    (row,) = [row for row in rows if group in row.group]
    return row


def test_who_a_way_of_fitting_rests_on_is_who_it_counts() -> None:
    found = study(Shape(400, possible=100), 1)  # whole points: some stand where the reach ends
    main = fitted(found).rule
    for key, way in ways(found, main):
        made = jump(100 * found.frame["outcome"].to_numpy(float), found.running, way=way)
        assert used_by(found, made, way).sum() == made.below + made.above, key


def test_few_beyond_the_reach_are_not_told_by_degrees_of_freedom() -> None:
    found = study(Shape(400), 4)
    far = 2 * found.way.reach
    near = found.where(np.abs(found.running) < far)
    for beyond in (0, 1, 40):
        running = near.frame["running"].to_numpy().copy()
        running[np.flatnonzero(running > 0)[:beyond]] += far
        moved = replace(near, frame=near.frame.assign(running=running))
        double = of_group(choice_rows(moved, fitted(moved).rule, 100.0), "reach=double")
        assert (double.n, double.value is None) == (len(running), False)
        assert (
            (double.df, double.se, double.p) == (None,) * 3 if beyond == 1 else double.df == len(running) - beyond - 6
        )


def two_schools(**few: Any) -> Sides:
    """Half the pupils in each of two schools, page of both; `few` columns are 1 for one near the line in the second
    and for a quarter of the first's pupils."""
    whole = study(Shape(1000), 5)
    school = np.where(np.arange(1000) < 500, "1", "2")
    one = np.flatnonzero((school == "2") & (np.abs(whole.running) < whole.way.reach))[:1]
    chosen = ((school == "1") & (np.arange(1000) % 4 == 0)) | np.isin(np.arange(1000), one)
    columns = {name: np.where(chosen, *values) for name, values in few.items()}
    return replace(whole, scope="all", frame=whole.frame.assign(school=school, **columns))


def test_one_school_s_few_left_out_are_not_told_by_all_schools_less_its_own_page() -> None:
    (row,) = homes_apart(two_schools(sibling=(1.0, 0.0)))
    assert (row.value, row.withheld) == (None, "c")
    sixth = np.arange(1000) % 6 / 5
    found = two_schools(fsm6=(np.nan, np.round(sixth)))
    main = fitted(found).rule
    asked = placebos(found, main)
    told = untold(found, asked, main)
    free_meals, earlier = of_group(told, "fsm6"), of_group(told, "earlier_absence")
    assert (free_meals.n, free_meals.df, free_meals.se, free_meals.p) == (1000, None, None, None)
    assert earlier.df is not None
    checks = placebo_checks([each.row for each in asked], LINE)
    assert not any("Too few" in check.text for check in checks)  # judged by p, which is not shown


def test_a_sibling_is_another_pupil_of_the_home_who_was_referred(
    awkward: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten pupils live with one who was referred; the referred live with nobody else who was."""
    pupils = awkward.pupils("999003", monkeypatch)
    outcome = span_of({"from": "2025-01-06", "to": "2025-07-22"})
    asked = Asked(
        "tutor_calls", "2024/25", 2.0, 75, "", "cutoff", "none", None, None, outcome, (), eligible_of(KEYS["cutoff"]),
        (), "half_term",
    )  # fmt: skip
    frame = sides(pupils, asked, "school").frame
    assert frame["sibling"].sum() == 10
    assert frame.loc[frame["sibling"] == 1, "treated"].sum() == 0


@pytest.mark.parametrize("school", ["999002", "all"])
def test_a_page_of_a_line_that_was_kept(trust: Trust, monkeypatch: pytest.MonkeyPatch, school: str) -> None:
    answer = ask(trust, monkeypatch, school)
    assert answer.status == "done"
    assert next(check for check in answer.checks if check.name == "The rule was kept").passed is True
    assert answer.select("chance_better", model="check") == ()  # one estimator decides
    near = [answer.row("pupils_in_reach", group=f"side={side}").value for side in ("below", "above")]
    assert sum(near) == answer.row("days_fewer", model="cutoff").n
    story, details = tell(answer), tell(impact_details(answer))
    assert "than pupils just below 10%" in story.sentences[0]
    assert causal_words(f"{story} {details}") == ()
    assert all(len(cells) == len(table.columns) for table in details.tables for cells in table.cells)
    assert len(details.charts) == 2
    assert reading_age(" ".join(story.sentences[:5])) < 13
    expected = {"days_fewer_in_window", "points_fewer", "choice", "placebo", "density_ratio", "binned_outcome",
                "local_line", "shrunken", "verdict"} - {"shrunken"}  # fmt: skip
    assert expected <= {row.estimate for row in answer.rows}
    clustered = [row for row in answer.select("choice") if "spread=school" in row.group]
    assert len(clustered) == (school == "all")


def test_bins_hold_enough_pupils_of_every_school_and_never_cross_the_line(
    trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {school: ask(trust, monkeypatch, school).select("binned_outcome") for school in ("999002", "all")}
    edges = {school: [_edges(row) for row in found] for school, found in rows.items()}
    for school, found in rows.items():
        assert all(row.n is not None and row.n >= 5 for row in found)
        assert not any(low < LINE < high for low, high in edges[school])
    own = {edge for pair in edges["999002"] for edge in pair}
    assert {edge for pair in edges["all"] for edge in pair if edge not in (0.0,)} <= own | {25.0, float("inf")}


def _edges(row: Row) -> tuple[float, float]:
    low, _, high = row.group.removeprefix("window=").rstrip("+").partition("-")
    return float(low), float(high or "inf")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("pupils", [60, 200, 600])
def test_no_few_pupils_are_left_by_subtracting_bins(pupils: int, seed: int) -> None:
    """From all above, all analysed or those in reach, whole bins in order from the line never leave 1 to 4."""
    found = study(Shape(pupils), seed)
    bins, reach = bin_rows(found), reach_count_rows(found, found.way.reach)
    assert {row.estimate for row in bins} == {"binned_outcome"}  # a mean when chosen would tell what was merged
    counts = {side: [row.n or 0 for row in bins if (_edges(row)[0] >= LINE) == side] for side in (False, True)}
    assert not 0 < (before_after_row(found).n or 0) - sum(counts[True]) < 5
    assert not 0 < len(found.frame) - sum(map(sum, counts.values())) < 5
    for row in reach:
        own = counts[row.group == "side=above"]
        from_line = np.cumsum(own if row.group == "side=above" else own[::-1])
        assert row.n is None or not any(0 < abs(row.n - up_to) < 5 for up_to in from_line)


def test_a_short_outcome_is_never_made_a_year(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch, "999002", outcome={"from": "2024-11-04", "to": "2024-11-29"})
    assert answer.verdict == "Cannot tell"
    assert answer.row("days_fewer", model="cutoff") is None
    assert answer.row("days_fewer_in_window", model="cutoff") is not None
    assert {row.unit for row in answer.select("choice")} == {"days in the window"}


def test_choices_change_one_thing_at_a_time() -> None:
    found = study(Shape(800), 4)
    main = fitted(found).rule
    groups = [dict(part.split("=") for part in row.group.split(";")) for row in choice_rows(found, main, 100.0)]
    assert len({tuple(each.items()) for each in groups}) == len(groups)
    assert all(sum(each[key] != groups[0][key] for key in each) == 1 for each in groups[1:])


def test_marks_moved_across_the_line_fail_the_check() -> None:
    """A third of those one or two sessions over the line are written down as just under it."""
    found = study(Shape(3000), 5)
    steps = found.frame["steps"].to_numpy()
    moved = np.isin(steps, (0, 1)) & (np.arange(len(steps)) % 3 > 0)
    cheated = found.frame.assign(absent_window=found.frame["absent_window"] - 2 * moved)
    bad = type(found)(placed(cheated, LINE), (), "school", found.windows, LINE, "internal")
    assert density_check(density_rows(found))[0].passed is True
    assert density_check(density_rows(bad))[0].passed is False


def test_a_placebo_fails_at_one_in_a_hundred() -> None:
    row = Row("placebo", "school", group="outcome=fsm6", value=3.0, low=1.0, high=5.0, p=0.009, n=50)
    assert placebo_checks([row], 10)[0].passed is False
    assert placebo_checks([Row(**{**_fields(row), "p": 0.02})], 10)[0].passed is True


def _fields(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("estimate", "scope", "group", "value", "low", "high", "n")}


def test_reach_is_seven_sessions() -> None:
    found = study(Shape(400, possible=100), 1)
    assert found.way.reach == pytest.approx(7.0)
    assert within_reach(found, found.way.reach).frame["steps"].between(-8, 7).all()
    assert all(row.n and row.n >= 5 for row in bin_rows(found) if row.estimate == "binned_outcome")


def most(n: int, rate: float) -> float:
    """How many of n studies at `rate` are exceeded less than once in a thousand."""
    return float(binom.ppf(0.999, n, rate))


def test_nothing_planted_quick_cut() -> None:
    found = [run(Shape(600), seed) for seed in range(40)]
    assert sum(o.verdict == "Probably helped" for o in found) <= most(40, 0.025)
    assert sum(o.verdict == "May have done harm" for o in found) <= most(40, 0.025)
    assert sum(o.naive for o in found) >= 36  # set beside nobody, the return to the usual reads as benefit


def test_planted_days_quick_cut() -> None:
    shape = Shape(1000, days=5.0)
    true = realised_days(Shape(1, days=5.0))
    assert 3.0 < true < 5.0  # nobody can miss fewer than none
    found = [run(shape, seed) for seed in range(100)]
    covered = sum(o.main.low < true < o.main.high for o in found)
    assert binom.ppf(0.001, 100, 0.95) <= covered


@pytest.mark.prove
@pytest.mark.parametrize(("pupils", "possible"), [(600, 74), (2600, 140)])
def test_nothing_planted_hardly_ever_reads_as_benefit_or_harm(pupils: int, possible: int) -> None:
    found = [run(Shape(pupils, possible), seed) for seed in range(2000)]
    assert sum(o.verdict == "Probably helped" for o in found) < 0.05 * len(found)
    assert sum(o.verdict == "May have done harm" for o in found) < 0.05 * len(found)


@pytest.mark.prove
@pytest.mark.parametrize("shape", [Shape(1000, 74, 5.0), Shape(1000, 140, 5.0, exceptions=0.1)])
def test_planted_days_are_covered(shape: Shape) -> None:
    true = realised_days(Shape(1, shape.possible, shape.days))
    found = [outcome for seed in range(2000) if (outcome := _unless_refused(shape, seed))]
    assert len(found) >= 1980  # with exceptions, chance may leave the line without a clear step in referral
    covered = sum(o.main.low < true < o.main.high for o in found) / len(found)
    assert 0.93 <= covered <= 0.97


def _unless_refused(shape: Shape, seed: int) -> Outcome | None:
    try:
        return run(shape, seed)
    except Refused:
        return None
