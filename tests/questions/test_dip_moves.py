"""Who enters the steps from one year group to the next, and whose sessions are known in part."""

import pandas as pd
import pytest

from attendlib.questions.dip.moves import _possible
from attendlib.questions.dip.year import COUNTED, Year


@pytest.mark.parametrize(("halves", "expected"), [((), [100.0, 0.0, 0.0]), ((1, 2), [40.0, 0.0, 0.0])])
def test_possible_sessions_known_at_one_of_two_schools_are_counted(
    halves: tuple[int, ...], expected: list[float]
) -> None:
    """One pupil is known at one of two schools, one at none, and one is not there at all."""
    stays = [("p1", "s1", 1, 40), ("p1", "s1", 3, 60), ("p1", "s2", 1, None), ("p2", "s1", 1, None)]
    long = pd.DataFrame(stays, columns=["pupil", "school", "half_term", "possible"])
    long = long.astype({"possible": float}).assign(**dict.fromkeys(COUNTED[1:], 0.0))
    totals = long.groupby(["pupil", "school"], as_index=False)[list(COUNTED)].sum(min_count=1)
    year = Year("2023/24", pd.DataFrame(), long, totals, True)
    assert _possible(year, pd.Series(["p1", "p2", "p3"]), halves).tolist() == expected
