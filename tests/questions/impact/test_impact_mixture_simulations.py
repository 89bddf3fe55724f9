"""What the rule says of invented schools whose truth is known, one of which began something.

`make prove` runs 2,000 seeds a cell; the quick cut runs the same code on fewer, with bounds a sound rule breaks less
than once in a thousand runs (the seeds are fixed, so a run that passes always passes).
"""

import sys
from dataclasses import replace
from statistics import mean

import pytest
from mixture_studies import Outcome, Shape, run, without_the_spell
from scipy.stats import binom

SEEDS = 2000


def share(outcomes: list[Outcome], verdict: str) -> float:
    return sum(outcome.verdict == verdict for outcome in outcomes) / len(outcomes)


def covered(outcomes: list[Outcome], days: float) -> int:
    return sum(outcome.main.low < days < outcome.main.high for outcome in outcomes)


def said(shape: Shape, found: list[Outcome]) -> None:
    """The measured figures, whatever pytest does with output."""
    n, se = len(found), mean(outcome.main.se for outcome in found)
    held, failed = covered(found, shape.days) / n, sum(bool(outcome.failed) for outcome in found) / n
    sys.__stdout__.write(
        f"\n{shape}: benefit {share(found, 'Probably helped'):.2%}, harm {share(found, 'May have done harm'):.2%},"
        f" covered {held:.1%}, a check failed {failed:.1%}, mean se {se:.2f} days"
    )
    for name, some in (("after the worst spell", True), ("not after it", False)):
        those = [outcome for outcome in found if outcome.after_worst is some]
        helped = sum(outcome.verdict == "Probably helped" for outcome in those) / n
        sys.__stdout__.write(
            f"\n  {name} {len(those) / n:.1%} of studies: mean {mean(outcome.main.value for outcome in those):.2f},"
            f" covered {covered(those, shape.days) / len(those):.1%}, benefit in {helped:.2%} of all studies"
        )


@pytest.mark.prove
@pytest.mark.parametrize("donors", [19, 30, 60])
def test_nothing_planted_hardly_ever_reads_as_benefit_or_harm(donors: int) -> None:
    found = [run(Shape(donors), seed) for seed in range(SEEDS)]
    said(Shape(donors), found)
    assert share(found, "Probably helped") < 0.05
    assert share(found, "May have done harm") < 0.05
    assert 0.93 <= covered(found, 0.0) / SEEDS <= 0.97


@pytest.mark.prove
def test_a_school_that_began_in_its_worst_spell() -> None:
    """Chosen for the worst half-term of any school: it drifts back, and the mixture does not know that.

    Without the spell the drift is gone. A check of the spell would let pass those that are further off, not nearer.
    """
    found = [run(Shape(30, worst_spell=True), seed) for seed in range(SEEDS)]
    said(Shape(30, worst_spell=True), found)
    assert share(found, "Probably helped") < 0.05
    assert share(found, "May have done harm") < 0.05
    rows = [without_the_spell(Shape(30, worst_spell=True), seed) for seed in range(SEEDS)]
    without = [replace(outcome, main=row) for outcome, row in zip(found, rows, strict=True)]
    off, off_without = (mean(outcome.main.value for outcome in some) for some in (found, without))
    sys.__stdout__.write(
        f"\n  mean {off:.2f}, without the spell {off_without:.2f}, covered {covered(without, 0.0) / SEEDS:.1%}, mean se"
        f" {mean(row.se for row in rows):.2f}"
    )
    assert abs(off_without) < 0.6 * abs(off)
    assert 0.93 <= covered(without, 0.0) / SEEDS <= 0.97
    passed, stopped = ([one for one in found if one.after_worst is some] for some in (False, True))
    assert mean(one.main.value for one in passed) > mean(one.main.value for one in stopped)


@pytest.mark.prove
@pytest.mark.parametrize(("donors", "days"), [(19, 5.0), (30, 2.0), (30, 4.0)])
def test_planted_days_are_covered(donors: int, days: float) -> None:
    found = [run(Shape(donors, days), seed) for seed in range(SEEDS)]
    said(Shape(donors, days), found)
    assert 0.93 <= covered(found, days) / SEEDS <= 0.97


def test_nothing_planted_quick_cut() -> None:
    found = [run(Shape(19), seed) for seed in range(80)]
    most = float(binom.ppf(0.999, 80, 0.02)) / 80
    assert share(found, "Probably helped") <= most
    assert share(found, "May have done harm") <= most
    assert binom.ppf(0.001, 80, 0.95) <= covered(found, 0.0) <= binom.ppf(0.999, 80, 0.95)


def test_planted_days_quick_cut() -> None:
    found = [run(Shape(19, 5.0), seed) for seed in range(60)]
    assert binom.ppf(0.001, 60, 0.95) <= covered(found, 5.0) <= binom.ppf(0.999, 60, 0.95)
    assert share(found, "Probably helped") > 0.6  # most of five days, at a standard error of 0.8
    assert share(found, "May have done harm") == 0


def test_eighteen_donors_never_reach_a_verdict() -> None:
    found = [run(Shape(18, 8.0), seed) for seed in range(10)]
    assert {outcome.verdict for outcome in found} == {"Cannot tell"}
    assert all("Enough other schools" in outcome.failed for outcome in found)
