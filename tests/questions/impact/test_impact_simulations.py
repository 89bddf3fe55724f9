"""What the rule says of invented studies whose truth is known: nothing planted, and two and five days planted.

`make prove` runs 500 studies a cell and 2,000 seeds an effect; the quick cut runs the same code on fewer, with bounds
a sound rule breaks less than once in a thousand runs (the seeds are fixed, so a run that passes always passes).
"""

from collections.abc import Callable

import pytest
from impact_studies import KINDS, Outcome, Shape, expected_above_zero, realised_days, run, study
from scipy.stats import binom

from attendlib.questions.impact.reach import reach_rows

SIDES = (30, 60, 100, 300)
CELLS = [(kind, side) for kind in KINDS for side in SIDES]


def share(outcomes: list[Outcome], verdict: str) -> float:
    return sum(outcome.verdict == verdict for outcome in outcomes) / len(outcomes)


@pytest.fixture
def said(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Notes measured figures for the summary at the end of a run."""
    return lambda text: record_property("measured", text)


def most(n: int, rate: float) -> float:
    """The share that n studies at `rate` exceed less than once in a thousand."""
    return float(binom.ppf(0.999, n, rate)) / n


@pytest.mark.prove
@pytest.mark.parametrize(("kind", "side"), CELLS)
def test_nothing_planted_hardly_ever_reads_as_benefit_or_harm(
    kind: str, side: int, said: Callable[[str], None]
) -> None:
    found = [run(Shape(side, kind), seed) for seed in range(500)]
    helped, harmed = share(found, "Probably helped"), share(found, "May have done harm")
    naive = sum(outcome.naive for outcome in found) / len(found)
    said(f"{kind}, {side} a side: benefit {helped:.1%}, harm {harmed:.1%}, before-after {naive:.1%}")
    assert helped < 0.05
    assert harmed < 0.05
    assert naive > 0.30 if kind == "trait" else naive > 0.70


@pytest.mark.parametrize(("kind", "side"), [(kind, side) for kind in KINDS for side in (30, 100)])
def test_nothing_planted_quick_cut(kind: str, side: int) -> None:
    found = [run(Shape(side, kind), seed) for seed in range(40)]
    assert share(found, "Probably helped") <= most(40, 0.02)
    assert share(found, "May have done harm") <= most(40, 0.02)


def test_before_and_after_alone_nearly_always_reads_as_benefit() -> None:
    found = [run(Shape(60, "recorded"), seed) for seed in range(25)]
    assert sum(outcome.naive for outcome in found) >= 20


@pytest.mark.prove
@pytest.mark.parametrize("days", [2.0, 5.0])
@pytest.mark.parametrize("side", [100, 300])
def test_planted_days_are_covered_and_found_as_often_as_foretold(
    days: float, side: int, said: Callable[[str], None]
) -> None:
    found = [run(Shape(side, "recorded", days), seed) for seed in range(2000)]
    covered = sum(o.main.low < o.realised < o.main.high for o in found) / len(found)
    above, foretold = sum(o.main.low > 0 for o in found) / len(found), expected_above_zero(found)
    said(f"{days:g} days, {side} a side: covered {covered:.1%}, above 0 {above:.1%}, foretold {foretold:.1%}")
    assert 0.93 <= covered <= 0.97
    assert abs(above - foretold) <= 0.03


def test_planted_days_quick_cut() -> None:
    found = [run(Shape(100, "recorded", 5.0), seed) for seed in range(120)]
    covered = sum(o.main.low < o.realised < o.main.high for o in found)
    assert binom.ppf(0.001, 120, 0.95) <= covered <= binom.ppf(0.999, 120, 0.95)


@pytest.mark.prove
def test_a_benefit_large_enough_is_found_in_four_studies_of_five(said: Callable[[str], None]) -> None:
    """The page's figure for the rule: planted, at least 80% of such studies read 'Probably helped'."""
    first = [run(Shape(300), seed) for seed in range(20)]
    needed = [reach_rows(o.main, o.check, 2.0, 0.75)[1].value for o in first]
    days = sum(value or 0.0 for value in needed) / len(needed)
    planted = next(p for p in (days, 1.2 * days, 1.4 * days, 1.6 * days) if realised(p) >= days)
    found = [run(Shape(300, "recorded", planted), seed) for seed in range(200)]
    said(f"{days:.1f} days: {share(found, 'Probably helped'):.1%} found, realised {realised(planted):.1f}")
    assert share(found, "Probably helped") >= 0.80


def realised(planted: float) -> float:
    """What is left of planted days once no pupil can miss fewer than none: the mean of ten studies."""
    return sum(realised_days(study(Shape(300, "recorded", planted), seed)) for seed in range(10)) / 10


@pytest.mark.prove
def test_the_known_weakness_a_baseline_nearer_than_the_outcome(said: Callable[[str], None]) -> None:
    """Referral on a passing bad spell, a near baseline: more false benefits than with a far one, hence the check."""
    near = [run(Shape(300, "shock", to_baseline=1.0, to_outcome=5.0), seed) for seed in range(500)]
    said(f"baseline near: benefit {share(near, 'Probably helped'):.1%}")
    far = [run(Shape(300, "shock"), seed) for seed in range(500)]
    assert share(near, "Probably helped") > share(far, "Probably helped")
