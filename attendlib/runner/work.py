"""Makes reports on this machine: one lean driver, a pool of threads, a kernel of its own for each report."""

import os
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from attendlib.export.entry import Known
from attendlib.export.scan import Secrets
from attendlib.runner.kernels import Kernels, Kind, Limits, kernels
from attendlib.runner.plan import Job, Plan
from attendlib.runner.report import Made, make
from attendlib.runner.state import Need

_WORTH_A_TEMPLATE = 3  # for fewer reports the template would cost more than it saves
_PER_CORE = 2  # reports at once: while one kernel starts or hands over, another computes


@dataclass(frozen=True, slots=True)
class Todo:
    """A report, what it was when the run began, and what it needs now."""

    job: Job
    before: Known
    need: Need


@dataclass(frozen=True, slots=True)
class How:
    """How a run works: reports at once (None: two for each core), limits of each, kind of kernels, and the address of
    a Dask scheduler whose workers make the reports (empty: this machine)."""

    workers: int | None = None
    limits: Limits = field(default_factory=Limits)
    kind: Kind = "auto"
    scheduler: str = ""


def cores() -> int:
    """The cores this process may use: fewer than the machine has, on a cluster's node."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def here(plan: Plan, wanted: Sequence[Todo], out: Path, secrets: Secrets, how: How) -> Generator[Made | None]:
    """None once work has begun, then each report as it is made.

    Closed early, it ends all kernels and leaves what was under way as it was.
    """
    runs = sum(item.need == "run" for item in wanted)
    kind: Kind = "ordinary" if how.kind == "auto" and runs < _WORTH_A_TEMPLATE else how.kind
    with kernels(plan.study_file.path, how.limits, kind, plan.modules) if runs else nullcontext() as kept:
        pool = ThreadPoolExecutor(how.workers or _PER_CORE * cores(), thread_name_prefix="attend")
        done: SimpleQueue = SimpleQueue()
        try:
            for item in wanted:
                pool.submit(make, item.job, out, item.need, secrets, kept).add_done_callback(done.put)
            yield None
            for _ in wanted:
                yield done.get().result()
        finally:
            _stop(kept)
            pool.shutdown(wait=True, cancel_futures=True)


def _stop(kept: Kernels | None) -> None:
    if kept:
        kept.stop()
