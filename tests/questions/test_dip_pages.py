"""Whatever the data lack, the page says so: a reason, the count lost, and never a number that is not there."""

from pathlib import Path

import pandas as pd
import pytest
from dip_trust import SECONDARY, Made, ask, pupils_of

from attendlib.errors import DataError, StudyError
from attendlib.questions.dip import linkage
from attendlib.records.answer import Answer
from attendlib.stats.weighting import NoOverlapError
from attendlib.words.stories import tell

Frames = tuple[pd.DataFrame, pd.DataFrame]


def words(answer: Answer) -> str:
    """The whole story as one text."""
    story = tell(answer)
    every = [*story.sentences, *story.caveats, *(s for section in story.sections for s in section.sentences)]
    return "\n".join([story.title, *every])


def lost(answer: Answer, reason: str) -> int | None:
    """How many were lost under the one step whose reason holds these words."""
    (step,) = [step for step in answer.steps if reason in step.reason]
    return step.lost


def test_all_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(extra_points=6.0), monkeypatch)
    dip = answer.row("dip", scope="school", group="", model="")
    assert answer.verdict == "Absence higher than expected"
    assert dip.low < 6.0 < dip.high
    assert "Expected from 60 pupils of 4 schools who went from Year 5 to Year 6" in words(answer)
    assert {row.period for row in answer.select("dip", model="", group="")} == {
        "2023/24 to 2024/25", "half-term 1", "half-terms 2 to 4", "half-terms 5 to 6",
    }  # fmt: skip


def no_year_6(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    gone = (roll["year_group"] == 6) & (roll["academic_year"] == "2023/24")
    names = set(roll.loc[gone, "pupil"])
    return roll[~gone], counts[~(counts["pupil"].isin(names) & (counts["academic_year"] == "2023/24"))]


def test_no_year_6_is_too_few_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(change=no_year_6), monkeypatch)
    assert answer.status == "too_few"
    assert "no Year 6 in 2023/24" in words(answer)
    assert lost(answer, "not found in Year 6") == 60


def year_totals(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    keys = ["pupil", "school", "academic_year"]
    early = counts["academic_year"] == "2023/24"
    totals = counts[early].groupby(keys, as_index=False)[["possible", "authorised", "unauthorised"]].sum()
    return roll, pd.concat([totals.assign(period="year"), counts[~early]])


def test_a_year_total_is_compared_with_a_year_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(change=year_totals), monkeypatch)
    assert "whole years, because the earlier or later year is only a year's total" in words(answer)
    assert answer.row("dip", scope="school", group="") is not None
    assert not [row for row in answer.rows if "half-term" in row.period]


def some_totals(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    some = counts["pupil"].isin([f"m0p{place}" for place in range(10)])
    _, totals = year_totals(roll, counts[some])
    return roll, pd.concat([totals, counts[~some]])


def test_year_totals_among_half_terms_are_left_out_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(change=some_totals), monkeypatch)
    assert lost(answer, "known only as a year's total") == 10
    assert answer.row("change", scope="school", group="").n == 50


def two_secondaries(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    """Ten movers change secondary after the third half-term."""
    ten = [f"m0p{place}" for place in range(10)]
    there = roll["pupil"].isin(ten) & (roll["school"] == SECONDARY)
    moved = counts["pupil"].isin(ten) & (counts["school"] == SECONDARY) & (counts["period"] > "3")
    counts = counts.assign(school=counts["school"].where(~moved, "999102"))
    return pd.concat([roll, roll[there].assign(school="999102")]), counts


def test_a_pupil_in_two_secondaries_counts_in_each_for_its_own_half_terms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ask(tmp_path / "a", Made(change=two_secondaries), monkeypatch)
    there = ask(tmp_path / "b", Made(change=two_secondaries), monkeypatch, school="999102")
    assert here.row("change", scope="school", group="").n == 60
    assert there.row("change", scope="school", group="").n == 10
    assert there.context["halves"] == "4, 5, 6"


def over_all(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    counts.loc[counts.index[:7], "authorised"] = 61
    return roll, counts


def test_absence_over_100_percent_is_refused_before_any_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"(?s)more sessions absent.*possible"):
        pupils_of(tmp_path, Made(change=over_all), monkeypatch)


def nothing_known(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    return roll.assign(fsm6="", sex="", sen=""), counts


def test_groups_asked_for_that_nobody_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StudyError, match="by` names fsm6, which the table pupils does not have"):
        ask(tmp_path, Made(change=nothing_known), monkeypatch)


def one_in_three_unknown(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    place = roll["pupil"].str.partition("p")[2].astype(int)
    return roll.assign(fsm6=roll["fsm6"].astype("Int64").mask(place % 3 == 0)), counts


def test_pupils_whose_group_is_not_known_are_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(change=one_in_three_unknown), monkeypatch)
    groups = {row.group: row.n for row in answer.select("dip", scope="school", model="") if row.period.startswith("20")}
    assert groups["fsm6=unknown"] == 20
    assert groups[""] == sum(n for group, n in groups.items() if group)


def no_absence(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    return roll, counts.assign(authorised=0)


def test_absence_all_equal_gives_no_false_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(change=no_absence), monkeypatch)
    assert answer.status == "done"
    assert answer.row("dip", scope="school", group="", model="").value == pytest.approx(0, abs=1e-9)
    assert answer.verdict == "Cannot tell"
    assert "every pupil's absence changed by the same" in words(answer)


def no_sessions(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    return roll, counts.assign(possible=0, authorised=0)


def test_no_session_possible_is_too_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(change=no_sessions), monkeypatch)
    assert answer.status == "too_few"
    assert lost(answer, "possible sessions in Year 6") == 60


def test_a_school_of_25_gets_an_honest_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(movers=25), monkeypatch)
    dip = answer.row("dip", scope="school", group="", model="")
    assert dip.n == 25
    assert dip.low < 0 < dip.high
    assert answer.verdict in ("Too few pupils to tell", "No clear dip")
    assert "One cohort in one school" in words(answer)
    assert all(row.withheld or row.n is None or row.n >= 5 for row in answer.rows if row.estimate != "verdict")


def test_nobody_to_compare_with_leaves_the_change_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(stayers=0, extra_points=6.0), monkeypatch)
    assert answer.verdict == "Absence rose"
    assert answer.row("dip") is None
    assert "Nothing is expected here" in words(answer)
    assert "ageing and a different year are part of the change" in words(answer)


def test_the_reference_asked_for_is_the_one_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(settings={"reference_step": "other_schools"}), monkeypatch)
    assert answer.context["reference"] == ""
    assert "pupils of other schools, and the data hold none of them" in words(answer)


def test_the_first_half_term_alone_gives_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(halves=(1,), extra_points=10.0), monkeypatch)
    assert answer.verdict == "Too early to tell"
    assert "only the first half-term is known" in words(answer)


def test_forty_sessions_are_not_put_as_days_a_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
        return roll, counts.assign(possible=20, authorised=counts["authorised"].clip(upper=20))

    answer = ask(tmp_path, Made(halves=(1, 2), change=short), monkeypatch)
    assert answer.select("dip_days") == ()
    assert answer.select("dip_window_days")
    assert "a year of 190" not in words(answer)


def test_several_cohorts_are_shown_and_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    years = ("2021/22", "2022/23", "2023/24", "2024/25")
    answer = ask(tmp_path, Made(years=years, movers=30), monkeypatch)
    each = answer.select("dip", model="each cohort")
    assert [row.period for row in each] == ["2021/22 to 2022/23", "2022/23 to 2023/24", "2023/24 to 2024/25"]
    together = answer.row("dip", model="all cohorts")
    assert together.n == sum(row.n for row in each)
    assert together.value == pytest.approx(sum(row.value * row.n for row in each) / together.n)
    assert together.se < each[-1].se
    assert "3 cohorts together" in words(answer)


def test_days_left_out_that_totals_still_hold_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(study="exclude_dates:\n  - {date: 2025-05-12, reason: SATs week}\n")
    assert "still in the totals" in words(ask(tmp_path, made, monkeypatch))


def more_known(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    """Every third mover is not at a first choice; every sixth joined in October."""
    place = roll["pupil"].str.partition("p")[2].astype(int)
    late = place.mod(6) == 0
    return roll.assign(
        first_choice=(place % 3 > 0).astype(int),
        entry_date=["2024-10-20" if each else "2024-09-02" for each in late],
    ), counts


def test_first_choice_and_joining_late_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(change=more_known), monkeypatch)
    groups = {
        row.group: row.n
        for row in answer.rows
        if row.estimate == "dip" and row.model in ("by first_choice", "by joined")
    }
    assert groups == {"": 60, "first_choice=0": 20, "first_choice=1": 40, "joined=0": 50, "joined=1": 10}
    assert answer.row("gap", group="joined=1").n == 10


def late_codes(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    late = (counts["academic_year"] == "2024/25").astype(int)
    return roll, counts.assign(late_before=3 * late, late_after=0, offsite=1)


def test_codes_are_counted_the_other_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three lates in sixty sessions of the later year alone: the change is five points more when L is absence."""
    made = Made(change=late_codes, stayers=0)
    answer = ask(tmp_path, made, monkeypatch)
    main = answer.row("change", scope="school", group="", model="")
    others = {row.model: row.value - main.value for row in answer.select("change", group="") if "counted" in row.model}
    assert others["L counted as absent"] == pytest.approx(5)
    assert others["U counted as present"] == pytest.approx(0)
    assert others["B counted as absent"] == pytest.approx(0)
    assert answer.row("use_of_L", period="after").value == pytest.approx(5)


def test_shares_of_all_absence_add_up_to_their_totals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(), monkeypatch)
    for name in ("share_of_pupils", "share_of_absence"):
        rows = [row for row in answer.select(name) if row.group.startswith("fsm6=")]
        assert len(rows) == 2
        assert sum(row.numerator for row in rows) == rows[0].n
        assert sum(row.value for row in rows) == pytest.approx(100)
    assert answer.select("share_of_pupils")[0].n == 60


def test_feeders_are_shown_against_their_size_and_pooled_when_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ask(tmp_path, Made(primaries=9, movers=180, stayers=12), monkeypatch)
    plain = {row.group: row for row in answer.select("dip", model="by feeder") if row.group}
    pooled = {row.group: row for row in answer.select("dip", model="by feeder, pooled")}
    assert set(plain) == set(pooled)
    assert len(pooled) == 9
    centre = answer.row("dip", model="by feeder", group="").value
    for group, row in pooled.items():
        assert abs(row.value - centre) <= abs(plain[group].value - centre) + 0.2
    assert any(section.charts for section in tell(answer).sections if section.title == "Schools before the move")


def test_those_not_followed_are_described_and_weighted_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the pupils with free school meals, whose absence rises, cannot be found: weights give back their share."""

    def dearer(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
        fsm = set(roll.loc[roll["fsm6"].eq(1) & roll["year_group"].eq(7), "pupil"])
        rises = counts["pupil"].isin(fsm) & (counts["academic_year"] == "2024/25")
        return roll, counts.assign(authorised=(counts["authorised"] + 12 * rises).clip(upper=60))

    def gone(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
        roll, counts = dearer(roll, counts)
        early = roll["academic_year"] == "2023/24"
        fsm = roll["fsm6"].eq(1) & roll["pupil"].str.startswith("m") & (roll["pupil"].str[-1].isin(list("02468")))
        names = set(roll.loc[early & fsm, "pupil"])
        return roll[~(early & fsm)], counts[~(counts["pupil"].isin(names) & (counts["academic_year"] == "2023/24"))]

    whole = ask(tmp_path / "whole", Made(movers=150, change=dearer), monkeypatch)
    answer = ask(tmp_path / "gone", Made(movers=150, change=gone), monkeypatch)
    weighted, plain = (answer.row("dip", scope="school", group="", model=m) for m in ("weighted to all on roll", ""))
    truth = whole.row("dip", scope="school", group="", model="").value
    assert plain.value < truth - 1
    assert abs(weighted.value - truth) < 0.5
    assert answer.row("matched").numerator == plain.n
    assert "count for" in words(answer)


def test_a_page_for_anyone_is_rounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(tmp_path, Made(movers=63, study="audience: shareable\n"), monkeypatch)
    assert {row.n % 5 for row in answer.rows if row.n is not None} == {0}
    assert float(answer.context["spread"]) == float(f"{float(answer.context['spread']):.2g}")
    assert "(95% interval" in words(answer)
    assert all(row.n >= 10 for row in answer.rows if row.value is not None)


def four_secondaries(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    """The movers go to four schools in turn: Upper School, Other Upper School and two all-through primaries."""
    places = {0: SECONDARY, 1: "999102", 2: "999001", 3: "999002"}

    def sent(frame: pd.DataFrame) -> pd.DataFrame:
        turn = frame["pupil"].str.partition("p")[2].astype(int).mod(4).map(places)
        return frame.assign(school=frame["school"].where(frame["school"] != SECONDARY, turn))

    return sent(roll), sent(counts)


@pytest.mark.parametrize("reference", ["stayers", "other_schools"])
def test_all_schools_stand_beside_or_are_the_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    made = Made(movers=160, change=four_secondaries, settings={"reference_step": reference})
    answer = ask(tmp_path, made, monkeypatch)
    beside = answer.row("dip", scope="all", group="")
    used = answer.row("reference_change")
    assert answer.context["reference"] == reference
    assert answer.row("change", scope="all", group="").n == 160
    if reference == "stayers":
        assert (beside.n, beside.n_groups) == (160, 4)
    else:  # leave-one-out: the other three schools' 120, and no dip of all schools against themselves
        assert (used.n, used.n_groups, beside) == (120, 3, None)
        assert "at the other schools" in words(answer)


def a_year_on(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    """The first cohort's movers in Year 8, a year after the year asked for."""
    last = (roll["academic_year"] == "2023/24") & roll["pupil"].str.startswith("m0")
    those = counts["academic_year"].eq("2023/24") & counts["pupil"].str.startswith("m0")
    later = {"academic_year": "2024/25"}
    return (
        pd.concat([roll, roll[last].assign(year_group=8, **later)]),
        pd.concat([counts, counts[those].assign(**later)]),
    )


def test_the_same_pupils_are_followed_into_the_next_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(years=("2022/23", "2023/24", "2024/25"), change=a_year_on, settings={"academic_year": "2023/24"})
    answer = ask(tmp_path, made, monkeypatch)
    later = {row.period.partition(" ")[2]: row for row in answer.select("absence_later")}
    after = {row.period.partition(" ")[2]: row for row in answer.select("absence_after") if "half-term" in row.period}
    assert set(later) == {f"half-term {half}" for half in range(1, 7)}
    assert [later[half].value for half in later] == pytest.approx([after[half].value for half in later])
    assert "Year 8, the same pupils" in tell(answer).charts[1].alt


def left_out(roll: pd.DataFrame, counts: pd.DataFrame) -> Frames:
    """Ten of the movers were nowhere the year before."""
    names = [f"m0p{place}" for place in range(10)]
    early = roll["pupil"].isin(names) & (roll["academic_year"] == "2023/24")
    return roll[~early], counts[~(counts["pupil"].isin(names) & (counts["academic_year"] == "2023/24"))]


def test_weights_that_cannot_be_had_are_said_and_not_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise NoOverlapError("too far apart")

    monkeypatch.setattr(linkage, "balance_weights", none)
    answer = ask(tmp_path, Made(change=left_out), monkeypatch)
    assert answer.row("dip", model="weighted to all on roll") is None
    assert "No weights make the pupils compared like everyone on roll" in words(answer)
