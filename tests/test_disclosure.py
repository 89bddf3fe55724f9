"""The gate: what is small is withheld, and so is what would give it away."""

import random
from dataclasses import replace
from statistics import fmean, stdev

import pytest

from attendlib.disclosure import gate, merged, others_enough, publishable_steps
from attendlib.records.answer import Row, Step
from attendlib.stats.shares import wilson


def mean(group: str, n: int, estimate: str = "change") -> Row:
    return Row(estimate, "school", group=group, value=1.0, n=n)


def share(group: str, numerator: int, n: int) -> Row:
    return Row("persistent", "school", group=group, value=100 * numerator / n, n=n, numerator=numerator)


def shown(rows: tuple[Row, ...]) -> dict[str, int | None]:
    return {row.group or "all": None if row.withheld else row.n for row in rows}


# groups with n                          -> what internal readers see          (all = total of the groups)
MEANS = [
    ({"a": 30, "b": 40}, {"all": 70, "a": 30, "b": 40}),
    ({"a": 4, "b": 40}, {"all": 44, "a": None, "b": None}),  # b would give a away
    ({"a": 4, "b": 40, "c": 9}, {"all": 53, "a": None, "b": 40, "c": None}),  # the smaller neighbour goes too
    ({"a": 2, "b": 2, "c": 9}, {"all": 13, "a": None, "b": None, "c": None}),  # 2 + 2 is still under 5
    ({"a": 3, "b": 4, "c": 9}, {"all": 16, "a": None, "b": None, "c": 9}),  # 3 + 4 is 5 or more
    ({"a": 5, "b": 5}, {"all": 10, "a": 5, "b": 5}),
]


@pytest.mark.parametrize(("groups", "expected"), MEANS)
def test_means(groups: dict[str, int], expected: dict[str, int | None]) -> None:
    rows = [mean("", sum(groups.values())), *(mean(f"g={name}", n) for name, n in groups.items())]
    found = shown(gate(rows, "internal"))
    assert found == {name if name == "all" else f"g={name}": n for name, n in expected.items()}


# numerator of n                          -> published?
SHARES = [(5, 10, True), (4, 10, False), (6, 10, False), (0, 30, False), (30, 30, False), (5, 9, False), (20, 40, True)]


@pytest.mark.parametrize(("numerator", "n", "published"), SHARES)
def test_numerators_and_complements(numerator: int, n: int, published: bool) -> None:
    (row,) = gate([share("", numerator, n)], "internal")
    assert (row.value is not None) is published
    assert row.withheld == ("" if published else "c")


def test_a_small_numerator_takes_the_neighbour_that_would_give_it_away() -> None:
    rows = [share("", 32, 90), share("g=a", 2, 30), share("g=b", 15, 30), share("g=c", 15, 30)]
    found = shown(gate(rows, "internal"))
    assert found["g=a"] is None
    assert (found["g=b"], found["g=c"]).count(None) == 1


def test_a_group_withheld_once_is_withheld_everywhere() -> None:
    rows = [mean("", 44), mean("g=a", 4), mean("g=b", 40), mean("g=b", 40, estimate="level")]
    assert [row.withheld for row in gate(rows, "internal")] == ["", "c", "c", "c"]


def test_withheld_is_blank_and_never_zero() -> None:
    (row,) = gate([Row("x", "school", value=1.0, low=0.0, high=2.0, se=0.5, df=3.0, p=0.1, n=4)], "internal")
    assert (row.value, row.low, row.high, row.se, row.df, row.p, row.n, row.numerator) == (None,) * 8


def test_a_figure_without_n_is_refused() -> None:
    with pytest.raises(ValueError, match="without n"):
        gate([Row("x", "school", value=1.0)], "internal")


def test_shareable_asks_for_ten_and_rounds_counts_to_five() -> None:
    nine, twelve = gate([mean("", 9), mean("", 12, estimate="level")], "shareable")
    assert nine.withheld == "c"
    assert twelve.n == 10
    (counted,) = gate([share("", 12, 37)], "shareable")
    assert (counted.numerator, counted.n, counted.value) == (10, 35, 29.0)


def test_a_share_anyone_may_see_is_that_of_its_rounded_counts() -> None:
    """Whatever the true counts, rows of one pair of rounded counts are alike: two runs tell no more than those do."""
    shown: dict[tuple[int | None, int | None], set[Row]] = {}
    for n in range(20, 61):
        for counted in range(10, n - 9):
            found = wilson(counted, n)
            true = replace(share("", counted, n), low=100 * found.low, high=100 * found.high)
            (row,) = gate([true], "shareable")
            shown.setdefault((row.n, row.numerator), set()).add(row)
            assert row.low is not None
            assert row.value is not None
            assert row.high is not None
            assert row.low < row.value < row.high
            assert row.low < 100 * counted / n < row.high
    assert {len(rows) for rows in shown.values()} == {1}


def estimate(values: list[float]) -> Row:
    """A mean with all that a fit gives."""
    n, centre, se = len(values), fmean(values), stdev(values) / len(values) ** 0.5
    labels = {"n": n, "df": n - 1.0, "p": 0.0123456}
    return Row("dip", "school", value=centre, low=centre - 2 * se, high=centre + 2 * se, se=se, **labels)  # type: ignore[arg-type]


def test_figures_anyone_may_see_have_the_digits_their_interval_supports() -> None:
    exact = Row("dip", "school", value=2.3456789, low=-0.12345, high=4.81234, se=1.2345678, df=27.8, p=0.06123, n=31)
    (row,) = gate([exact], "shareable")
    assert (row.value, row.low, row.high, row.se, row.df, row.p, row.n) == (2.3, -0.1, 4.8, 1.2, 30.0, 0.061, 30)
    assert gate([exact], "internal") == (exact,)
    no_interval, pupils = (
        Row("mdes", "school", value=0.123456, n=50),
        Row("kish", "school", value=48.7, unit="pupils", n=50),
    )
    assert [row.value for row in gate([no_interval, pupils], "shareable")] == [0.123, 50.0]


def test_two_runs_a_pupil_apart_do_not_give_the_pupils_value() -> None:
    """What one mean times its count less the other leaves is the pupil's value; rounded, it is nowhere near."""
    draw, missed_by = random.Random(5), []
    for _ in range(200):
        values = [draw.gauss(20, 10) for _ in range(draw.randint(12, 40))]
        runs = [gate([estimate(these)], "shareable")[0] for these in (values, values[1:])]
        counts = [row.df + 1 for row in runs if row.df is not None]
        told = [count * row.value for count, row in zip(counts, runs, strict=True) if row.value is not None]
        assert len(told) == 2
        missed_by.append(abs(told[0] - told[1] - values[0]))
        assert all(row.df in (10, 15, 20, 25, 30, 35, 40) for row in runs)
    assert sorted(missed_by)[10] > 1  # of values that differ by 10 from pupil to pupil


def test_rows_that_differ_by_a_few_pupils_do_not_give_their_values() -> None:
    """On one page of staff: all pupils, and all but one to four of them (those with sessions in a half-term, say).

    The numbers of both stand there, so what can be learnt is how many differ; what those few missed cannot. A page
    without the rule is the same attack on ungated rows, which finds the value to the last digit.
    """
    draw, exact, gated = random.Random(6), [], []
    for _ in range(200):
        values, few = [draw.gauss(20, 10) for _ in range(draw.randint(12, 120))], draw.randint(1, 4)
        rows = (estimate(values), replace(estimate(values[few:]), period="half-term 1"))
        for kept, these in ((exact, rows), (gated, gate(rows, "internal"))):
            assert [row.n for row in these] == [len(values), len(values) - few]
            told = [(row.n or 0) * (row.value or 0) for row in these]
            kept.append(abs(told[0] - told[1] - sum(values[:few])))
    assert max(exact) < 1e-6
    assert sorted(gated)[20] > 0.5
    assert fmean(gated) > 5  # and pupils differ by 10
    apart = (estimate(values), estimate(values[5:]))
    assert gate(apart, "internal") == apart, "five pupils or more may be had by subtraction"


def test_bands_are_merged_before_anything_is_withheld() -> None:
    assert merged([50, 3, 4, 9, 2], 5) == ((0,), (1, 2), (3, 4))
    assert merged([1, 1], 5) == ((0, 1),)
    assert merged([7, 8], 5) == ((0,), (1,))


def test_steps_withhold_small_losses_and_the_counts_that_subtract_to_them() -> None:
    steps = [Step("all", 0, 100), Step("no result", 3, 97), Step("no sessions", 10, 87)]
    found = publishable_steps(steps, "internal")
    assert [(step.lost, step.left) for step in found] == [(0, None), (None, 97), (10, 87)]


def test_few_pupils_left_are_not_shown_nor_had_by_subtraction() -> None:
    steps = [Step("all", 0, 60), Step("no result", 7, 53), Step("no sessions", 50, 3), Step("elsewhere", 0, 3)]
    found = publishable_steps(steps, "internal")
    assert [(step.lost, step.left) for step in found] == [(0, 60), (7, 53), (None, None), (None, None)]
    assert [step.left for step in publishable_steps([Step("all", 0, 8)], "shareable")] == [None]
    (nobody,) = publishable_steps([Step("all", 0, 0)], "internal")
    assert nobody.left == 0


def test_steps_never_subtract_to_a_small_loss() -> None:
    draw = random.Random(1)
    for _ in range(500):
        left, steps = draw.randint(20, 60), []
        steps.append(Step("all", 0, left))
        for _ in range(4):
            lost = min(left, draw.choice([0, 0, 1, 2, 3, 7, 12]))
            left -= lost
            steps.append(Step("why", lost, left))
        found = publishable_steps(steps, "internal")
        lefts = [step.left for step in found if step.left is not None]
        assert found[-1].left == (None if 0 < left < 5 else left)
        assert not any(0 < a - b < 5 for i, a in enumerate(lefts) for b in lefts[i + 1 :])
        hidden, begun = (
            0,
            False,
        )  # what is withheld between two published counts is known in all, so it must be nothing or enough
        for true, step in zip(steps, found, strict=True):
            hidden += true.lost if step.lost is None else 0
            if step.left is not None:
                assert hidden == 0 or hidden >= 5 or not begun
                hidden, begun = 0, True


def test_no_part_under_the_limit_can_be_had_by_subtraction() -> None:
    draw = random.Random(2)
    for _ in range(500):
        counts = [draw.choice([0, 1, 2, 4, 5, 8, 30]) for _ in range(draw.randint(2, 6))]
        rows = [mean("", sum(counts)), *(mean(f"g={i}", n) for i, n in enumerate(counts))]
        found = gate(rows, "internal")
        hidden = [n for n, row in zip(counts, found[1:], strict=True) if row.withheld]
        assert all(n >= 5 for n, row in zip(counts, found[1:], strict=True) if not row.withheld)
        if hidden and not found[0].withheld:
            assert sum(hidden) >= 5 or len(hidden) == len(counts)
            assert len(hidden) > 1


def test_a_trust_figure_needs_three_other_schools_at_the_limit() -> None:
    assert others_enough([5, 6, 7], "internal")
    assert not others_enough([5, 6, 4], "internal")
    assert not others_enough([9, 60, 70], "shareable")
