"""`attend randomise` and `attend power` as a person meets them."""

from pathlib import Path

from trial_study import keys, trial, write_trial

ASSUMED = ", assumed: {pupils: 400, clusters: 10, icc: 0.15, r2_pupil: 0.3}"
DRAW = "randomise: {trial: t2, arms: [calls, usual], block: [school]}\n"


def test_power_then_a_draw_then_no_second_draw(tmp_path: Path, here) -> None:
    frame = trial("cluster", schools=10, each=40, effect=0.2)
    study = write_trial(tmp_path, frame, keys("cluster", "absence", "ks2", ASSUMED))
    found = here("power", study)
    assert (found.returncode, found.stderr) == (0, "")
    assumed, data = found.stdout.splitlines()
    assert assumed.startswith("each arm, as the protocol assumed (400 pupils in 10 clusters or schools): 0.")
    assert "calls, by those allocated, and their outcomes: ICC 0." in data
    assert "days a year can be detected with 80% power" in data

    with study.open("a", encoding="utf-8") as file:
        file.write(DRAW)
    drawn = here("randomise", study)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert drawn.stdout.splitlines()[:2] == ["calls: 200 pupils", "usual: 200 pupils"]
    again = here("randomise", study)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == (
        "allocation-t2.log.json: the trial t2 was drawn before. Keep to it. To draw again, name a new trial and say in"
        " the study file why.\n"
    )


def test_power_without_an_allocation_says_what_it_can_and_what_is_missing(tmp_path: Path, here) -> None:
    study = write_trial(tmp_path, trial("cluster"), keys("cluster", more=ASSUMED))
    (tmp_path / "data" / "allocation.csv").unlink()
    found = here("power", study)
    assert found.returncode == 2
    assert found.stdout.startswith("each arm, as the protocol assumed")
    assert found.stderr.startswith("allocation.csv: the table is missing; trial_evaluation needs it.")


def test_a_wrong_study_is_said_once(tmp_path: Path, here) -> None:
    found = here("power", tmp_path / "nowhere.yml")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == "nowhere.yml: there is no such study file. Check the name and the folder.\n"
