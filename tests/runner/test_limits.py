"""A whole run in which some reports take too long, take too much, die or flood: each has its status, the others go on.

What one kernel does at its limits is in test_faults.
"""

import json

from stub_trust import SCHOOLS, notebook, write_stub

from attendlib.export.entry import FAILING, STATUS_WORDS
from attendlib.intake.study import read_study
from attendlib.runner.batch import run, todo
from attendlib.runner.kernels import Limits
from attendlib.runner.plan import make_plan
from attendlib.runner.work import How

BEHAVIOUR = """
import os
from IPython.display import display
if school == "100002":
    while True: pass
if school == "100003":
    hoard = [bytearray(4_000_000) for _ in range(200)]
    while True: pass
if school == "100004":
    os._exit(0)
if school == "100005":
    for _ in range(100): print("x" * 100_000)
record = {"question": "q", "headline": True, "status": "done", "title": "T " + school, "sentences": ["S " + school]}
display({"application/vnd.attendlib.record+json": record, "text/html": "<p>x</p>", "text/plain": "x"}, raw=True)
"""
LIMITS = Limits(seconds=3, megabytes=400)
ENDS = dict.fromkeys(SCHOOLS, ("done", "")) | {
    "100002": ("timed_out", "It took longer than 3 seconds."),
    "100003": ("over_memory", "It needed more than 400 MB of memory."),
    "100004": ("failed", "Its kernel stopped without a word."),
}


def test_reports_at_their_limits_have_their_status_and_the_others_go_on(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    study, out = write_stub(tmp_path / "trust"), tmp_path / "out"
    made = notebook(("code", 'school = "all"\nwords = "x"', ["parameters"]), ("code", BEHAVIOUR))
    (study.parent / "probe.ipynb").write_text(json.dumps(made), encoding="utf-8")
    plan = make_plan(read_study(study))
    ran = run(plan, todo(plan.jobs, out), out, lambda made: None, How(workers=2, limits=LIMITS, kind="forked"))
    assert {entry.school: (entry.status, entry.reason) for entry in ran.entries} == ENDS
    assert (ran.failed, ran.stopped, ran.findings) == (True, "", ())
    assert max(entry.seconds for entry in ran.entries) < 5 * LIMITS.seconds  # its end, on a machine with much to do
    assert {page.parent.name for page in out.glob("*/*.html")} == {s for s in SCHOOLS if ENDS[s][0] == "done"}
    index = (out / "index.html").read_text(encoding="utf-8")
    not_made = index.partition("Reports that could not be made")[2].partition("</ul>")[0]
    assert not_made.count("<li>") == 3
    for school, (status, reason) in ENDS.items():
        line = f">{STATUS_WORDS[status]}</span>: Probe – {SCHOOLS[school]} ({school}). {reason}</li>"
        assert (line in not_made) == (status in FAILING), line
