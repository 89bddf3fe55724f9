"""England's steps from one year group to the next, added up again from DfE's own bands."""

import csv
from collections import defaultdict

import pytest
from shared import shared

from attendlib.facts.moves import national_absence_moves, national_persistent_moves

FSM = {"Eligible": "fsm=1", "Not Eligible": "fsm=0"}
SEX = {"Female": "sex=F", "Male": "sex=M"}
# The same cohorts a year apart as the notes print them: Year 6 and Year 7, percent, one decimal.
PUBLISHED = {
    ("2016/17", ""): (8.1, 10.2), ("2016/17", "fsm=1"): (18.0, 23.5), ("2016/17", "fsm=0"): (6.0, 7.7),
    ("2017/18", ""): (8.5, 10.0), ("2017/18", "fsm=1"): (18.9, 22.8), ("2017/18", "fsm=0"): (6.4, 7.2),
    ("2021/22", ""): (17.9, 20.2), ("2021/22", "fsm=1"): (30.4, 37.2), ("2021/22", "fsm=0"): (13.4, 13.9),
}  # fmt: skip


def persistent_pct() -> dict[tuple[str, int, str], float]:
    """Percent of enrolments in the bands from 10%, by year, year group and group, all school types."""
    sums: dict[tuple[str, int, str], list[int]] = defaultdict(lambda: [0, 0])
    with shared("dfe/absence_bands_national.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            bands = [int(value) for name, value in row.items() if name.startswith("b")]
            year = f"{row['time_period'][:4]}/{row['time_period'][4:]}"
            for group in ("", FSM.get(row["fsm_eligible"]), SEX.get(row["gender"])):
                if group is not None:
                    total = sums[year, int(row["NCyearActual"]), group]
                    total[0] += sum(bands[2:])
                    total[1] += sum(bands)
    return {key: 100 * counted / n for key, (counted, n) in sums.items()}


def test_every_step_is_dfes_bands_added_up() -> None:
    found = persistent_pct()
    for before in range(1, 11):
        for move in national_persistent_moves(before, before + 1):
            assert move.before_pct == pytest.approx(found[move.earlier, before, move.group], abs=5e-4)
            assert move.after_pct == pytest.approx(found[move.year, before + 1, move.group], abs=5e-4)


def test_the_move_to_secondary_as_published() -> None:
    moves = {(move.earlier, move.group): move for move in national_persistent_moves(6, 7)}
    for key, (before, after) in PUBLISHED.items():
        assert (round(moves[key].before_pct, 1), round(moves[key].after_pct, 1)) == (before, after)


def test_the_linked_pupils_and_no_other_step() -> None:
    assert {m.group: round(m.after_pct - m.before_pct, 1) for m in national_absence_moves(6, 7)} == {
        "fsm6=0": 0.2, "fsm6=1": 2.0,
    }  # fmt: skip
    assert national_absence_moves(7, 8) == ()
    assert national_persistent_moves(0, 1) == ()
