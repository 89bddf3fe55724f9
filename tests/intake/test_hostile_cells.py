"""Examples of every table with something spoilt at random: told or taken in, never a crash, never an identifier."""

import random
import re
from pathlib import Path

import pytest
from smalltrust import study
from test_data_format import examples

from attendlib.intake.store import ensure_store
from attendlib.intake.tables import check_study

JUNK = (
    "", "NULL", "nan", "inf", "1e400", "-1", "0", "99999999999", "3.5", "2024-02-30", "2024-09-02", "1999/00", "'",
    '""', "a;b", "P0001", "P0002", "999001", "Ünï", "\u00a0", "\u200b", "=1+1", "--", "#", "J", "J1", "year", "7", "AM",
    "x" * 300, "epoch", "infinity", "{}", "\\", "all", "../x", "2024-09-02 (BC)", "1_0", "\u0661",
)  # fmt: skip
IDENTIFIER = re.compile(r"P000[12]")


def spoilt(tables: dict[str, str], draw: random.Random) -> dict[str, str]:
    """The tables with one changed: a cell, a row more or less, two columns swapped, a column or all of it gone."""
    name = draw.choice(list(tables))
    lines = tables[name].splitlines()
    row = draw.randrange(1, len(lines))
    cells = [line.split(",") for line in lines]
    one, two = draw.sample(range(len(cells[0])), 2)
    match draw.choice(("cell",) * 5 + ("twice", "less", "swap", "column", "gone")):
        case "cell":
            cells[row][one] = draw.choice(JUNK)
        case "twice":
            cells.insert(row, cells[row])
        case "less":
            del cells[row]
        case "swap":
            cells[0][one], cells[0][two] = cells[0][two], cells[0][one]
        case "column":
            cells = [line[:one] + line[one + 1 :] for line in cells]
        case "gone":
            cells = []
    return {**tables, name: "".join(",".join(line) + "\n" for line in cells)}


def try_once(folder: Path, seed: int) -> None:
    draw = random.Random(seed)
    small = study(folder, spoilt(examples(), draw))
    found = check_study(small)
    assert not IDENTIFIER.search(" ".join([*map(str, found.problems), *found.notes])), seed
    if not found.problems:
        ensure_store(small)


@pytest.mark.parametrize("seed", range(12))
def test_told_or_taken_in(tmp_path: Path, seed: int) -> None:
    try_once(tmp_path, seed)


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(100, 400))
def test_told_or_taken_in_300_times(tmp_path: Path, seed: int) -> None:
    try_once(tmp_path, seed)
