"""Claims re-derived, and the toolkit's example: which of its printed shares can be true together."""

import numpy as np
import pandas as pd
import pytest

from attendlib.questions.impact.claims import DIFFERENT, REPRODUCED, UNREADABLE, Sums, check_claim
from attendlib.questions.impact.together import (
    PERSISTENT,
    SCHOOL,
    YEAR,
    School,
    can_hold,
    holding_together,
)


def school_of(group: int = 63, late: int = 28) -> Sums:
    """A year group of 210 in a school of 1,050: `group` referred, `late` of them persistently absent."""
    n = 1050
    absent = np.full(n, 10)
    absent[:group] = 20
    absent[:late] = 60
    absent[300:500] = 80
    every = pd.DataFrame(
        {"pupil": [f"p{i}" for i in range(n)], "year_group": 7 + np.arange(n) // 210, "absent": absent, "possible": 380}
    ).assign(treated=(np.arange(n) < group).astype(float), engaged=1.0, status="started")
    own = every[every["treated"] == 1].assign(window=0.2, outcome=np.where(np.arange(group) < 50, 0.1, 0.3))
    return Sums(every, own, "2024/25", "autumn and spring")


SAYS = [
    # claim, result, numerator, denominator, unit
    ("28 of 63", REPRODUCED, 28, 63, "pupils"),
    ("28 of 63 pupils were persistently absent", REPRODUCED, 28, 63, "pupils"),
    ("29 of 63", DIFFERENT, 28, 63, "pupils"),
    ("79% improved", REPRODUCED, 50, 63, "pupils"),
    ("79.4% of mentored pupils improved", REPRODUCED, 50, 63, "pupils"),
    ("82% improved", DIFFERENT, 50, 63, "pupils"),
    ("61.8% of Year 7 absence", REPRODUCED, 28 * 60 + 35 * 20, 28 * 60 + 35 * 20 + 147 * 10, "sessions"),
    ("61.8% of Year 7's absence", REPRODUCED, 2380, 3850, "sessions"),
    ("9.0% of the school's absence", DIFFERENT, 2380, 2380 + 16000 + 787 * 10, "sessions"),
    ("12.3% of the school's persistent absence", REPRODUCED, 28, 228, "pupils"),
    ("100.0% of Year 7 persistent absence", REPRODUCED, 28, 28, "pupils"),
]


@pytest.mark.parametrize(("says", "result", "part", "whole", "unit"), SAYS)
def test_a_claim_comes_with_numerator_denominator_unit_and_period(
    says: str, result: str, part: int, whole: int, unit: str
) -> None:
    share, status = check_claim(says, school_of())
    assert status == result
    assert share is not None
    assert (share.part, share.whole, share.unit) == (part, whole, unit)
    assert share.period


@pytest.mark.parametrize("says", ["Attendance soared", "Pupils loved it", "up by 3 points"])
def test_a_claim_without_a_share_says_what_is_missing(says: str) -> None:
    share, status = check_claim(says, school_of())
    assert share is None
    assert status.startswith(UNREADABLE)
    assert "N of M" in status


def test_a_year_group_that_is_not_there_cannot_be_divided_by() -> None:
    assert check_claim("5% of Year 13 absence", school_of())[1].startswith(UNREADABLE)


TOOLKIT = {YEAR: 23.1, SCHOOL: 3.3, PERSISTENT: 10.2}


def example(**known: float) -> School:
    """63 pupils of Year 7, 28 of them persistently absent, in a school of 1,200 with seven year groups."""
    return School(group=63, group_persistent=28, year=210, school=1200, **known)  # type: ignore[arg-type]


def test_the_toolkits_shares_fit_together_only_where_absence_is_high_enough() -> None:
    """28 pupils at 10% or more miss 1,064 sessions at least; 3.3% of a school's absence then makes 32,242 or so."""
    fewest = 28 * 38 / 0.0335 / (1200 * 380) * 100
    assert fewest == pytest.approx(6.97, abs=0.01)
    assert can_hold(example(mean_pct=9.0), TOOLKIT)
    assert not can_hold(example(mean_pct=6.5), TOOLKIT)
    assert holding_together(example(mean_pct=6.5), TOOLKIT) == ((PERSISTENT, YEAR),)


def test_a_synthetic_school_with_the_toolkits_very_shares() -> None:
    """The example rebuilt pupil by pupil: 63 and 28, 23.1%, 3.3% and 10.2% all hold in it."""
    late, few = np.full(28, 40), np.full(35, 4)
    group = np.concatenate([late, few])  # 1,260 sessions
    rest_of_year = _spread(5455 - group.sum(), 147, 30)
    rest = _spread(38182 - 5455, 990, 246 - int((rest_of_year >= 38).sum()))
    year, school = np.concatenate([group, rest_of_year]), np.concatenate([group, rest_of_year, rest])
    assert len(school) == 1200
    assert round(100 * group.sum() / year.sum(), 1) == 23.1
    assert round(100 * group.sum() / school.sum(), 1) == 3.3
    assert round(100 * 28 / int((school >= 38).sum()), 1) == 10.2
    assert can_hold(example(mean_pct=round(100 * school.sum() / (1200 * 380), 1)), TOOLKIT)


def _spread(total: int, n: int, late: int) -> np.ndarray:
    """`n` pupils with `total` sessions, `late` of them at 38 or more and the others under it."""
    absent = np.concatenate([np.full(late, 38), np.zeros(n - late, dtype=int)])
    others = (total - absent.sum()) // 2 // (n - late)
    absent[late:] = min(others, 37)
    left = total - absent.sum()
    absent[:late] += left // late
    absent[: left % late] += 1
    assert absent.sum() == total
    assert (absent >= 38).sum() == late
    return absent


@pytest.mark.parametrize(
    ("school", "shares", "holds"),
    [
        (School(10, 11, 20, 30), {}, False),  # more persistently absent than there are
        (School(10, 2, 10, 10), {SCHOOL: 50.0}, False),  # the group is the whole school
        (School(10, 2, 10, 10), {SCHOOL: 100.0, YEAR: 100.0}, True),
        (School(10, 2, 20, 20), {YEAR: 40.0, SCHOOL: 30.0}, False),  # the year is the whole school
        (School(10, 2, 20, 40), {PERSISTENT: 3.0}, False),  # 2 would be 3% of 67 pupils
    ],
)
def test_shares_that_contradict_each_other(school: School, shares: dict[str, float], holds: bool) -> None:
    assert can_hold(school, shares) is holds
