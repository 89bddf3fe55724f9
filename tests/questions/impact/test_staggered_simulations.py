"""What staggered starts say of invented studies whose truth is known: nothing planted, two and five days, growing.

`make prove` runs 2,000 seeds a cell; the quick cut runs the same code on fewer, with bounds a sound rule breaks less
than once in a thousand runs (the seeds are fixed, so a run that passes always passes).
"""

import sys

import numpy as np
import pytest
from scipy.stats import binom
from staggered_studies import DAYS, GROUPS, ONE_SCHOOL, SCHOOLS, SEVEN, Outcome, Shape, covered, run, year_groups

from attendlib.records.answer import Row

CELLS = {"40 schools": SCHOOLS, "10 groups": GROUPS, "7 year groups": SEVEN, "6 year groups": ONE_SCHOOL}
GROWING = 0.6  # points more each half-term since the start
SEEDS = 2000


def share(outcomes: list[Outcome], verdict: str) -> float:
    return sum(outcome.verdict == verdict for outcome in outcomes) / len(outcomes)


def said(text: str) -> None:
    """The measured figures, whatever pytest does with output."""
    sys.__stdout__.write(f"\n{text}")


def most(n: int, rate: float) -> float:
    """The share that n studies at `rate` exceed less than once in a thousand."""
    return float(binom.ppf(0.999, n, rate)) / n


@pytest.mark.prove
@pytest.mark.parametrize("cell", CELLS)
def test_nothing_planted_hardly_ever_reads_as_benefit_or_harm(cell: str) -> None:
    found = [run(Shape(CELLS[cell]), seed) for seed in range(SEEDS)]
    helped, harmed = share(found, "Probably helped"), share(found, "May have done harm")
    none = share(found, "Probably no useful difference")
    said(f"{cell}, nothing planted: benefit {helped:.2%}, harm {harmed:.2%}, no useful difference {none:.1%},"
         f" main covers {covered(found):.1%}, check {covered(found, 'check'):.1%}")  # fmt: skip
    assert helped < 0.05
    assert harmed < 0.05


@pytest.mark.prove
@pytest.mark.parametrize("days", [2.0, 5.0])
@pytest.mark.parametrize("cell", ["40 schools", "10 groups", "7 year groups"])
def test_planted_days_are_covered(cell: str, days: float) -> None:
    """Seven year groups need 93% only: so few courses count with fewer degrees of freedom than they have."""
    found = [run(Shape(CELLS[cell], at_once=days / DAYS), seed) for seed in range(SEEDS)]
    helped = share(found, "Probably helped")
    said(f"{cell}, {days:g} days planted: main covers {covered(found):.1%}, check {covered(found, 'check'):.1%},"
         f" benefit {helped:.1%}")  # fmt: skip
    assert 0.93 <= covered(found) <= (1 if cell == "7 year groups" else 0.97)


@pytest.mark.prove
@pytest.mark.parametrize("cell", ["40 schools", "10 groups"])
def test_what_grows_is_covered_and_two_way_fixed_effects_is_biased(cell: str) -> None:
    found = [run(Shape(CELLS[cell], growing=GROWING), seed) for seed in range(SEEDS)]
    two_way = float(np.mean([outcome.two_way for outcome in found]))
    main = float(np.mean([outcome.main.value for outcome in found]))
    said(f"{cell}, growing: really {found[0].realised:.2f} days, main {main:.2f}, two-way {two_way:.2f};"
         f" main covers {covered(found):.1%}")  # fmt: skip
    assert 0.93 <= covered(found) <= 0.97
    assert main == pytest.approx(found[0].realised, abs=0.1)
    assert two_way < found[0].realised - 0.3


def rejected(rows: list[Row]) -> float:
    return sum(row.low > 0 or row.high < 0 for row in rows) / len(rows)


@pytest.mark.prove
@pytest.mark.parametrize("whole_schools", [True, False])
def test_year_groups_of_a_school_are_not_taken_as_unrelated(whole_schools: bool) -> None:
    pairs = [year_groups(seed, whole_schools) for seed in range(SEEDS)]
    page, unrelated = (rejected([pair[side] for pair in pairs]) for side in (0, 1))
    what = "whole schools" if whole_schools else "year groups"
    said(f"starts dealt out to {what}: wrongly beyond chance {page:.1%}; each year group by itself {unrelated:.1%}")
    assert page <= most(SEEDS, 0.05)
    assert not whole_schools or unrelated > 0.15


@pytest.mark.parametrize("cell", CELLS)
def test_nothing_planted_quick_cut(cell: str) -> None:
    found = [run(Shape(CELLS[cell]), seed) for seed in range(60)]
    assert share(found, "Probably helped") <= most(60, 0.02)
    assert share(found, "May have done harm") <= most(60, 0.02)
    assert covered(found) >= 1 - most(60, 0.05)


def test_growing_quick_cut() -> None:
    found = [run(Shape(SCHOOLS, growing=GROWING), seed) for seed in range(60)]
    assert covered(found) >= 1 - most(60, 0.05)
    assert np.mean([outcome.two_way for outcome in found]) < found[0].realised - 0.3


def test_whole_schools_quick_cut() -> None:
    pairs = [year_groups(seed, whole_schools=True) for seed in range(60)]
    assert rejected([page for page, _ in pairs]) <= most(60, 0.05)
    assert rejected([unrelated for _, unrelated in pairs]) > 0.15
