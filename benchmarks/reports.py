"""What a report costs: `attend run` beside a serial papermill loop with nbconvert, on the same notebooks and data.

    python benchmarks/reports.py [--schools 20] [--rounds 3] [--peer-schools N] [--no-dask]

Seconds of CPU are of all processes together, children included; bytecode is compiled on both sides before timing.
`limit` is the cells alone, of all the same reports, in one warmed process: no kernel, no page. Medians over the rounds;
what is set against each other is so within a round, for a machine may be slower for some minutes. The load at the start
is shown: wall time and use of cores mean little on a machine that does other work. Memory is
looked at in one more run of ours that is not timed: twenty looks a second at every process took an eighth of the two
cores from the run looked at. The same reports are made on a Dask cluster of two workers on this machine too, where Dask
is installed: set up as docs/running.md says, the workers have loaded everything before the run begins, whereas our own
run's time holds its loading. Beside each figure stands what was asked of it.
"""

import argparse
import contextlib
import json
import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from attendlib.export.entry import Entry
from attendlib.intake.kept import FOLDER as KEPT
from attendlib.intake.store import ensure_store
from attendlib.intake.study import read_study
from attendlib.intake.synthetic.write import write_trust
from attendlib.records.answer import Row
from attendlib.runner.plan import make_plan
from attendlib.runner.state import put, read_entry, write_entry
from attendlib.runner.watch import private, resident

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).resolve().parent / "peers"
NOTEBOOKS = ("attainment_link", "transition_dip", "intervention_impact")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "MPLBACKEND": "agg"}

# Two workers that make as many reports at once as a run here does on two cores, set up as docs/running.md says. Where
# they are not ready in ten seconds, the figure is the worse for it.
CALM = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
    "DASK_DISTRIBUTED__WORKER__MEMORY__MONITOR_INTERVAL": "1s",
}
CLUSTER = """
import sys, time
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None, preload=sys.argv[1:]) as cluster:
        time.sleep(10)
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""

LOOK = """study: look
title: A look
data: ../data
academic_year: "2024/25"
key_file: ../key
notebooks:
"""


@dataclass(frozen=True)
class Cost:
    """CPU and wall seconds."""

    cpu: float
    wall: float


def make_study(folder: Path, schools: int) -> Path:
    """A synthetic trust of so many schools and the demo's study on it, already in the store."""
    study = folder / "params" / "study.yml"
    if not study.exists():
        write_trust(folder / "data" / "demo", schools=schools, pupils=440 * schools)
        study.parent.mkdir(parents=True, exist_ok=True)
        study.write_text((ROOT / "params" / "demo-trust.yml").read_text(encoding="utf-8") + "key_file: ../key\n")
    ensure_store(read_study(study))
    return study


def asked(study: Path, schools: int, some: int | None = None) -> list[tuple[str, str, dict]]:
    """(school, notebook, parameters) of every report: so many schools, three notebooks, as the run itself has them.

    `some` of them are spread over all: the first are primary schools, whose reports take least.
    """
    jobs = [job for job in make_plan(read_study(study)).jobs if job.school != "all" and job.name in NOTEBOOKS]
    chosen = sorted({job.school for job in jobs})[:schools]
    some = min(some or schools, len(chosen))
    spread = {chosen[number * len(chosen) // some] for number in range(some)}
    return [(job.school, job.name, dict(job.parameters)) for job in jobs if job.school in spread]


def forget(study: Path) -> None:
    """The store as an import leaves it, without the frames that earlier reports kept there: each run makes its own."""
    for folder in read_study(study).store_folder.glob(f"*/{KEPT}"):
        shutil.rmtree(folder)


def attend(*arguments: object) -> list[str]:
    return [sys.executable, "-c", "from attendlib.cli import main; main()", *(str(argument) for argument in arguments)]


def timed(command: list) -> Cost:
    """Runs a command to its end: its cost, all its children's included."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    ended(command, start(command).wait())
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def start(command: list) -> subprocess.Popen:
    return subprocess.Popen(command, env=os.environ | ONE_THREAD, stdout=subprocess.DEVNULL)


def ended(command: list, code: int) -> None:
    if code not in (0, 1):
        raise SystemExit(f"{command[2]} ended with {code}")
    if code:
        print("  some reports failed, on both sides alike: they are in the figures", flush=True)


def memory(command: list) -> tuple[float, float]:
    """Runs a command to its end: the driver's largest resident memory, and the largest private memory of any process
    two steps below it, a kernel's (MB)."""
    driver, kernel = 0.0, 0.0
    process = start(command)
    while process.poll() is None:
        driver = max(driver, resident(process.pid) / 1e6)
        for pid in [below for child in children(process.pid) for below in children(child)]:
            kernel = max(kernel, private(pid) / 1e6)
        time.sleep(0.05)
    ended(command, process.returncode)
    return driver, kernel


def children(pid: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def nothing_to_do(folder: Path, page: bytes, rows: tuple[Row, ...]) -> Cost:
    """60 schools and 5 notebooks, all up to date, each with this page and these figures: what one look costs, start of
    Python included."""
    study = folder / "params" / "study.yml"
    if not study.exists():
        write_trust(folder / "data", schools=60, pupils=60 * 60)
        study.parent.mkdir(parents=True, exist_ok=True)
        names = [f"look_{number}" for number in range(5)]
        for name in names:
            shutil.copy(ROOT / "notebooks" / "attainment_link.ipynb", study.parent / f"{name}.ipynb")
        notebooks = "".join(f"  ./{name}.ipynb: {{}}\n" for name in names)
        study.write_text(LOOK + notebooks, encoding="utf-8")
    plan, out = make_plan(read_study(study)), folder / "out"
    for job in plan.jobs:
        names = (f"{job.name}.html", f"{job.name}.ipynb")
        files = {name: put(out, f"{job.school}/{name}", page.decode()) for name in names}
        entry = Entry(
            job.name,
            job.school,
            job.school_name,
            job.question,
            "done",
            job.key,
            job.page_key,
            "T",
            "S.",
            rows=rows,
            files=files,
        )
        write_entry(out, job, entry)
    command = attend("run", study, "--out", out)
    timed(command)
    costs = [timed(command) for _ in range(3)]
    return Cost(statistics.median(c.cpu for c in costs), statistics.median(c.wall for c in costs))


def on_dask(study: Path, folder: Path, chosen: list[str]) -> Cost:
    """The same reports on a new Dask cluster here, its two workers loaded beforehand; CPU is the driver's alone."""
    script = folder / "cluster.py"
    script.write_text(CLUSTER, encoding="utf-8")
    shutil.rmtree(folder / "out-dask", ignore_errors=True)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(
        [sys.executable, script, "attendlib.runner.worker"], env=os.environ | ONE_THREAD | CALM, text=True, **pipes
    ) as cluster:
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        cost = timed(attend("run", study, "--out", folder / "out-dask", "--scheduler", address, *chosen))
        cluster.communicate("")
    return cost


def median(costs: list[Cost], of: Callable[[Cost], float]) -> float:
    return statistics.median(of(cost) for cost in costs)


def compare(folder: Path, schools: int, peer_schools: int, rounds: int, dask: bool) -> None:
    """Prints every figure, one a line."""
    study = make_study(folder / "trust", schools)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "attendlib")], check=False)
    reports, peer_reports = len(asked(study, schools)), len(asked(study, schools, peer_schools))
    given, every = folder / "peer.json", folder / "reports.json"
    given.write_text(json.dumps(asked(study, schools, peer_schools)), encoding="utf-8")
    every.write_text(json.dumps(asked(study, schools)), encoding="utf-8")
    os.environ["ATTEND_STUDY"] = str(study)
    chosen = [part for school in sorted({s for s, _, _ in asked(study, schools)}) for part in ("--school", school)]
    ours, peers, limits, clustered = [], [], [], []
    print(f"load at the start {os.getloadavg()[0]:.1f}; {reports} reports ours, {peer_reports} the peer's", flush=True)
    for number in range(rounds):
        out = folder / f"out-{number}"
        shutil.rmtree(out, ignore_errors=True)
        forget(study)
        ours.append(timed(attend("run", study, "--out", out, *chosen)))
        print(f"  ours  {ours[-1]}", flush=True)
        alone = [sys.executable, PEERS / "cells_alone.py", every]
        done = subprocess.run(alone, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=True)
        limits.append(Cost(*map(float, done.stdout.split())))
        print(f"  limit {limits[-1]}", flush=True)
        peers.append(timed([sys.executable, PEERS / "serial_papermill.py", given, folder / f"peer-{number}"]))
        print(f"  peer  {peers[-1]}", flush=True)
        if dask:
            forget(study)
            clustered.append(on_dask(study, folder, chosen))
            print(f"  dask  {clustered[-1]}", flush=True)
    out = folder / "out-memory"
    shutil.rmtree(out, ignore_errors=True)
    forget(study)
    driver_mb, kernel_mb = memory(attend("run", study, "--out", out, *chosen))
    cpu, wall = median(ours, lambda c: c.cpu) / reports, median(ours, lambda c: c.wall) / reports
    peer_cpu = median(peers, lambda c: c.cpu) / peer_reports
    peer_wall = median(peers, lambda c: c.wall) / peer_reports
    floor = median(limits, lambda c: c.cpu)
    share = peer_reports / reports
    less_cpu = statistics.median(peer.cpu / own.cpu / share for own, peer in zip(ours, peers, strict=True))
    less_wall = statistics.median(peer.wall / own.wall / share for own, peer in zip(ours, peers, strict=True))
    over = statistics.median(own.cpu / reports - limit.cpu for own, limit in zip(ours, limits, strict=True))
    cores = len(os.sched_getaffinity(0))
    use = median(ours, lambda c: c.cpu / (cores * c.wall))
    print(f"attend run      {cpu:.2f} CPU s, {wall:.2f} wall s a report")
    print(f"papermill loop  {peer_cpu:.2f} CPU s, {peer_wall:.2f} wall s a report")
    print(f"cells alone     {floor:.2f} CPU s a report")
    held("less CPU", less_cpu, "times", at_least=5)
    held("less wall", less_wall, "times", at_least=8)
    held("overhead", over, "CPU s a report beyond the cells", at_most=0.35)
    held("use of cores", use, "of all their time", at_least=0.85)
    held("driver", driver_mb, "MB", at_most=300)
    held("a kernel's own", kernel_mb, "MB", at_most=150)
    if dask:
        on_two = statistics.median(theirs.wall / own.wall for own, theirs in zip(ours, clustered, strict=True))
        held("on Dask", on_two, "times the wall time", at_most=1.2)
    page = next((folder / "out-0").glob("*/attainment_link.html")).read_bytes()
    made = [read_entry(folder / "out-0", job) for job in make_plan(read_study(study)).jobs]
    figures = [row for entry in made for row in entry.rows]
    look = nothing_to_do(folder / "look", page, tuple(figures[: len(figures) // reports]))
    held("nothing to do", look.wall, f"wall s, {look.cpu:.2f} CPU s for 60 schools and 5 notebooks", at_most=2)


def held(what: str, value: float, unit: str, at_least: float = 0, at_most: float = math.inf) -> None:
    """A figure in a line, and whether it is what was asked."""
    asked_for = f"at least {at_least:g}" if at_least else f"at most {at_most:g}"
    print(f"{what:<15} {value:.2f} {unit} (asked: {asked_for}{'' if at_least <= value <= at_most else ', NOT MET'})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schools", type=int, default=20)
    parser.add_argument("--peer-schools", type=int, help="fewer for the slow loop; all unless said")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--dask",
        action=argparse.BooleanOptionalAction,
        default=find_spec("distributed") is not None,
        help="also on a Dask cluster of two workers here",
    )
    parser.add_argument("--folder", type=Path, help="kept between runs; temporary unless said")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        compare(folder.resolve(), given.schools, given.peer_schools or given.schools, given.rounds, given.dask)


if __name__ == "__main__":
    main()
