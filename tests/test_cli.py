"""The commands as a person meets them: exit codes, one message for each problem, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stub_trust import notebook, write_stub

SHOW = """
from IPython.display import display
if school == "100002":
    raise ValueError("the secret")
record = {"question": "q", "headline": True, "status": "not_applicable", "title": "T", "sentences": ["Sentence."]}
display({"application/vnd.attendlib.record+json": record, "text/html": "<p>x</p>", "text/plain": "x"}, raw=True)
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = write_stub(tmp_path / "trust")
    quick = notebook(("code", 'school = "all"\nwords = "x"', ["parameters"]), ("code", SHOW))
    (path.parent / "probe.ipynb").write_text(json.dumps(quick), encoding="utf-8")
    return path


def attend(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    code = "from attendlib.cli import main; main()"
    environment = dict(os.environ) | {"XDG_STATE_HOME": str(folder / "state"), "COLUMNS": "200"}
    command = [sys.executable, "-c", code, *(str(argument) for argument in arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_run_from_failure_to_done(tmp_path, study) -> None:
    only = ("--school", "100001", "--school", "100002")
    dry = attend(tmp_path, "run", study, *only, "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert dry.stdout.splitlines() == ["run              100001 probe", "run              100002 probe"]
    assert not (tmp_path / "outputs").exists()

    first = attend(tmp_path, "run", study, *only)
    assert first.returncode == 1
    assert "100002 probe: It stopped with an unexpected error (ValueError)." in first.stderr
    assert str(tmp_path / "state" / "attendlib" / "logs" / "stub.log") in first.stderr
    assert "the secret" not in first.stdout + first.stderr
    assert "Traceback" not in first.stdout + first.stderr
    assert first.stdout.splitlines()[-1] == str(tmp_path / "outputs" / "stub" / "index.html")
    assert (tmp_path / "outputs" / "stub" / "100001" / "probe.html").exists()

    path = study.parent / "probe.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("100002", "nowhere"), encoding="utf-8")
    mended = attend(tmp_path, "run", study, *only, "--only-failed")
    assert (mended.returncode, mended.stderr) == (0, "")
    assert "1 reports asked for, 1 made" in mended.stdout

    (tmp_path / "outputs" / "stub" / "100001" / "note.txt").write_text("PUPIL90003", encoding="utf-8")
    found = attend(tmp_path, "scan", "outputs/stub", study)
    assert found.returncode == 1
    assert "100001/note.txt: 1 pupil identifiers" in found.stdout


def test_one_report_for_another_scheduler(tmp_path, study, here) -> None:
    good = attend(tmp_path, "run-one", study, "probe", "100001", "--out", "pages")
    bad = attend(tmp_path, "run-one", study, "probe", "100002", "--out", "pages")
    assert (good.returncode, bad.returncode) == (0, 1)
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == [".attend", "100001"]
    clean = here("scan", "pages", study)
    assert (clean.returncode, clean.stdout) == (0, "14 identifiers and pseudonyms looked for; 0 findings.\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "STUDY", "--school", "1000011"), "--school: the study has no school 1000011. Did you mean 100001?"),
        (
            ("run", "STUDY", "--school", "100009"),  # every school is equally near: none is offered for it
            "--school: the study has no school 100009. It has 100001, 100002, 100003, 100004, 100005, 100006, 100007, "
            "all. Leave --school out to run every school.",
        ),
        (("run", "STUDY", "--notebook", "prob"), "--notebook: the study has no notebook prob. Did you mean probe?"),
        (("run", "nowhere.yml"), "nowhere.yml: there is no such study file. Check the name and the folder."),
        (("run-one", "STUDY", "probe", "all"), "probe makes no page for all."),
        (("scan", "nowhere", "STUDY"), "nowhere: there is no such folder."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_run(tmp_path, study, here, arguments, says) -> None:
    done = here(*(study if argument == "STUDY" else argument for argument in arguments))
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{says}\n")
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("harm", "out", "says"),
    [
        (lambda f, s: (f / "out").write_text(""), "out", ".attend: it cannot be used"),
        (lambda f, s: (f / "out").write_text(""), "out/under", ".attend: it cannot be used"),
        (
            lambda f, s: (f / "out/index.html").mkdir(parents=True),
            "out",
            "index.html: it cannot be used (is a directory)",
        ),
        (lambda f, s: None, "", "--out: no folder is named."),
        (lambda f, s: keyed(s, "key_file: /etc"), "out", "etc: it cannot be used (is a directory)"),
        (lambda f, s: keyed(s, "store: /proc/x"), "out", "x: it cannot be used"),
        (lambda f, s: keyed(s, 'store: "a\\0b"'), "out", "holds a NUL character"),
        (lambda f, s: keyed(s, 'title: "\\ud800"', "title:"), "out", "stub.yml: not a readable study file at line 11"),
        (lambda f, s: keyed(s, 'data: "a\\0b"', "data:"), "out", "holds a NUL character"),
    ],
    ids=["file", "under a file", "folder for index", "no name", "key", "store", "NUL", "surrogate", "NUL data"],
)
def test_a_place_that_cannot_be_used_is_one_line(tmp_path, study, here, harm, out, says) -> None:
    harm(tmp_path, study)
    before = sorted(path.name for path in tmp_path.iterdir())
    done = here("run", study, "--school", "100001", "--out", out)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert says in done.stderr
    assert str(tmp_path) not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "state") == before


def keyed(study: Path, line: str, instead_of: str = "key_file:") -> None:
    lines = [each for each in study.read_text(encoding="utf-8").splitlines() if not each.startswith(instead_of)]
    study.write_text("\n".join([*lines, line]) + "\n", encoding="utf-8")


def test_a_school_that_can_be_no_folder_is_refused(tmp_path, study, here) -> None:
    for urn in ("-100001", "CON"):
        for table in ("schools", "pupils", "attendance"):
            path = study.parent.parent / "data" / f"{table}.csv"
            path.write_text(path.read_text(encoding="utf-8").replace("100001", urn), encoding="utf-8")
        done = here("run", study)
        assert (done.returncode, f"{urn} cannot be the name of a folder" in done.stderr) == (2, True), done.stderr
        for table in ("schools", "pupils", "attendance"):
            path = study.parent.parent / "data" / f"{table}.csv"
            path.write_text(path.read_text(encoding="utf-8").replace(urn, "100001"), encoding="utf-8")


def test_pages_are_printed_where_chromium_is_and_said_where_not(tmp_path, study, here, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    without = attend(tmp_path, "run", study, "--school", "100001", "--pdf", "--out", "pages")
    assert (without.returncode, len(without.stderr.splitlines())) == (0, 1), without.stderr
    assert "needs Chromium" in without.stderr
    printer = tmp_path / "chromium"
    printer.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\n"
        "place = next(a for a in sys.argv if a.startswith('--print-to-pdf='))\n"
        "pathlib.Path(place.split('=', 1)[1]).write_bytes(b'%PDF-1.4 ' + pathlib.Path('say').read_bytes())\n"
    )
    printer.chmod(0o700)
    for text, kept in (("PUPIL90001", False), ("a page", True)):
        (tmp_path / "say").write_text(text)
        done = here("run", study, "--school", "100001", "--pdf", "--out", "pages")
        assert (tmp_path / "pages" / "100001" / "probe.pdf").exists() == kept
        assert ("Removed, it must not be shared" in done.stderr) != kept
    attend(tmp_path, "run", study, "--school", "100001", "--force", "--out", "pages")
    assert not (tmp_path / "pages" / "100001" / "probe.pdf").exists()  # of an earlier page


def test_every_problem_of_a_study_is_one_line(tmp_path, study, here) -> None:
    study.write_text(study.read_text().replace("seed: 1", "seed: -1\nschool: x"), encoding="utf-8")
    done = here("check", study)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 2
    assert "Did you mean `schools`?" in done.stderr


def test_check_import_and_copies_for_the_lab(tmp_path, study, here) -> None:
    assert here("check", study).stdout.splitlines()[-1] == "Nothing wrong was found."
    text = study.read_text(encoding="utf-8")
    study.write_text(text.replace('"2024/25"', '"2031/32"'), encoding="utf-8")
    assert "academic_year is 2031/32, of which the data hold no pupils" in here("check", study).stderr
    study.write_text(text, encoding="utf-8")
    assert here("import", study).stdout.startswith("7 schools in the store")
    lab = here("lab", study, "--school", "100001", "--copy-only")
    assert lab.returncode == 0
    copy = json.loads((tmp_path / "outputs" / "lab" / "stub" / "probe.ipynb").read_text(encoding="utf-8"))
    assert copy["cells"][0]["source"] == "school = '100001'\nwords = 'two, or <three>'"


def test_synth_writes_a_trust_and_never_over_another(tmp_path, here) -> None:
    made = here("synth", "trust", "--schools", 2, "--pupils", 60, "--seed", 3)
    assert (made.returncode, made.stdout) == (0, "trust\n")
    assert json.loads((tmp_path / "trust" / "truth.json").read_text())["settings"]["schools"] == 2
    again = here("synth", "trust", "--schools", 2, "--pupils", 60)
    assert (again.returncode, again.stderr) == (2, "trust: there are schools in it already; name another folder.\n")
    wrong = here("synth", "other", "--schools", 1)
    assert wrong.returncode == 2
    assert "Ask for 2 schools or more." in wrong.stderr
