"""A Dask worker's side of a run: it makes its own plan once, and keeps the run's kernels until the run is over.

A report is made only where its key is the driver's: the same study, data, code and versions, or none. What a killed run
leaves here goes when nothing has been asked for a minute. A worker started with `--preload attendlib.runner.worker` has
everything loaded, and a template waiting, before any run.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from attendlib.errors import AttendError
from attendlib.export.scan import Secrets
from attendlib.intake.study import read_study
from attendlib.runner.forked import Template
from attendlib.runner.identifiers import forbidden
from attendlib.runner.kernels import Kernels, kernels, warmed
from attendlib.runner.keys import FIGURES_FROM, PAGES_FROM, sources, versions
from attendlib.runner.plan import Job, make_plan
from attendlib.runner.report import Made, make
from attendlib.runner.state import Need
from attendlib.runner.work import How

_IDLE, _LOOK = 60.0, 5.0  # seconds without a report after which a worker lets a run's kernels go, and between two looks


@dataclass(slots=True)
class _Kept:
    """What a worker holds for a run: its reports, what none may hold, the kernels, and how to be rid of them; how many
    reports are under way, and when one last was (monotonic seconds)."""

    jobs: Mapping[tuple[str, str], Job]
    secrets: Secrets
    kernels: Kernels
    close: Callable[[], None]
    under_way: int = 0
    used: float = field(default_factory=time.monotonic)


_kept: dict[str, _Kept] = {}
_keeping = threading.Lock()
_warm: list[Template | None] = []  # at most one
_for_life = ExitStack()


def about(study: str, out: str) -> dict[str, str]:
    """What must be alike on driver and worker, by name."""
    shared = {"the study file": Path(study).is_file(), "the results folder": Path(out).is_dir()}
    found = {name: "there" if there else "missing" for name, there in shared.items()}
    return found | versions(FIGURES_FROM + PAGES_FROM) | {"attendlib's own code": sources()[:12]}


def one(token: str, study: str, out: str, school: str, name: str, key: str, need: Need, how: How) -> Made:
    """One report on a worker. Raises AttendError where the worker would make another than the driver's `key` names."""
    with _keeping:
        kept = _kept_for(token, study, out, how)
        kept.under_way += 1
    try:
        job = kept.jobs[school, name]
        if job.page_key != key:
            raise AttendError("A worker's study, data, code or versions differ from the driver's. Restart the workers.")
        return make(job, Path(out), need, kept.secrets, kept.kernels)
    finally:
        with _keeping:
            kept.under_way -= 1
            kept.used = time.monotonic()


def leave(token: str) -> None:
    """Ends this run's kernels here and removes their files."""
    with _keeping:
        if token in _kept:
            _close_all()


def dask_setup(_worker: object = None) -> None:
    """Called by Dask as a worker that preloads this module starts: libraries are loaded before a run needs them.

    The template goes with the process, not as the worker closes: then it may still be at reports.
    """
    if not _warm:
        about("", "")  # notes versions and digest of what is loaded now: after an update the worker is refused
        _warm.append(_for_life.enter_context(warmed()))


def _waiting() -> Template | None:
    """The template that was loaded before the run, if there is one; loaded again where its folder is gone."""
    if _warm and _warm[0] and not _warm[0].reachable:
        _for_life.close()
        _warm.clear()
        dask_setup()
    return _warm[0] if _warm else None


def _kept_for(token: str, study: str, out: str, how: How) -> _Kept:
    if token not in _kept:
        _close_all()
        _kept[token] = _keep(study, out, how)
        threading.Thread(target=_let_go, args=(token,), name="attend-idle", daemon=True).start()
    return _kept[token]


def _let_go(token: str) -> None:
    """A driver that was killed says no goodbye: what is kept for it goes when nothing was asked for a while. Should
    more be asked, it is made again."""
    while token in _kept:
        time.sleep(_LOOK)
        with _keeping:
            kept = _kept.get(token)
            if kept and not kept.under_way and time.monotonic() - kept.used > _IDLE:
                _close_all()


def _keep(study: str, out: str, how: How) -> _Kept:
    plan = make_plan(read_study(Path(study)))
    jobs = {(job.school, job.name): job for job in plan.jobs}
    with ExitStack() as stack:
        kept = stack.enter_context(kernels(plan.study_file.path, how.limits, how.kind, plan.modules, _waiting()))
        return _Kept(jobs, forbidden(plan.study_file, Path(out)), kept, stack.pop_all().close)


def _close_all() -> None:
    for token in list(_kept):
        _kept.pop(token).close()
