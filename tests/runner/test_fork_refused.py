"""Where no kernel can be forked: a run that may starts each afresh, one that must fork says why it has no pages."""

import errno
import json
from pathlib import Path

import pytest
from stub_trust import notebook, tree, write_stub

from attendlib.intake.study import read_study
from attendlib.runner.batch import Ran, run, todo
from attendlib.runner.forked import Template
from attendlib.runner.kernels import Kind, kernels, papermill
from attendlib.runner.plan import Plan, make_plan
from attendlib.runner.work import How

SHOW = """
from IPython.display import display
record = {"question": "q", "headline": True, "status": "done", "title": "T " + school, "sentences": ["S " + school]}
display({"application/vnd.attendlib.record+json": record, "text/html": "<p>x</p>", "text/plain": "x"}, raw=True)
"""
REPORTS = 3  # as many as make a template worth its cost


@pytest.fixture
def plan(tmp_path) -> Plan:
    study = write_stub(tmp_path / "trust")
    made = notebook(("code", 'school = "all"\nwords = "x"', ["parameters"]), ("code", SHOW))
    (study.parent / "probe.ipynb").write_text(json.dumps(made), encoding="utf-8")
    return make_plan(read_study(study))


@pytest.fixture
def refused(monkeypatch) -> list[str]:
    """The connection files of kernels that could not be forked, from now on each."""
    files: list[str] = []

    def refuse(_template: Template, kernel) -> None:
        files.append(kernel.connection_file)
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    papermill()  # its module is loaded as a run loads it
    monkeypatch.setattr(Template, "fork", refuse)
    monkeypatch.setattr("attendlib.runner.managers._PAUSE", 0.01)
    return files


def made(plan: Plan, out: Path, kind: Kind) -> Ran:
    return run(plan, todo(plan.jobs[:REPORTS], out), out, lambda made: None, How(workers=2, kind=kind))


def test_refused_a_fork_each_kernel_starts_afresh_and_the_bytes_are_the_same(plan, tmp_path, request) -> None:
    assert not made(plan, tmp_path / "forked", "forked").failed
    files = request.getfixturevalue("refused")
    ran = made(plan, tmp_path / "afresh", "auto")
    assert [entry.status for entry in ran.entries] == ["done"] * REPORTS
    assert len(set(files)) == REPORTS  # none was forked
    assert len(tree(tmp_path / "afresh")) == 2 * REPORTS + 2
    assert tree(tmp_path / "afresh") == tree(tmp_path / "forked")


def test_a_run_that_must_fork_fails_with_a_reason(plan, tmp_path, refused) -> None:
    ran = made(plan, tmp_path / "out", "forked")
    assert ran.failed
    assert [entry.status for entry in ran.entries] == ["failed"] * REPORTS
    assert {entry.reason for entry in ran.entries} == {"Its kernel did not start (RuntimeError)."}
    assert len(set(refused)) == 2 * REPORTS  # once more each, for it may have been chance
    assert not list((tmp_path / "out").glob("*/probe.html"))


@pytest.mark.parametrize("safe", [True, False])
def test_a_template_is_had_only_where_forking_is_safe(plan, monkeypatch, safe) -> None:
    monkeypatch.setattr("attendlib.runner.kernels.can_fork", lambda: safe)
    with kernels(plan.study_file.path) as found:
        assert (found.template is not None) == safe
