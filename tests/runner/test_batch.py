import csv
import json
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import nbformat
import pytest
from stub_trust import PUPIL, SCHOOLS, write_stub

from attendlib.export.scan import secrets
from attendlib.intake.study import read_study
from attendlib.runner import state
from attendlib.runner.batch import _logged, longest_first, run, todo
from attendlib.runner.kernels import Limits, StoppedError, kernels
from attendlib.runner.plan import make_plan
from attendlib.runner.report import Made, lost, make
from attendlib.runner.say import end_lines
from attendlib.runner.templates import read_notebook
from attendlib.runner.work import How, Todo

FULL = Path("/dev/full")
UNEXPECTED = "It stopped with an unexpected error (KeyError)."


def entries(stub) -> dict:
    return {entry.school: entry for entry in stub.ran.entries}


@pytest.mark.parametrize(
    ("school", "status", "reason"),
    [
        ("100001", "done", ""),
        ("100002", "failed", UNEXPECTED),
        ("100003", "too_few", ""),
        ("100004", "failed", "The notebook showed 2 headline records; it must show exactly one."),
        ("100005", "quarantined", "The page held pupil identifiers or pseudonyms and was not written."),
        ("100006", "failed", "There is no such outcome as maths9."),
        ("100007", "done", ""),
    ],
)
def test_one_failing_report_stops_nobody(stub, school, status, reason) -> None:
    entry = entries(stub)[school]
    assert (entry.status, entry.reason) == (status, reason)
    assert (stub.out / school / "probe.html").exists() == (status in ("done", "too_few"))
    assert stub.ran.failed


def test_the_index_says_which_failed_and_why_and_links_only_what_exists(stub) -> None:
    index = (stub.out / "index.html").read_text(encoding="utf-8")
    assert UNEXPECTED in index
    assert "There is no such outcome as maths9." in index
    for school in SCHOOLS:
        assert (f'href="{school}/probe.html"' in index) == (stub.out / school / "probe.html").exists()
    assert "Ash &amp; Elm &lt;Primary&gt;" in index
    assert index.index("Ash &amp;") < index.index(">Beech") < index.index(">Gorse")
    assert "Sentence one of 100001." in index
    assert "two, or &lt;three&gt;" in index
    assert "strike" in index


def test_results_hold_each_figure_once(stub) -> None:
    with (stub.out / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    seen = [(r["scope"], r["school"], r["group"], r["value"], r["low"], r["high"], r["n"], r["withheld"]) for r in rows]
    assert seen == [
        ("school", "100001", "", "1", "", "", "40", ""),
        ("all", "", "", "0.3333333333", "", "", "400", ""),
        ("school", "100003", "", "", "", "", "", "c"),
        ("school", "100007", "", "7", "", "", "40", ""),
        ("school", "100007", "fsm6=1", "8", "1e-12", "123456.789", "40", ""),
    ]
    assert {(r["study"], r["notebook"], r["estimate"], r["unit"]) for r in rows} == {("stub", "probe", "days", "days")}


def test_the_saved_notebook_is_the_template_and_our_outputs(stub) -> None:
    text = (stub.out / "100007" / "probe.ipynb").read_text(encoding="utf-8")
    saved = nbformat.reads(text, as_version=4)
    nbformat.validate(saved)
    template = read_notebook(stub.study.parent / "probe.ipynb")
    assert [cell.source for cell in saved.cells] == [cell["source"] for cell in template["cells"]]
    outputs = [output for cell in saved.cells for output in cell.get("outputs", [])]
    assert [output.output_type for output in outputs] == ["display_data"] * 3
    assert not any("own output" in str(output) for output in outputs)
    assert "papermill" not in text
    assert entries(stub)["100007"].left_out == 3


def test_no_file_holds_a_pupil_or_a_place(stub) -> None:
    files = [path for path in stub.out.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        text = path.read_text(encoding="utf-8")
        for secret in (PUPIL, str(Path.home()), str(Path.cwd()), str(stub.study.parent.parent), "Traceback"):
            assert secret not in text, path.name


def test_the_log_holds_the_traceback_for_the_user_alone(stub) -> None:
    assert stub.ran.log is not None
    assert PUPIL in stub.ran.log.read_text(encoding="utf-8")
    assert stub.ran.log.stat().st_mode & 0o077 == 0
    assert not stub.ran.log.is_relative_to(stub.out)


def test_what_a_second_run_needs(stub) -> None:
    needs = {item.job.school: item.need for item in todo(stub.plan.jobs, stub.out)}
    again = {school for school, need in needs.items() if need == "run"}
    assert again == {"100002", "100004", "100005", "100006"}
    assert {needs[school] for school in needs.keys() - again} == {"nothing"}
    only = {item.job.school for item in todo(stub.plan.jobs, stub.out, only_failed=True)}
    assert only == again


@pytest.mark.parametrize(
    ("harm", "need"),
    [
        (lambda place: (place / "probe.ipynb").write_text("{}", encoding="utf-8"), "run"),
        (lambda place: (place / "probe.ipynb").unlink(), "run"),
        (lambda place: (place / "probe.html").write_text("changed", encoding="utf-8"), "export"),
    ],
)
def test_a_file_that_was_changed_is_made_again(stub, tmp_path, harm, need) -> None:
    shutil.copytree(stub.out, tmp_path / "out")
    harm(tmp_path / "out" / "100001")
    job = next(job for job in stub.plan.jobs if job.school == "100001")
    found = state.need(tmp_path / "out", job, state.read_entry(tmp_path / "out", job))
    assert found == need


def test_a_changed_template_of_pages_runs_no_kernel(stub, tmp_path) -> None:
    out = tmp_path / "out"
    shutil.copytree(stub.out, out)
    page = (out / "100007" / "probe.html").read_bytes()
    (out / "100007" / "probe.html").write_text("an older template", encoding="utf-8")
    items = [item for item in todo(stub.plan.jobs, out) if item.need == "export"]
    ran = run(stub.plan, items, out, lambda made: None)
    assert [entry.status for entry in ran.entries] == ["done"]
    assert (out / "100007" / "probe.html").read_bytes() == page
    assert ran.entries[0].left_out == 3


def test_a_forced_rerun_writes_the_same_bytes(stub, tmp_path) -> None:
    out = tmp_path / "elsewhere"
    shutil.copytree(stub.out, out)
    jobs = [job for job in stub.plan.jobs if job.school in ("100001", "100007")]
    for job in jobs:
        (out / job.school / "probe.html").unlink()
        (out / job.school / "probe.ipynb").unlink()
    ran = run(stub.plan, todo(jobs, out, force=True), out, lambda made: None, How(workers=1))
    assert len(ran.made) == 2
    same = ["index.html", "results.csv", *(f"{j.school}/probe.{kind}" for j in jobs for kind in ("html", "ipynb"))]
    for name in same:
        assert (out / name).read_bytes() == (stub.out / name).read_bytes(), name


def test_a_changed_study_or_notebook_changes_the_key(stub, tmp_path) -> None:
    study = write_stub(tmp_path / "trust")
    keys = {job.school: job.key for job in make_plan(read_study(study)).jobs}
    for old, new in (("two, or", "four, or"), ("internal", "shareable"), ("reason: strike", "reason: snow")):
        text = study.read_text(encoding="utf-8")
        study.write_text(text.replace(old, new), encoding="utf-8")
        changed = {job.school: job.key for job in make_plan(read_study(study)).jobs}
        assert all(changed[school] != keys[school] for school in keys), old
        keys = changed
    path = study.parent / "probe.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert {job.key for job in make_plan(read_study(study)).jobs} == set(keys.values())


def test_the_pages_of_all_schools_and_the_longest_are_begun_first(stub) -> None:
    job, entry = stub.plan.jobs[0], state.read_entry(stub.out, stub.plan.jobs[0])
    took = {"100001": 1.0, "100002": 0.0, "100003": 9.0, "100004": 1.0, "all": 0.0}
    items = [Todo(replace(job, school=school), replace(entry, seconds=took[school]), "run") for school in took]
    order = [item.job.school for item in sorted(items, key=longest_first)]
    assert order == ["all", "100003", "100001", "100004", "100002"]


def test_interrupted_it_stops_and_says_what_is_not_run(stub, tmp_path) -> None:
    def interrupt(made) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    ran = run(stub.plan, todo(stub.plan.jobs, out), out, interrupt, How(workers=1))
    assert ran.stopped
    statuses = [entry.status for entry in ran.entries]
    assert statuses[0] == "done"
    assert statuses.count("not_run") >= len(SCHOOLS) - 3
    assert "Not run yet" in (out / "index.html").read_text(encoding="utf-8")


def test_what_was_made_before_an_error_is_on_the_index(stub, tmp_path) -> None:
    def stumble(made) -> None:
        raise RuntimeError("the listener broke")

    out = tmp_path / "out"
    with pytest.raises(RuntimeError, match="the listener broke"):
        run(stub.plan, todo(stub.plan.jobs, out), out, stumble, How(workers=1))
    first = state.read_entry(out, stub.plan.jobs[0])
    index = (out / "index.html").read_text(encoding="utf-8")
    assert first.status == "done"
    assert first.sentence in index
    assert "Not run yet" in index


@pytest.mark.skipif(not FULL.exists(), reason="no device here is always full")
def test_a_full_disk_under_the_private_log_is_said(stub, monkeypatch) -> None:
    monkeypatch.setattr("attendlib.runner.log.log_file", lambda study: FULL)
    log, why = _logged(stub.plan, [Made(stub.ran.entries[0], "Traceback")])
    assert log is None
    assert why.startswith("No space is left on the disk.")
    assert _logged(stub.plan, [Made(stub.ran.entries[0])]) == (None, "")


def test_a_run_keeps_no_rows_in_mind(stub) -> None:
    assert not any(getattr(entry, "rows", ()) for entry in (*stub.ran.entries, *stub.ran.made))
    assert any(state.read_entry(stub.out, job).rows for job in stub.plan.jobs)


def test_a_report_whose_figures_cannot_be_read_is_run_again(stub, tmp_path) -> None:
    out = shutil.copytree(stub.out, tmp_path / "out")
    job = next(job for job in stub.plan.jobs if state.read_entry(out, job).rows)
    assert [item.need for item in todo([job], out)] == ["nothing"]
    sidecar = state.sidecar(out, job)
    written = json.loads(sidecar.read_text(encoding="utf-8"))
    sidecar.write_text(json.dumps(written | {"rows": [{"value": "much"}]}), encoding="utf-8")
    assert [item.need for item in todo([job], out)] == ["run"]


def test_a_report_is_known_alike_with_its_figures_and_without(stub) -> None:
    for job in stub.plan.jobs:
        whole, known = (asdict(read(stub.out, job)) for read in (state.read_entry, state.read_known))
        assert {name: value for name, value in whole.items() if name != "rows"} == known


def test_a_report_that_takes_too_long_is_stopped(stub) -> None:
    notebook = json.loads(json.dumps(stub.plan.jobs[0].notebook))
    notebook["cells"][2]["source"] = "import time; time.sleep(60)"
    with (
        kernels(stub.study, Limits(seconds=1)) as kept,
        pytest.raises(StoppedError, match="longer than 1") as stopped,
    ):
        kept.execute(notebook, {"school": "100001", "words": ""})
    assert stopped.value.status == "timed_out"


def test_a_run_with_nothing_to_do_loads_nothing_heavy(stub, tmp_path) -> None:
    out = tmp_path / "out"
    shutil.copytree(stub.out, out)
    code = (
        "import sys; from attendlib.cli import app; app(standalone_mode=False); "
        "print(sorted({n.split('.')[0] for n in sys.modules} & "
        "{'pandas', 'numpy', 'matplotlib', 'statsmodels', 'scipy', 'pyarrow', 'papermill', 'nbconvert', 'nbformat'}))"
    )
    command = [sys.executable, "-c", code, "run", str(stub.study), "--out", str(out), "--school", "100001"]
    for _ in range(3):  # the first makes the report again should the package itself have just changed
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        if " 0 made" in done.stdout:
            break
    assert "1 reports asked for, 0 made, 1 left as they were." in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
    assert (out / "index.html").read_bytes() == (stub.out / "index.html").read_bytes()


def test_a_sidecar_does_not_keep_a_schools_name_that_holds_a_pupil(stub, tmp_path) -> None:
    job = replace(stub.plan.jobs[0], school_name=f"Upper {PUPIL} School")
    forbidden = secrets([PUPIL], [])
    for made in (make(job, tmp_path, "export", forbidden, None), lost(job, tmp_path, forbidden, "gone")):
        assert (made.entry.status, made.entry.school_name) == ("failed", "")
        assert PUPIL not in state.sidecar(tmp_path, job).read_text(encoding="utf-8")


def test_a_run_ends_with_the_index_that_is_there(stub, tmp_path) -> None:
    assert end_lines(stub.ran, 7, stub.out / "index.html")[1:] == [str(stub.out / "index.html")]
    assert len(end_lines(stub.ran, 7, tmp_path / "index.html")) == 1
