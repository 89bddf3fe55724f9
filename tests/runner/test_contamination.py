"""No report knows of another: in parallel, on every engine, nothing seeded in one school reaches another's page."""

import csv
import json
from pathlib import Path

import pytest
from stub_trust import SCHOOLS, notebook, write_stub

from attendlib.intake.study import read_study
from attendlib.runner.batch import run, todo
from attendlib.runner.plan import make_plan
from attendlib.runner.work import How

# Each report leaves its school's number wherever a process, folder or library could keep it, and shows all it finds.
LEAVE = """
import builtins, json, os, pathlib, tempfile
from IPython.display import display

number = str(int(school) * 7919 % 1_000_003 + 5_000_000)
found = [os.environ.get("NUMBER", ""), getattr(builtins, "number", ""), getattr(json, "number", "")]
found += [path.read_text() for path in pathlib.Path.cwd().glob("*.number")]
found += [str(value) for value in get_ipython().history_manager.input_hist_raw if "secret" in value]
os.environ["NUMBER"] = builtins.number = json.number = number
pathlib.Path(school + ".number").write_text(number)
record = {"question": "q", "headline": True, "status": "done", "title": "T",
          "sentences": ["Mine is " + number + "." + " ".join(found)]}
display({"application/vnd.attendlib.record+json": record, "text/html": "<p>" + number + "</p>", "text/plain": "x"},
        raw=True)
"""


def number_of(school: str) -> str:
    return str(int(school) * 7919 % 1_000_003 + 5_000_000)


@pytest.mark.parametrize("kind", ["forked", "ordinary"])
def test_what_one_report_leaves_no_other_finds(tmp_path, kind) -> None:
    study = write_stub(tmp_path / "trust")
    made = notebook(("code", 'school = "all"\nwords = "x"', ["parameters"]), ("code", LEAVE))
    (study.parent / "probe.ipynb").write_text(json.dumps(made), encoding="utf-8")
    plan, out = make_plan(read_study(study)), tmp_path / "out"
    ran = run(plan, todo(plan.jobs, out), out, lambda made: None, How(workers=4, kind=kind))
    assert [(entry.status, entry.reason) for entry in ran.entries] == [("done", "")] * len(SCHOOLS)
    for school in SCHOOLS:
        for page in (out / school).iterdir():
            text = page.read_text(encoding="utf-8")
            assert number_of(school) in text
            others = SCHOOLS.keys() - {school}
            assert not [other for other in others if number_of(other) in text or SCHOOLS[other] in text], page


def pages_of(trust, out: Path, kind: str) -> Path:
    plan = make_plan(read_study(trust.study))
    ran = run(plan, todo(plan.jobs, out), out, lambda made: None, How(workers=4, kind=kind))
    assert not ran.failed, [(entry.school, entry.notebook, entry.reason) for entry in ran.entries if entry.reason]
    return out


@pytest.mark.prove
def test_no_page_holds_another_schools_name_or_figure_and_engines_give_the_same_bytes(trust, tmp_path) -> None:
    """On the invented trust and our own notebooks. A figure is one of results.csv about a single school."""
    out = pages_of(trust, tmp_path / "forked", "forked")
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scope"] == "school" and len(row["value"]) > 8]
    names = {path.name for path in out.iterdir() if path.is_dir() and path.name.isdigit()}
    own = {school: {row["value"] for row in rows if row["school"] == school} for school in names}
    assert sum(map(len, own.values())) > 50
    for school in names:
        elsewhere = set().union(*(own[other] for other in names - {school})) - own[school]
        for page in (out / school).glob("*.html"):  # what people read; the notebook's default school is in its source
            text = page.read_text(encoding="utf-8")
            assert not {other for other in names - {school} if other in text}, page
        for page in (out / school).iterdir():
            text = page.read_text(encoding="utf-8")
            assert not {value for value in elsewhere if value in text}, page
    other = pages_of(trust, tmp_path / "ordinary", "ordinary")
    for path in out.rglob("*.*"):
        place = path.relative_to(out)
        if path.is_file() and ".attend" not in place.parts and path.name != "manifest.json":
            assert (other / place).read_bytes() == path.read_bytes(), place
