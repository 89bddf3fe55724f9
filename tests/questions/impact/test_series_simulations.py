"""What the rule says of invented courses whose truth is known: by half-term and week, beside each comparison.

`make prove` runs 2,000 seeds a cell, none of them among the first 2,000, by which the rule was chosen; the quick cut
runs the same code on a few, with bounds a sound rule breaks less than once in a thousand runs (the seeds are fixed, so
a run that passes always passes).
"""

import sys
from collections import Counter

import pytest
from scipy.stats import binom
from series_studies import Shape, covers, run

from attendlib.questions.impact.observed import NATIONAL, SAME_SCHOOL

HELPED, HARM = "Probably helped", "May have done harm"
NULLS = {
    "half-terms, other schools": Shape(),
    "half-terms, year groups": Shape(comparison=SAME_SCHOOL),
    "half-terms, four years": Shape(years=4),
    "weeks, other schools": Shape(period="week"),
    "weeks, year groups": Shape(period="week", comparison=SAME_SCHOOL),
    "autumn weeks, England": Shape(period="week", comparison=NATIONAL, years=3),
}
# A trend of the school's own misleads the check, a bad spell before the start misleads main: together neither decides,
# and where that spell was the worst held from before a check fails.
TRENDS = {
    "half-terms, falling a point a year by itself": Shape(trend=-1.0),
    "half-terms, rising a point a year by itself": Shape(trend=1.0),
}
SPELLS = {
    "half-terms, begun after the worst spell of ten": Shape(worst=True),
    "half-terms, year groups, begun after the worst spell of ten": Shape(comparison=SAME_SCHOOL, worst=True),
    "weeks, begun after the worst spell of ten": Shape(period="week", worst=True),
}
MISLEADING = {**TRENDS, **SPELLS}
PLANTED = {
    "half-terms, 2.5 points": Shape(points=2.5),
    "weeks, 2.5 points": Shape(period="week", points=2.5),
}


def said(text: str) -> None:
    """The measured figures, whatever pytest does with output."""
    sys.__stdout__.write(f"\n{text}")


def most(n: int, rate: float) -> int:
    """How many of n studies at `rate` are exceeded less than once in a thousand."""
    return int(binom.ppf(0.999, n, rate))


@pytest.mark.prove
@pytest.mark.parametrize("name", [*NULLS, *MISLEADING, *PLANTED])
def test_hardly_ever_wrong_and_covered(name: str) -> None:
    shape = {**NULLS, **MISLEADING, **PLANTED}[name]
    found = [run(shape, seed) for seed in range(2000, 4000)]
    verdicts = Counter(outcome.verdict for outcome in found)
    covered = sum(covers(outcome.main, shape.points) for outcome in found) / len(found)
    helped, harmed = verdicts[HELPED] / len(found), verdicts[HARM] / len(found)
    sound = [outcome for outcome in found if not outcome.after_worst]
    covered_sound = sum(covers(outcome.main, shape.points) for outcome in sound) / len(sound)
    said(
        f"{name}: covered {covered:.1%}, helped {helped:.1%}, harm {harmed:.1%}, {dict(verdicts)};"
        f" after the worst spell held {1 - len(sound) / len(found):.1%}, the others covered {covered_sound:.1%}"
    )
    assert harmed < 0.05
    if name in PLANTED:
        assert helped > 0.5
    else:
        assert helped < 0.05
    assert covered_sound >= 0.93
    if name not in SPELLS:
        assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize("name", NULLS)
def test_quick_cut(name: str) -> None:
    found = [run(NULLS[name], seed) for seed in range(15)]
    verdicts = Counter(outcome.verdict for outcome in found)
    assert verdicts[HELPED] <= most(15, 0.02)
    assert verdicts[HARM] <= most(15, 0.02)
    covered = sum(covers(outcome.main, 0.0) for outcome in found)
    assert binom.ppf(0.001, 15, 0.95) <= covered


@pytest.mark.parametrize("name", MISLEADING)
def test_misleading_quick_cut(name: str) -> None:
    verdicts = Counter(run(MISLEADING[name], seed).verdict for seed in range(8))
    assert verdicts[HELPED] <= most(8, 0.02)
    assert verdicts[HARM] <= most(8, 0.02)


def test_a_large_planted_difference_is_found() -> None:
    found = [run(PLANTED["half-terms, 2.5 points"], seed) for seed in range(15)]
    assert Counter(outcome.verdict for outcome in found)[HELPED] > 7
    assert binom.ppf(0.001, 15, 0.95) <= sum(covers(outcome.main, 2.5) for outcome in found)
