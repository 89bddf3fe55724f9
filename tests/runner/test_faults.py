"""What goes wrong: kernels that loop, eat, die or flood, killed processes, a full disk. The run ends as promised."""

import asyncio
import errno
import json
import os
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from stub_trust import LIGHT, PUPIL, SCHOOLS, notebook, tree, write_stub

from attendlib.export.scan import secrets
from attendlib.intake.study import read_study
from attendlib.runner import forked, state
from attendlib.runner.batch import run, todo
from attendlib.runner.kernels import Kernels, Limits, StoppedError, kernels
from attendlib.runner.managers import Client
from attendlib.runner.place import alive, ended
from attendlib.runner.plan import make_plan
from attendlib.runner.report import HELD, make
from attendlib.runner.state import BusyError, only_run
from attendlib.runner.work import How

PRELOAD = forked.PRELOAD  # the real one, whatever conftest puts in its place
START = f"from attendlib.runner import forked; forked.PRELOAD = {LIGHT}; from attendlib.cli import main; main()"
COMMAND = (sys.executable, "-c", START)
SHOW = """
import time
from IPython.display import display
record = {"question": "q", "headline": True, "status": "done", "title": "T " + school, "sentences": ["S " + school]}
display({"application/vnd.attendlib.record+json": record, "text/html": "<p>x</p>", "text/plain": "x"}, raw=True)
time.sleep(0.05)
"""
PACED = SHOW.replace("0.05", "0.4")  # long enough that the run is still under way when its process is to be killed
CHILD = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', '{}; import time; time.sleep(60)'])"
SLEEPER = "import subprocess; subprocess.Popen(['sleep', '300'])"
KERNEL, TEMPLATE, DRIVER = "kernel", "template", "driver"


def written(folder: Path, cell: str) -> Path:
    """The stub study with a notebook of this one cell."""
    study = write_stub(folder)
    made = notebook(("code", 'school = "all"\nwords = "x"', ["parameters"]), ("code", cell))
    (study.parent / "probe.ipynb").write_text(json.dumps(made), encoding="utf-8")
    return study


def cells(code: str) -> dict:
    return notebook(("code", 'school = "all"', ["parameters"]), ("code", code))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Kernels of the real template, everything a notebook of ours uses loaded in it."""
    study = write_stub(tmp_path_factory.mktemp("faults"))
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as real:
            real.setattr(forked, "PRELOAD", PRELOAD)
            found = stack.enter_context(kernels(study, Limits(seconds=8, megabytes=400), "forked"))
        found.execute(cells("pass"), {"school": "1"})
        yield found


@pytest.mark.parametrize(
    ("code", "status", "died"),
    [
        ("while True: pass", "timed_out", False),
        ("hoard = []\nwhile True: hoard.append(bytearray(4_000_000))", "over_memory", False),
        (CHILD.format("hoard = [bytearray(4_000_000) for _ in range(200)]"), "over_memory", False),
        ("import os; os._exit(0)", "failed", True),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "failed", True),
        ("raise MemoryError", "over_memory", False),
        ("1/0", "failed", False),
        ("import asyncio\nawait asyncio.sleep(0)\n1/0", "failed", False),
    ],
)
def test_a_notebook_that_does_not_finish(kept: Kernels, monkeypatch, code, status, died) -> None:
    if status == "timed_out":
        monkeypatch.setattr(kept.watch, "_seconds", 2)
    with pytest.raises(StoppedError) as stopped:
        kept.execute(cells(code), {"school": "1"})
    assert (stopped.value.status, stopped.value.died) == (status, died)


def test_a_flood_is_cut_and_the_report_is_done(kept: Kernels) -> None:
    ran = kept.execute(cells("for _ in range(300): print('x' * 100_000)\nprint('end')"), {"school": "1"})
    text = "".join(output["text"] for cell in ran["cells"] for output in cell.get("outputs", []))
    assert 900_000 < len(text) <= 1_000_000


def test_what_a_notebook_prints_is_kept_whichever_thread_prints_it(kept: Kernels) -> None:
    """A stream is flushed only where something waits in it, and a cell may await: nothing is lost by either."""
    code = (
        "import asyncio, os, sys, threading\n"
        "print('one', end='')\n"
        "await asyncio.sleep(0.01)\n"
        "threading.Thread(target=print, args=('two',), kwargs={'end': ''}).start()\n"
        "await asyncio.sleep(0.01)\n"
        "print('three', end='', file=sys.stderr)"
    )
    ran = kept.execute(cells(code), {"school": "1"})
    said = [(output["name"], output["text"]) for output in ran["cells"][-1]["outputs"]]
    assert sorted(said) == [("stderr", "three"), ("stdout", "onetwo")]


def test_a_kernel_is_talked_to_without_heartbeat_or_a_thread_for_messages(kept: Kernels) -> None:
    """Each would cost every report; a library's new version could bring one back unseen."""
    code = "import threading\nprint(*sorted(thread.name for thread in threading.enumerate()))"
    ran = kept.execute(cells(code), {"school": "1"})
    assert ran["cells"][-1]["outputs"][0]["text"] == "Control IOPub MainThread Thread-1\n"  # one looks to its parent
    assert kept._manager(connection_file="k.json").client_factory is Client


def test_a_kernel_whose_welcome_was_lost_is_asked_for_a_word() -> None:
    asked: list[str] = []

    async def heard(timeout: float) -> dict:
        if not asked:
            raise queue.Empty
        return {"msg_type": "status"}

    client = SimpleNamespace(get_iopub_msg=heard, kernel_info=lambda: asked.append("?"))
    assert [asyncio.run(Client._heard(client)) for _ in range(2)] == [False, True]
    assert asked == ["?"]


def test_a_kernel_starts_from_the_same_state_each_time_and_leaves_nothing(kept: Kernels) -> None:
    code = (
        "import os, random, numpy, matplotlib\n"
        "print(random.random(), numpy.random.random(), matplotlib.rcParams['font.size'], os.listdir())\n"
        "os.environ['LEFT'] = matplotlib.left = 'behind'; matplotlib.rcParams['font.size'] = 99; open('f', 'w')"
    )
    first, second = (kept.execute(cells(code), {"school": "1"})["cells"][-1]["outputs"][0]["text"] for _ in "ab")
    seen = kept.execute(cells("import os, matplotlib\nprint('LEFT' in os.environ, hasattr(matplotlib, 'left'))"), {})
    assert first.split("[")[0] == second.split("[")[0]
    assert first.startswith(f"{random.Random(0).random()} {np.random.RandomState(0).random()} ")  # whatever drew before
    assert seen["cells"][-1]["outputs"][0]["text"] == "False False\n"
    assert sorted(path.name for path in kept.folder.iterdir() if path.is_dir()) == ["r"]


def test_the_template_holds_no_thread_of_its_own_nor_a_socket_of_zmq(kept: Kernels) -> None:
    assert kept.template is not None
    assert len(list(Path(f"/proc/{kept.template.pid}/task").iterdir())) <= 2  # Python's, and a library's allocator
    code = "import os, sys\nprint(os.getppid(), 'attendlib.notebook' in sys.modules)"
    ran = kept.execute(cells(code), {"school": "1"})
    assert ran["cells"][-1]["outputs"][0]["text"] == f"{kept.template.pid} True\n"


def test_a_template_that_was_killed_is_started_again(kept: Kernels) -> None:
    assert kept.template is not None
    before = kept.template.pid
    os.kill(before, signal.SIGKILL)
    kept.execute(cells("pass"), {"school": "1"})
    assert kept.template.pid != before


def counted(tries: Path) -> str:
    """Code that leaves a letter each time a notebook runs; in parts, for a page that names a folder is held back."""
    return f"""
import os
from pathlib import Path
tries = Path(*{tries.parts!r})
with tries.open("a") as file: file.write("x")
"""


@pytest.mark.parametrize(
    ("code", "status", "runs"),
    [
        ("if len(tries.read_text()) <= 1: os._exit(1)", "done", 2),
        ("if len(tries.read_text()) <= 2: os._exit(1)", "failed", 2),
        ("1/0", "failed", 1),
        ("raise type('QuestionError', (Exception,), {})('No.')", "failed", 1),
        ("raise RuntimeError('No.')", "failed", 1),  # of the name that a kernel's own trouble has in the driver
        ("raise MemoryError", "over_memory", 1),
        ("while True: pass", "timed_out", 1),
    ],
)
def test_one_more_try_only_where_the_kernel_died(kept: Kernels, tmp_path, monkeypatch, code, status, runs) -> None:
    if status == "timed_out":
        monkeypatch.setattr(kept.watch, "_seconds", 2)
    cell = f"{counted(tmp_path / 'tries')}{code}\n{SHOW}"
    job = make_plan(read_study(written(tmp_path / "trust", cell))).jobs[0]
    made = make(job, tmp_path / "out", "run", secrets((), ()), kept)
    assert made.entry.status == status
    assert (tmp_path / "tries").read_text() == "x" * runs


def test_a_record_that_cannot_be_written_fails_its_report_alone(tmp_path) -> None:
    study, out = written(tmp_path / "trust", SHOW), tmp_path / "out"
    plan = make_plan(read_study(study))
    first, *others = plan.jobs
    (out / ".attend" / first.school / f"{first.name}.json").mkdir(parents=True)
    ran = run(plan, todo(plan.jobs, out), out, lambda _: None, How(kind="forked"))
    assert ran.failed
    assert not ran.stopped
    assert {entry.school: entry.status for entry in ran.made} == {first.school: "failed"} | {
        job.school: "done" for job in others
    }
    assert not list((out / first.school).glob(f"{first.name}.*"))


def test_the_name_of_an_error_of_ones_own_is_told_only_where_it_is_a_name(kept: Kernels) -> None:
    with pytest.raises(StoppedError) as stopped:
        kept.execute(cells("raise type('/srv/pupils', (Exception,), {})"), {"school": "1"})
    assert "srv" not in stopped.value.reason


def test_a_full_disk_is_said_and_the_run_goes_on_later(tmp_path, monkeypatch) -> None:
    study = written(tmp_path / "trust", SHOW)
    plan, out = make_plan(read_study(study)), tmp_path / "out"
    real, writes = Path.open, []

    def full(path: Path, mode: str = "r", *more, **others):
        file = real(path, mode, *more, **others)
        writes.extend([path] * (mode == "wb"))
        if mode == "wb" and len(writes) > 9:
            with file:
                file.write(b"a part of")
            raise OSError(errno.ENOSPC, "No space left on device")
        return file

    with monkeypatch.context() as patch:
        patch.setattr(state.Path, "open", full)
        ran = run(plan, todo(plan.jobs, out), out, lambda made: None, How(workers=1, kind="ordinary"))
    assert "No space is left" in ran.stopped
    assert ran.failed
    assert_whole(out, plan)
    again = run(plan, todo(plan.jobs, out), out, lambda made: None, How(workers=2, kind="forked"))
    assert not again.failed
    assert 0 < len(again.made) < len(plan.jobs)
    assert not list(out.rglob(f"*{os.getpid()}-*"))


AWKWARD = """
from IPython.display import display
class QuestionError(Exception): pass
record = {"question": "q", "headline": True, "status": "done", "title": "T", "sentences": ["S"]}
row = {"estimate": "days", "scope": "school", "value": 1.0, "n": 40}
if school == "100002": record["rows"] = [row | {"value": float("nan")}]
if school == "100003": raise QuestionError("No outcome of PUPIL9" + "0001.")
if school == "100004": record["rows"] = [row | {"n": 1}]
display({"application/vnd.attendlib.record+json": record, "text/html": "<p>x</p>", "text/plain": "x"}, raw=True)
"""


def test_awkward_reports_fail_with_a_reason_and_the_others_go_on(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    plan, out = make_plan(read_study(written(tmp_path / "trust", AWKWARD))), tmp_path / "out"
    (out / "100005" / "probe.html").mkdir(parents=True)
    (out / "100006").write_text("", encoding="utf-8")
    ran = run(plan, todo(plan.jobs, out), out, lambda made: None, How(workers=2, kind="forked"))
    said = {entry.school: entry.reason for entry in ran.entries if entry.status == "failed"}
    assert sorted(said) == ["100002", "100003", "100004", "100005", "100006"]
    assert "no number" in said["100002"]
    assert said["100003"] == HELD
    assert "fewer than 5" in said["100004"]
    assert said["100005"] == said["100006"]
    assert "A folder stands" in said["100005"]
    assert not list(out.glob("10000[234]/*"))
    assert (ran.findings, ran.log is not None and PUPIL in ran.log.read_text(encoding="utf-8")) == ((), True)
    files = [path for path in out.rglob("*") if path.is_file()]
    assert not [path for path in files if PUPIL in path.read_text(encoding="utf-8")]
    index = (out / "index.html").read_text(encoding="utf-8")
    assert 'data-phase="primary"' in index
    assert plan.provenance["data"] in index
    assert "numpy" in index


def test_an_index_written_again_is_scanned_again(tmp_path) -> None:
    plan, out = make_plan(read_study(written(tmp_path / "trust", SHOW))), tmp_path / "out"
    job = plan.jobs[0]
    run(plan, todo([job], out), out, lambda made: None, How(workers=1))
    entry = state.read_entry(out, job)
    state.write_entry(out, job, replace(entry, sentence=f"Of {PUPIL}"))
    ran = run(plan, todo([job], out), out, lambda made: None)
    assert (ran.made, ran.failed) == ((), True)
    assert {finding.file for finding in ran.findings} == {"index.html"}
    assert not (out / "index.html").exists()


def assert_whole(out: Path, plan) -> None:
    """Each report's files are those its sidecar tells of, or the sidecar tells that they must be made again."""
    for job in plan.jobs:
        entry = state.read_entry(out, job)
        if entry.status == "done" and state.need(out, job, entry) == "nothing":
            assert (out / job.school / "probe.html").read_text(encoding="utf-8").endswith("</html>\n")


def test_two_runs_of_one_folder_refuse_each_other(tmp_path) -> None:
    with only_run(tmp_path), pytest.raises(BusyError, match="another run"), only_run(tmp_path):
        pass
    with only_run(tmp_path):
        pass


def attend(study: Path, out: Path, *more: str) -> subprocess.Popen:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    return subprocess.Popen(
        [*COMMAND, "run", str(study), "--out", str(out), *more],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def below(pid: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def template_of(driver: int) -> list[int]:
    return [pid for pid in below(driver) if b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def victims(driver: int, which: str) -> list[int]:
    if which == DRIVER:
        return [driver]
    templates = template_of(driver)
    return templates if which == TEMPLATE else [pid for template in templates for pid in below(template)]


def of_run(driver: int) -> list[int]:
    """Processes that a driver started, wherever they hang now, by the folder in their environment."""
    mark, found = f"attend-{driver}-".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int(folder.name) != driver and mark in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def living(driver: subprocess.Popen, which: str, seconds: float = 120) -> list[int]:
    """Its processes of this kind that still run, once there is one; none where the driver ends before."""
    until = time.monotonic() + seconds
    while driver.poll() is None and time.monotonic() < until:
        if found := [pid for pid in victims(driver.pid, which) if not ended(pid)]:
            return found
        time.sleep(0.02)
    return []


def kill_once(study: Path, out: Path, which: str, since: str, moment: float) -> bool:
    """Runs, kills one process so many seconds after there is one of the kind `since`; returns whether it was killed."""
    process = attend(study, out, "--kernels", "forked")
    try:
        living(process, since)
        time.sleep(moment)
        found = living(process, which)
        killed = any(map(sent, random.sample(found, len(found))))  # the first that is still there
        said, _ = process.communicate(timeout=240)
        assert process.returncode == (-signal.SIGKILL if killed and which == DRIVER else 0), said
    finally:
        process.kill()
    until = time.monotonic() + 10
    while of_run(process.pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert of_run(process.pid) == []
    return killed


def sent(pid: int) -> bool:
    """Whether the process was still there to be killed."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("clean")
    study = written(folder / "trust", PACED)
    process = attend(study, folder / "out", "--kernels", "forked")
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    return study, tree(folder / "out")


def ends_the_same(clean, out: Path, which: str, since: str, moment: float) -> bool:
    """Whether a process was killed; either way the same command afterwards ends with the bytes of a clean run."""
    study, expected = clean
    killed = kill_once(study, out, which, since, moment)
    process = attend(study, out)
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert tree(out) == expected
    assert not list((out / ".attend" / "aside").glob("*"))
    return killed


@pytest.mark.parametrize(("which", "moment"), [(DRIVER, 0.3), (TEMPLATE, 0.2), (KERNEL, 0.1)])
def test_killed_at_some_moment_it_ends_with_the_same_bytes(clean, tmp_path, which, moment) -> None:
    assert len(clean[1]) == 2 * len(SCHOOLS) + 2
    assert ends_the_same(clean, tmp_path / "out", which, KERNEL, moment)


def sleepers(driver: int) -> list[int]:
    return [pid for pid in of_run(driver) if b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_what_a_kernel_started_ends_with_it_even_where_it_dies_first(kept: Kernels) -> None:
    with pytest.raises(StoppedError):
        kept.execute(cells(f"{SLEEPER}; import os; os._exit(0)"), {"school": "1"})
    kept.execute(cells(SLEEPER), {"school": "1"})
    assert sleepers(os.getpid()) == []


def test_what_a_kernel_started_ends_with_a_driver_that_is_killed(tmp_path) -> None:
    process = attend(written(tmp_path / "trust", f"{SLEEPER}.wait()"), tmp_path / "out", "--kernels", "forked")
    until = time.monotonic() + 60
    while not sleepers(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert sleepers(process.pid)
    process.kill()
    process.communicate()
    while of_run(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert of_run(process.pid) == []


def test_what_nobody_has_asked_after_has_ended() -> None:
    child = os.fork() or os._exit(0)
    while not ended(child):
        time.sleep(0.01)
    assert (ended(os.getpid()), alive(child)) == (False, True)
    os.waitpid(child, 0)
    assert ended(child)


def test_ctrl_c_while_the_template_loads_prints_no_traceback(clean, tmp_path) -> None:
    process = attend(clean[0], tmp_path / "out", "--kernels", "forked")
    until = time.monotonic() + 60
    while not template_of(process.pid) and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.3)  # its own Python has started by then
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert of_run(process.pid) == []


@pytest.mark.prove
def test_killed_at_fifty_random_moments_it_ends_with_the_same_bytes(clean, tmp_path) -> None:
    """Also while it plans (since the driver is there), and while libraries load (since the template is there)."""
    dice, killed = random.Random(7), Counter(dict.fromkeys((DRIVER, TEMPLATE, KERNEL), 0))
    for number in range(50):
        which, since = dice.choice((DRIVER, TEMPLATE, KERNEL)), dice.choice((DRIVER, TEMPLATE, KERNEL, KERNEL))
        killed[since] += ends_the_same(clean, tmp_path / "out", which, since, dice.uniform(0, 1.5))
        shutil.rmtree(tmp_path / "out")
        print(f"{number + 1} runs, killed {dict(killed)}")  # noqa: T201
    assert killed.total() >= 35
    assert min(killed.values()) >= 5


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.prove)])
def test_interrupted_it_stops_soon_leaves_nothing_and_says_how_to_go_on(clean, tmp_path, number) -> None:
    study, expected = clean
    process = attend(study, tmp_path / "out", "--workers", "1", "--kernels", "forked")
    until = time.monotonic() + 120
    while not list((tmp_path / "out").glob("*/probe.html")) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode in (130, 0), said  # 0: it was done before the signal came
    if process.returncode == 130:
        assert "The same command goes on where it stopped." in said
        assert "Not run yet" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert of_run(process.pid) == []
    assert not re.search("Traceback", said)
    assert set(tree(tmp_path / "out")) <= set(expected)
