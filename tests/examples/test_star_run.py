"""Real pupils from end to end: the study of Project STAR run as a user runs it, every page read back."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from shared import shared

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-c", "from attendlib.cli import main; main()")
THREE = ("112038", "244764", "244806")  # one of ordinary size, the smallest and the largest in kindergarten


def star(folder: Path) -> Path:
    """The tidy folder and the study file beside it, as examples/star/README.md says."""
    source = shared("star/star_attendance.csv")
    make = [sys.executable, str(ROOT / "examples" / "star" / "make_tidy.py"), str(source), str(folder / "data/star")]
    subprocess.run(make, check=True, capture_output=True)
    (folder / "params").mkdir()
    study = shutil.copy(ROOT / "params" / "star.yml", folder / "params")
    with Path(study).open("a", encoding="utf-8") as file:
        file.write("key_file: ../key\n")
    return Path(study)


def run(study: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, "run", str(study), "--out", str(out), *more], capture_output=True, text=True)


def statuses(out: Path) -> dict[tuple[str, str], str]:
    reports = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["reports"]
    return {(each["school"], each["notebook"]): each["status"] for each in reports}


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def assert_pages(out: Path, schools: set[str]) -> None:
    """Each report asked for has a page and a link to it, or does not apply; a page with too few says so."""
    index = (out / "index.html").read_text(encoding="utf-8")
    for (school, notebook), status in statuses(out).items():
        if school in schools:
            assert status in ("done", "too_few", "not_applicable"), (school, notebook, status)
            page = out / school / f"{notebook}.html"
            assert f'href="{school}/{notebook}.html"' in index
            if status == "too_few":
                assert "oo few" in page.read_text(encoding="utf-8"), page


def test_three_real_schools(tmp_path) -> None:
    study, out = star(tmp_path), tmp_path / "out"
    done = run(study, out, *(part for school in THREE for part in ("--school", school)))
    assert done.returncode == 0, done.stderr
    assert_pages(out, set(THREE))
    assert {status for (school, _), status in statuses(out).items() if school not in THREE} == {"not_run"}
    assert any(row["value"] for row in rows(out) if row["notebook"] == "attainment_link" and row["scope"] == "school")


@pytest.mark.prove
def test_every_real_school_and_all_of_them_together(tmp_path) -> None:
    study, out = star(tmp_path), tmp_path / "out"
    done = run(study, out)
    assert done.returncode == 0, done.stderr
    found = statuses(out)
    # 79 schools in kindergarten; one more takes part from grade 1 on
    assert len({school for school, _ in found}) >= 80
    assert_pages(out, {school for school, _ in found})
    assert found["all", "intervention_impact"] == "done"
