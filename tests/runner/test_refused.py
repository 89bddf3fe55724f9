"""What is wrong with a study or its data: exit 2, one clear message for each problem, and nothing is run."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from stub_trust import write_stub

from attendlib.cli import main

CALENDAR = "academic_year,half_term,start_date,end_date\n2024/25,1,2024-09-02,2024-10-25\n"
MARKS = "pupil,school,date,session,code\nPUPIL90001,100001,2024-09-10,AM,/\nPUPIL90001,100001,2024-09-10,PM,QQ\n"


def written(place: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / place).write_text(text, encoding="utf-8") and None


def added(place: str, text: str) -> Callable[[Path], None]:
    def add(folder: Path) -> None:
        with (folder / place).open("a", encoding="utf-8") as file:
            file.write(text)

    return add


def marks_with_an_unknown_code(folder: Path) -> None:
    (folder / "data" / "attendance.csv").unlink()
    written("data/calendar.csv", CALENDAR)(folder)
    written("data/marks.csv", MARKS)(folder)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (added("params/stub.yml", "shcools: all\n"), ("stub.yml", "`shcools`", "Did you mean `schools`?")),
        (lambda folder: (folder / "data/pupils.csv").unlink(), ("pupils.csv", "missing", "Add it")),
        (marks_with_an_unknown_code, ("marks.csv, column code: 1 row", "does not exist", "QQ")),
        (added("data/pupils.csv", "PUPIL90001,100001,2024/25,3\n"), ("pupils.csv: 2 rows", "Keep one row")),
        (added("params/stub.yml", 'schools: ["100001", "999999"]\n'), ("stub.yml", "999999, not in the data")),
        (lambda folder: (folder / "params/probe.ipynb").unlink(), ("probe.ipynb", "no such notebook")),
    ],
    ids=["unknown key", "missing table", "unknown code", "duplicate pupils", "school not in data", "no notebook"],
)
def test_it_is_said_in_one_message_and_nothing_is_run(harm, says, tmp_path, monkeypatch, capsys) -> None:
    study = write_stub(tmp_path)
    harm(tmp_path)
    monkeypatch.setattr(sys, "argv", ["attend", "run", str(study), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as stopped:
        main()
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert all(part in printed.err for part in says), printed.err
    assert "PUPIL" not in printed.err
    assert str(tmp_path) not in printed.err
    assert not (tmp_path / "out").exists()
