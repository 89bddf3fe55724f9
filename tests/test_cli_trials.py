"""`attend randomise` and `attend power` as a person meets them."""

import os
import subprocess
import sys
from pathlib import Path

from trial_study import keys, trial, write_trial

ASSUMED = ", assumed: {pupils: 400, clusters: 10, icc: 0.15, r2_pupil: 0.3}"
DRAW = "randomise: {trial: t2, arms: [calls, usual], block: [school]}\n"


def attend(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    code = "from attendlib.cli import main; main()"
    command = [sys.executable, "-c", code, *(str(argument) for argument in arguments)]
    environment = dict(os.environ) | {"XDG_STATE_HOME": str(folder / "state"), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_power_then_a_draw_then_no_second_draw(tmp_path: Path) -> None:
    frame = trial("cluster", schools=10, each=40, effect=0.2)
    study = write_trial(tmp_path, frame, keys("cluster", "absence", "ks2", ASSUMED))
    found = attend(tmp_path, "power", study)
    assert (found.returncode, found.stderr) == (0, "")
    assumed, data = found.stdout.splitlines()
    assert assumed.startswith("each arm, as the protocol assumed (400 pupils in 10 clusters or schools): 0.")
    assert "calls, by those allocated, and their outcomes: ICC 0." in data
    assert "days a year can be detected with 80% power" in data

    with study.open("a", encoding="utf-8") as file:
        file.write(DRAW)
    drawn = attend(tmp_path, "randomise", study)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert drawn.stdout.splitlines()[:2] == ["calls: 200 pupils", "usual: 200 pupils"]
    again = attend(tmp_path, "randomise", study)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == (
        "allocation-t2.log.json: the trial t2 was drawn before. Keep to it. To draw again, name a new trial and say in"
        " the study file why.\n"
    )


def test_power_without_an_allocation_says_what_it_can_and_what_is_missing(tmp_path: Path) -> None:
    study = write_trial(tmp_path, trial("cluster"), keys("cluster", more=ASSUMED))
    (tmp_path / "data" / "allocation.csv").unlink()
    found = attend(tmp_path, "power", study)
    assert found.returncode == 2
    assert found.stdout.startswith("each arm, as the protocol assumed")
    assert found.stderr.startswith("allocation.csv: the table is missing; trial_evaluation needs it.")


def test_a_wrong_study_is_said_once(tmp_path: Path) -> None:
    found = attend(tmp_path, "power", tmp_path / "nowhere.yml")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == "nowhere.yml: there is no such study file. Check the name and the folder.\n"
