"""No report knows of another: in parallel, on every engine, nothing seeded in one school reaches another's page."""

import csv
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from stub_trust import SCHOOLS, notebook, write_stub

from attendlib.intake.store import ensure_store
from attendlib.intake.study import read_study
from attendlib.records.report import RECORD_MIME
from attendlib.records.study import ALL
from attendlib.runner.batch import run, todo
from attendlib.runner.plan import make_plan
from attendlib.runner.work import How

# Each report leaves its school's number wherever a process, folder or library could keep it, and shows all it finds.
LEAVE = """
import builtins, json, os, pathlib
from IPython.display import display

number = str(int(school) * 7919 % 1_000_003 + 5_000_000)
found = [os.environ.get("NUMBER", ""), getattr(builtins, "number", ""), getattr(json, "number", "")]
found += [path.read_text() for path in pathlib.Path.cwd().glob("*.number")]
found += [get_ipython().db.get("autorestore/number", "")]  # where %store keeps what later notebooks may have
get_ipython().db["autorestore/number"] = number
found += [str(value) for value in get_ipython().history_manager.input_hist_raw if "secret" in value]
extensions = pathlib.Path(get_ipython().ipython_dir) / "extensions"
found += [path.read_text() for path in extensions.glob("*.py")]
extensions.mkdir(exist_ok=True)
(extensions / f"left{school}.py").write_text(number)
os.environ["NUMBER"] = builtins.number = json.number = number
pathlib.Path(school + ".number").write_text(number)
record = {"question": "q", "headline": True, "status": "done", "title": "T",
          "sentences": ["Mine is " + number + "." + " ".join(found)]}
display({"application/vnd.attendlib.record+json": record, "text/html": "<p>" + number + "</p>", "text/plain": "x"},
        raw=True)
"""


# Where the pupils of a secondary school came from: the one table of our notebooks that names other schools.
OTHERS_NAMED = re.compile(r"<caption[^>]*>By school before the move.*?</table>", re.DOTALL)

LIKE_A_PUPIL = re.compile(r"(?=(s[0-9a-f]{9}|[0-9a-f]{16}))")  # at any place: in JSON a new line is a letter

SHARED = (  # how titles and sentences begin that may well be the same for several schools
    "All schools together", "Alike means", "Behind the verdict", "Cannot tell", "Expected from", "One cohort",
    "This question does not apply here", "This school only",
)  # fmt: skip


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


def text_of(place: Path, kind: str) -> str:
    """All a school's files of one kind, as they are read: `&amp;` is `&`. Without the tables meant to name others."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(place.glob(f"*.{kind}")))
    return html.unescape(OTHERS_NAMED.sub("", text))


def said_in(place: Path) -> set[str]:
    """Titles and sentences of the records in a school's saved notebooks, but for those that others may share."""
    saved = [json.loads(path.read_text(encoding="utf-8")) for path in place.glob("*.ipynb")]
    shown = [output["data"] for each in saved for cell in each["cells"] for output in cell.get("outputs", [])]
    records = [data[RECORD_MIME] for data in shown if RECORD_MIME in data]
    said = {text for record in records for text in (record["title"], *record["sentences"])}
    return {text for text in said if not text.startswith(SHARED)}


def figures_in(out: Path) -> dict[str, set[str]]:
    """The figures of results.csv about one school only, by school, long enough to be no other's by chance."""
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scope"] == "school" and len(row["value"]) > 8]
    return {school: {row["value"] for row in rows if row["school"] == school} for school in {r["school"] for r in rows}}


def identifiers_of(trust) -> set[str]:
    """Every pupil of the data as written there and, under its pseudonym, in the store; in small letters."""
    study_file = read_study(trust.study)
    with (study_file.data_folder / "pupils.csv").open(encoding="utf-8", newline="") as file:
        raw = {row["pupil"].lower() for row in csv.DictReader(file)}
    stored = pd.read_parquet(ensure_store(study_file).folder / "pupils", columns=["pupil"])["pupil"].unique()
    assert len(stored) == len(raw)
    return raw | set(stored)


def assert_each_in_its_own_alone(texts: Mapping[str, str], own: Mapping[str, set[str]], least: int) -> None:
    """Each of a school's strings, at least so many, stands in its own text, or the search elsewhere would be vain."""
    assert texts.keys() == own.keys()
    for school, strings in own.items():
        assert len(strings) >= least, school
        stand = {(other, string) for other, text in texts.items() for string in strings if string in text}
        assert stand == {(school, string) for string in strings}


@pytest.mark.prove
def test_no_page_holds_another_school_or_any_pupil_and_engines_give_the_same_bytes(trust, tmp_path) -> None:
    """On the invented trust and our own notebooks: in pages names and sentences, in notebooks the figures as saved."""
    out = pages_of(trust, tmp_path / "forked", "forked")
    names = {job.school: job.school_name for job in make_plan(read_study(trust.study)).jobs if job.school != ALL}
    pages = {school: text_of(out / school, "html") for school in names}
    notebooks = {school: text_of(out / school, "ipynb") for school in names}
    assert_each_in_its_own_alone(pages, {school: {name} for school, name in names.items()}, 1)
    assert_each_in_its_own_alone(pages, {school: said_in(out / school) for school in names}, 5)
    saved = {school: {f for f in own if f in notebooks[school]} for school, own in figures_in(out).items()}
    assert_each_in_its_own_alone(notebooks, saved, 10)
    for school in names:  # in pages alone: the notebook's default school is in its source
        assert not {other for other in names.keys() - {school} if other in pages[school]}, school
    pupils = identifiers_of(trust)
    assert len(pupils) > 5000
    assert all(LIKE_A_PUPIL.findall(name)[0] == name for name in pupils)
    for path in filter(Path.is_file, out.rglob("*")):
        assert pupils.isdisjoint(LIKE_A_PUPIL.findall(path.read_text(encoding="utf-8").lower())), path
    other = pages_of(trust, tmp_path / "ordinary", "ordinary")
    for path in out.rglob("*.*"):
        place = path.relative_to(out)
        if path.is_file() and ".attend" not in place.parts and path.name != "manifest.json":
            assert (other / place).read_bytes() == path.read_bytes(), place
