"""On a Dask cluster: the same reports as on one machine, whatever becomes of a worker."""

import importlib.util
import json
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from stub_trust import SCHOOLS, notebook, tree, write_stub

from attendlib.errors import AttendError, Problem, StudyError
from attendlib.export.scan import secrets
from attendlib.intake.study import read_study
from attendlib.records.study import COMPARISONS, design_module
from attendlib.runner import worker
from attendlib.runner.batch import run, todo
from attendlib.runner.cluster import _alone, _check, _each, flow
from attendlib.runner.place import ended
from attendlib.runner.plan import make_plan
from attendlib.runner.state import BusyError
from attendlib.runner.watch import family
from attendlib.runner.work import How

SHOW = """
import time
from IPython.display import display
record = {"question": "q", "headline": True, "status": "done", "title": "T " + school, "sentences": ["S " + school]}
display({"application/vnd.attendlib.record+json": record, "text/html": "<p>x</p>", "text/plain": "x"}, raw=True)
time.sleep(0.2)
"""
LEAVE = """
import os
from pathlib import Path
for folder in (Path(".."), Path(os.environ["IPYTHONDIR"]), Path(os.environ["JUPYTER_RUNTIME_DIR"])):
    folder.mkdir(exist_ok=True)
    (folder / "left.txt").write_text("x")
get_ipython().db["left"] = "x"
"""
# A cluster in a process of its own, so that its warnings and threads are not the tests'; workers are Dask's default:
# daemons, which may not start processes through multiprocessing. Their own profiler is off, one of the settings in
# docs/running.md.
UNPROFILED = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
PRELOAD = "attendlib.runner.worker"
CLUSTER = """
import sys, time
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, preload=sys.argv[1:]) as cluster:
        pids = [nanny.pid for nanny in cluster.workers.values()]
        print(cluster.scheduler_address, *pids, flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def cluster_of(tmp_path_factory):
    """Starts a cluster whose workers preload what is given: its process, the scheduler's address, their processes."""
    with ExitStack() as stack:

        def start(*preload: str) -> tuple[subprocess.Popen[str], str, list[int]]:
            script = tmp_path_factory.mktemp("cluster") / "cluster.py"
            script.write_text(CLUSTER)
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            command, env = [sys.executable, str(script), *preload], os.environ | UNPROFILED
            process = stack.enter_context(
                subprocess.Popen(command, cwd=script.parent, env=env, text=True, **pipes)  # type: ignore[call-overload]
            )
            stack.callback(process.kill)
            address, *pids = process.stdout.readline().split()
            return process, address, [int(pid) for pid in pids]

        yield start


@pytest.fixture(scope="module")
def cluster(cluster_of):
    """The scheduler's address and the two workers' processes."""
    return cluster_of()[1:]


@pytest.fixture
def warm(monkeypatch):
    """A worker's template that is there before any run."""
    monkeypatch.setattr("attendlib.runner.kernels.COMPARISONS", {"adjusted": ()})  # the others' libraries take seconds
    held: list = []
    monkeypatch.setattr(worker, "_warm", held)
    with ExitStack() as stack:
        monkeypatch.setattr(worker, "_for_life", stack)
        worker.dask_setup()
        assert held[0] is not None
        yield held[0]
        pid, folder = held[0].pid, held[0].folder
    assert ended(pid)
    assert not folder.exists()


def written(folder: Path, cell: str = SHOW) -> Path:
    study = write_stub(folder)
    made = notebook(("code", 'school = "all"\nwords = "x"', ["parameters"]), ("code", cell))
    (study.parent / "probe.ipynb").write_text(json.dumps(made), encoding="utf-8")
    return study


def loaded(address: str) -> list[bool]:
    """Of each worker of a cluster, whether its template is there before any run."""
    distributed = pytest.importorskip("distributed")
    with distributed.Client(address, set_as_default=False) as client:
        return list(client.run(lambda: bool(worker._warm)).values())


@pytest.mark.prove
@pytest.mark.filterwarnings("default")
def test_workers_make_the_same_bytes_and_one_lost_at_a_random_moment_loses_nothing(tmp_path, cluster_of) -> None:
    plan, dice = make_plan(read_study(written(tmp_path / "trust"))), random.Random(7)
    ran = run(plan, todo(plan.jobs, tmp_path / "one"), tmp_path / "one", lambda made: None, How(workers=2))
    assert not ran.failed
    expected, hit = tree(tmp_path / "one"), 0
    for number in range(10):
        process, address, pids = cluster_of(*[PRELOAD][: number % 2])  # every second one with its templates loaded
        out, moment = tmp_path / f"many-{number}", dice.uniform(0, 5)
        assert loaded(address) == [bool(number % 2)] * 2
        killer = threading.Timer(moment, os.kill, (dice.choice(pids), signal.SIGKILL))
        killer.start()
        ran = run(plan, todo(plan.jobs, out), out, lambda made: None, How(scheduler=address))
        hit += not killer.is_alive()
        killer.cancel()
        assert [entry.status for entry in ran.entries] == ["done"] * len(SCHOOLS), f"{number}, {moment:.1f} s"
        assert tree(out) == expected
        process.kill()
    assert hit >= 5


@pytest.mark.prove
@pytest.mark.filterwarnings("default")
def test_a_second_run_on_a_cluster_is_refused_and_a_lost_scheduler_is_said(tmp_path, cluster_of) -> None:
    plan = make_plan(read_study(written(tmp_path / "trust")))
    process, address, _ = cluster_of()
    how, told = How(scheduler=address), []

    def meanwhile(made) -> None:
        told.append(made)
        if len(told) == 1:
            with pytest.raises(BusyError, match="Another run has this Dask cluster"):
                run(plan, todo(plan.jobs, tmp_path / "two"), tmp_path / "two", told.append, how)
            process.kill()

    with pytest.raises(AttendError, match="scheduler was lost"):
        run(plan, todo(plan.jobs, tmp_path / "one"), tmp_path / "one", meanwhile, how)
    assert len(told) == 1
    index = (tmp_path / "one" / "index.html").read_text(encoding="utf-8")
    assert index.count("Not run yet") >= 1
    assert told[0].entry.sentence in index
    ran = run(plan, todo(plan.jobs, tmp_path / "one"), tmp_path / "one", told.append, How(workers=2))
    assert not ran.failed


@pytest.mark.prove
@pytest.mark.filterwarnings("default")
def test_a_worker_that_is_closed_in_good_order_leaves_no_report_failed(tmp_path, cluster_of) -> None:
    """It finishes what it is at, template and all."""
    distributed = pytest.importorskip("distributed")
    plan, out = make_plan(read_study(written(tmp_path / "trust"))), tmp_path / "out"
    _, address, _ = cluster_of(PRELOAD)
    failed, over = set(), threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            failed.update(path.name for path in out.glob(".attend/*/*.json") if '"failed"' in path.read_text())

    def meanwhile(made) -> None:
        with distributed.Client(address, set_as_default=False) as client:
            if len(client.nthreads()) == 2:
                client.retire_workers([next(iter(client.nthreads()))])

    looks = threading.Thread(target=look)
    looks.start()
    ran = run(plan, todo(plan.jobs, out), out, meanwhile, How(scheduler=address))
    over.set()
    looks.join()
    assert [entry.status for entry in ran.entries] == ["done"] * len(SCHOOLS)
    assert not failed


@pytest.mark.prove
@pytest.mark.filterwarnings("default")
def test_scheduling_24_000_reports_takes_under_10_ms_each(cluster) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.Client(cluster[0], set_as_default=False) as client:
        count, wall = 24_000, time.monotonic()
        cpu = time.process_time() + client.run_on_scheduler(time.process_time)
        results = [done[1] for done in flow(distributed, client, abs, ((-n,) for n in range(count))) if done]
        cpu = (time.process_time() + client.run_on_scheduler(time.process_time) - cpu) / count
        wall = (time.monotonic() - wall) / count
    assert sorted(results) == list(range(count))
    print(f"scheduling a report: {1000 * cpu:.2f} ms of CPU, {1000 * wall:.2f} ms of wall time")  # noqa: T201
    assert cpu < 0.010  # of driver and scheduler; wall time says as much only on a machine that does nothing else


def test_workers_with_other_versions_are_refused(tmp_path) -> None:
    mine = worker.about(str(tmp_path / "study.yml"), str(tmp_path))
    assert mine["the results folder"] == "there"
    assert mine["the study file"] == "missing"
    _check({"a": mine, "b": dict(mine)}, mine)
    with pytest.raises(AttendError, match=r"1 of 2 workers differ .* numpy: .* here, 1\.0 there"):
        _check({"a": mine, "b": {**mine, "numpy": "1.0"}}, mine)
    with pytest.raises(AttendError, match="no workers"):
        _check({}, mine)


def test_a_cluster_serves_one_run_at_a_time() -> None:
    def client(*others: str) -> SimpleNamespace:
        scheduler = SimpleNamespace(clients=["Client-attendlib-1", *others])
        return SimpleNamespace(id="Client-attendlib-1", run_on_scheduler=lambda asked: asked(scheduler))

    _alone(client("Client-of-somebody-else-2", "fire-and-forget"))
    with pytest.raises(BusyError, match="Another run has this Dask cluster"):
        _alone(client("Client-attendlib-2"))


def test_what_a_killed_driver_left_on_a_worker_goes_but_not_under_a_report(monkeypatch) -> None:
    monkeypatch.setattr(worker, "_IDLE", 0.1)
    monkeypatch.setattr(worker, "_LOOK", 0.02)
    closed = threading.Event()
    kept = worker._Kept({}, secrets([], []), None, closed.set, under_way=1)  # type: ignore[arg-type]
    monkeypatch.setitem(worker._kept, "token", kept)
    looks = threading.Thread(target=worker._let_go, args=("token",))
    looks.start()
    assert not closed.wait(0.4)
    kept.under_way = 0
    assert closed.wait(10)
    looks.join(10)
    assert not looks.is_alive()


def test_a_template_loaded_before_a_run_serves_it_and_waits_for_the_next(tmp_path, monkeypatch, warm) -> None:
    """Kept, with no kernel and no file left of the run before; started again where it was killed."""
    study, how = written(tmp_path / "trust", SHOW + LEAVE), How(kind="forked")
    job, environment, pids = make_plan(read_study(study)).jobs[0], dict(os.environ), []
    for number in range(4):
        template = warm if number < 3 else None
        monkeypatch.setattr(worker, "_warm", [template] if template else [])
        out, token = tmp_path / f"out-{number}", f"run-{number}"
        try:
            made = worker.one(token, str(study), str(out), job.school, job.name, job.page_key, "run", how)
            assert (worker._kept[token].kernels.template is template) == (number < 3)
        finally:
            worker.leave(token)
        assert (made.entry.status, made.entry.reason) == ("done", "")
        assert os.environ == environment
        assert not [path for path in warm.folder.rglob("*") if path.name.startswith("left")]
        if number < 3:
            assert family(warm.pid) == [warm.pid]
            pids.append(warm.pid)
        if number == 1:
            os.kill(warm.pid, signal.SIGKILL)
    assert pids[0] == pids[1] != pids[2]
    trees = [tree(tmp_path / f"out-{number}") for number in range(4)]
    assert len(trees[0]) == 2
    assert trees[1:] == trees[:1] * 3


def test_a_template_whose_folder_is_gone_is_loaded_again(warm) -> None:
    assert worker._waiting() is warm
    shutil.rmtree(warm.folder)
    again = worker._waiting()
    assert again is not None
    assert again is not warm
    assert again.reachable
    assert warm.pid is None


def test_a_template_for_all_runs_loads_every_design() -> None:
    """The fork server says nothing of a module that is not there."""
    assert all(importlib.util.find_spec(design_module(design)) for design in COMPARISONS)


def test_reports_are_sent_before_anything_is_waited_for_and_taken_back_if_nobody_waits() -> None:
    sent, taken = [], []

    def submit(function, *arguments, pure: bool) -> SimpleNamespace:
        sent.append(arguments)
        return SimpleNamespace(key=arguments[0])

    client = SimpleNamespace(submit=submit, nthreads=lambda: {"a": 2}, cancel=taken.extend)
    finished = flow(SimpleNamespace(), client, abs, ((n,) for n in range(100)))  # type: ignore[arg-type]
    assert next(finished) is None
    assert sent == [(n,) for n in range(16)]
    finished.close()
    assert [future.key for future in taken] == list(range(16))


def test_a_worker_lost_while_asked_is_left_out_and_one_that_cannot_answer_refused() -> None:
    def client(**answers: object) -> SimpleNamespace:
        return SimpleNamespace(run=lambda *asked, on_error: answers)

    assert _each(client(a="here", b=OSError("closed")), len) == {"a": "here"}
    with pytest.raises(AttendError, match=r"A worker cannot load attendlib \(ModuleNotFoundError\)"):
        _each(client(a="here", b=ModuleNotFoundError("attendlib")), len)


def test_what_is_wrong_with_a_study_is_said_from_a_worker_too() -> None:
    error = StudyError([Problem("study.yml", "it is not there", "Write one.")])
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "study.yml: it is not there. Write one."


def test_a_scheduler_that_does_not_answer_is_said(tmp_path, monkeypatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("attendlib.runner.cluster._PATIENCE", "100ms")
    plan = make_plan(read_study(written(tmp_path / "trust")))
    how = How(scheduler="tcp://127.0.0.1:9")
    with pytest.raises(AttendError, match="no Dask scheduler answers at"):
        run(plan, todo(plan.jobs, tmp_path / "out"), tmp_path / "out", lambda made: None, how)
