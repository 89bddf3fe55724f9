"""A dip's page less the other schools' pages, or one figure of it less another, is no few pupils."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from attendlib.disclosure import counts_kept_apart, gate
from attendlib.questions.dip.cohort import Asked, Cohort, move_of, read_cohort
from attendlib.questions.dip.expected import Curve, double_difference, reference_rows
from attendlib.questions.dip.levels import level_rows
from attendlib.questions.dip.moves import FIXED_BEFORE, KNOWN_AFTER
from attendlib.questions.dip.over_time import next_step_rows, one_year_ahead, panel_rows
from attendlib.questions.dip.who import who_rows
from attendlib.questions.dip.year import COUNTED, Year
from attendlib.questions.transition_dip import _of_others
from attendlib.records.answer import Row

SCHOOLS = ("s1", "s2", "s3", "s4")
MOVE = move_of("2024/25", 6, 7)
Stay = tuple[str, str, str, int, tuple[int, ...]]  # pupil, school, academic year, year group, half-terms


def years(stays: Sequence[Stay]) -> dict[str, Year]:
    """Both years of these stays: 60 sessions a half-term, absence drawn."""
    rng = np.random.default_rng(5)
    found = {}
    for name in (MOVE.earlier, MOVE.year):
        here = [stay for stay in stays if stay[2] == name]
        roll = pd.DataFrame([stay[:2] + stay[3:4] for stay in here], columns=["pupil", "school", "year_group"])
        roll = roll.assign(in_study=True, **dict.fromkeys((*FIXED_BEFORE, *KNOWN_AFTER)))
        roll["sex"] = np.where(roll["pupil"].str[-1].isin(list("02468")), "F", "M")
        rows = [(pupil, school, half, 60, int(rng.integers(0, 12)), 0, 0, 0)
                for pupil, school, _, _, halves in here for half in halves]  # fmt: skip
        halves = pd.DataFrame(rows, columns=["pupil", "school", "half_term", *COUNTED])
        totals = halves.groupby(["pupil", "school"], as_index=False)[list(COUNTED)].sum()
        found[name] = Year(name, roll, halves, totals, True)
    return found


def on_two_rolls() -> dict[str, Year]:
    """Twelve movers to each of four schools, one of them at a second school from the fifth half-term on."""
    every = tuple(range(1, 7))
    stays: list[Stay] = [
        (f"{school}p{place}", *where, every)
        for school in SCHOOLS
        for place in range(12)
        for where in (("home", MOVE.earlier, 6), (school, MOVE.year, 7))
        if (school, place, where[0]) != ("s1", 0, "s1")
    ]
    return years([*stays, ("s1p0", "s1", MOVE.year, 7, (1, 2, 3, 4)), ("s1p0", "s2", MOVE.year, 7, (5, 6))])


def page(school: str, found: dict[str, Year]) -> Cohort:
    return read_cohort(Asked(school, None, 20, "other_schools", "internal"), MOVE, found)


@cache
def pages() -> dict[str, Cohort]:
    found = on_two_rolls()
    return {school: page(school, found) for school in SCHOOLS}


def figures(frame: pd.DataFrame, scope: str) -> dict[str, Row]:
    """What is published of these pupils."""
    return {row.estimate: row for row in gate(level_rows(frame, scope, "", "internal"), "internal")}  # type: ignore[arg-type]


def test_all_schools_less_their_pages_is_nobody_though_one_is_on_two_rolls() -> None:
    own = [figures(each.frame, "school") for each in pages().values()]
    everyone = figures(pages()["s1"].everyone, "all")
    for name in ("change", "absence_before", "absence_after"):
        rows = [each[name] for each in own]
        assert everyone[name].n == sum(row.n for row in rows) == 49
        assert everyone[name].n * everyone[name].value == pytest.approx(sum(row.n * row.value for row in rows))


@pytest.mark.parametrize("school", ["s1", "s2"])
def test_the_other_schools_less_their_pages_are_nobody(school: str) -> None:
    curve = pages()[school].curve
    assert isinstance(curve, Curve)
    (reference,) = reference_rows(curve)
    rows = [figures(each.frame, "school")["change"] for other, each in pages().items() if other != school]
    assert reference.n == sum(row.n for row in rows)
    assert reference.n * reference.value == pytest.approx(sum(row.n * row.value for row in rows))


@pytest.mark.parametrize(("few", "told"), [(4, False), (5, True)])
def test_a_groups_change_is_not_set_beside_few_of_the_reference(few: int, told: bool) -> None:
    """Change less this figure is the reference pupils' mean, of one group outright and of the other by the total."""
    cohort = pages()["s1"]
    assert isinstance(cohort.curve, Curve)
    group = np.where(np.arange(len(cohort.curve.frame)) < few, "kind=1", "kind=0")
    curve = replace(cohort.curve, kind="stayers", frame=cohort.curve.frame.assign(group=group))
    for name in ("kind=0", "kind=1"):
        (row,) = double_difference(cohort.frame, curve, "school", "internal", name)
        assert (row.value is not None) is told
        assert row.withheld == ("" if told else "c")


def test_other_schools_groups_hold_no_few_of_one_of_them() -> None:
    """A school whose page hides a group of four is not in the group's reference; without it two schools are too few."""
    cohort = pages()["s1"]
    assert isinstance(cohort.curve, Curve)
    frame = cohort.curve.frame
    place = frame.groupby("school").cumcount()
    for few, told in ((4, False), (5, True)):
        small = place < np.where(frame["school"] == "s2", few, 6)
        curve = replace(cohort.curve, frame=frame.assign(group=np.where(small, "kind=1", "kind=0")))
        (row,) = double_difference(cohort.frame, curve, "school", "internal", "kind=1")
        assert (row.value is not None) is told


def shares(sizes: Sequence[int], missed: Sequence[int], persistent: Sequence[int]) -> tuple[Row, ...]:
    """What a page shows of groups of these sizes, each pupil missing so many sessions, so many of them persistent."""
    parts = [
        pd.DataFrame({"group": f"kind={place}", "before": np.arange(n) % 7.0, "after": np.arange(n) % 5.0,
                      "absent_after": each, "persistent_after": np.where(np.arange(n) < many, 100.0, 0.0)})
        for place, (n, each, many) in enumerate(zip(sizes, missed, persistent, strict=True))
    ]  # fmt: skip
    return gate(who_rows(replace(pages()["s1"], curve=""), "kind", pd.concat(parts, ignore_index=True)), "internal")


def hidden(rows: Sequence[Row], name: str) -> set[bool]:
    return {row.withheld == "c" and row.value is row.n is row.numerator is None for row in rows if row.estimate == name}


@pytest.mark.parametrize("sizes", [(39, 1), (36, 4), (20, 16, 4)])
def test_no_share_tells_what_a_small_group_missed(sizes: tuple[int, ...]) -> None:
    rows = shares(sizes, [40] * len(sizes), [10, *[0] * (len(sizes) - 1)])
    for name in ("share_of_pupils", "share_of_absence", "share_of_persistent"):
        assert hidden(rows, name) == {True}, name


@pytest.mark.parametrize(
    ("persistent", "told"),
    [((19, 19), False), ((20, 10), False), ((5, 15), True), ((4, 10), False), ((16, 10), False), ((2, 1), False)],
)
def test_shares_of_persistent_pupils_need_enough_who_are_and_are_not(persistent: tuple[int, int], told: bool) -> None:
    rows = shares((20, 20), (40, 30), persistent)
    assert hidden(rows, "share_of_persistent") == {not told}
    for name in ("share_of_pupils", "share_of_absence"):
        assert hidden(rows, name) == {False}
    assert [row.withheld for row in rows if row.estimate == "gap"] == [""], (
        "few persistent are no reason to hide a group"
    )


def test_a_group_that_missed_next_to_nothing_is_not_the_rest_of_its_total() -> None:
    rows = shares((20, 20, 20), (0, 30, 40), (0, 0, 0))
    assert hidden(rows, "share_of_absence") == {True}
    assert hidden(rows, "share_of_pupils") == {False}


def test_pupils_a_year_ahead_are_never_counted_twice_a_few_apart() -> None:
    """Two of 24 lack a half-term, so the half-terms' means are of 22: beside 24, or girls and boys, that is the two."""
    every = tuple(range(1, 7))
    stays: list[Stay] = [(f"m{p:02}", *where, every) for p in range(12)
                         for where in (("home", MOVE.earlier, 6), ("s1", MOVE.year, 7))]  # fmt: skip
    stays += [(f"a{p:02}", "s1", *when, every if p > 1 else every[:5]) for p in range(24)
              for when in ((MOVE.earlier, 7), (MOVE.year, 8))]  # fmt: skip
    cohort = page("s1", years(stays))
    ahead = one_year_ahead(cohort)
    rows = gate([*next_step_rows(cohort, ahead), *panel_rows(cohort, ahead)], "internal")
    assert {row.n for row in rows if row.estimate == "next_before"} == {22}
    shown = counts_kept_apart(rows, cohort.own.steps, "school", "internal", _of_others)
    ahead = [row for row in shown if row.estimate.startswith("next_")]
    counts = {row.n for row in ahead if row.group == "year_group=8" and row.n is not None}
    by_sex = sum(row.n for row in ahead if row.group.startswith("sex="))
    assert counts
    assert all(abs(one - other) >= 5 for one, other in combinations({*counts, by_sex}, 2)), (counts, by_sex)
    assert all(row.value is not None for row in ahead), "the figures stay"
