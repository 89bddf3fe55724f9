"""Makes reports on the workers of an existing Dask cluster, to which the study, its data and OUT are shared paths.

A worker makes its own plan once a run, and a report only where its key is the driver's: the same study, data, code
and versions, or none. A worker that is lost takes its kernels along; the scheduler gives its reports to others. A
cluster serves one run at a time; what a killed run leaves on a worker goes when nothing has been asked for a minute.
"""

import importlib
import itertools
import secrets as tokens
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from attendlib.errors import AttendError
from attendlib.export.scan import Secrets
from attendlib.intake.study import read_study
from attendlib.runner.identifiers import forbidden
from attendlib.runner.kernels import Kernels, kernels
from attendlib.runner.keys import FIGURES_FROM, PAGES_FROM, sources, versions
from attendlib.runner.plan import Job, Plan, make_plan
from attendlib.runner.report import Made, lost, make
from attendlib.runner.state import BusyError, Need
from attendlib.runner.work import How, Todo

_AHEAD = 4  # reports sent ahead for each thread of the cluster: none waits for the driver, little is lost with a worker
_PATIENCE = "30s"
_NAME = "attendlib"  # of our clients: by it one run knows of another
_IDLE, _LOOK = 60.0, 5.0  # seconds without a report after which a worker lets a run's kernels go, and between two looks


def on_cluster(plan: Plan, wanted: Sequence[Todo], out: Path, secrets: Secrets, how: How) -> Generator[Made | None]:
    """None once the workers have begun, then each report as it is made.

    Raises AttendError where the cluster cannot make the same reports as this machine.
    """
    distributed = _distributed()
    token, study = tokens.token_hex(8), str(plan.study_file.path)
    jobs = {(item.job.school, item.job.name): item.job for item in wanted}
    with _client(distributed, how.scheduler) as client:
        _alone(client)
        _check(_each(client, _about, study, str(out)), _about(study, str(out)))
        try:
            _each(client, _begin, token, study, str(out), how)
            yield None
            given = [(token, study, str(out), i.job.school, i.job.name, i.job.page_key, i.need, how) for i in wanted]
            for arguments, made in flow(distributed, client, _one, given):
                job = jobs[arguments[3], arguments[4]]
                yield made if isinstance(made, Made) else lost(job, out, secrets, repr(made))
        except (CancelledError, OSError) as error:
            if client.status == "running":
                raise
            raise AttendError("The Dask scheduler was lost. The same command goes on where it stopped.") from error
        finally:
            with suppress(Exception):  # a cluster that is gone has nothing left to tidy
                client.run(_leave, token)


def flow(
    distributed: ModuleType, client: Any, function: Callable[..., Any], given: Iterable[tuple[Any, ...]]
) -> Generator[tuple[tuple[Any, ...], Any]]:
    """(arguments, result) of each call as it is done; where workers died over it time and again, their error.

    Raises whatever else a call raises. Closed early, it takes back what has not begun.
    """
    rest = iter(given)
    waiting: dict[Any, tuple[Any, ...]] = {}

    def send(count: int) -> list[Any]:
        sent = [
            (client.submit(function, *arguments, pure=False), arguments) for arguments in itertools.islice(rest, count)
        ]
        waiting.update((future.key, (future, arguments)) for future, arguments in sent)
        return [future for future, _ in sent]

    try:
        first = send(max(16, _AHEAD * sum(client.nthreads().values())))
        finished = distributed.as_completed(first, loop=client.loop)
        for future in finished:
            _, arguments = waiting.pop(future.key)
            try:
                result = future.result()
            except distributed.KilledWorker as error:
                result = error
            for sent in send(1):
                finished.add(sent)
            yield arguments, result
    finally:
        client.cancel([future for future, _ in waiting.values()])


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


def _one(token: str, study: str, out: str, school: str, name: str, key: str, need: Need, how: How) -> Made:
    """One report on a worker."""
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


def _begin(token: str, study: str, out: str, how: How) -> None:
    """The worker makes ready while the driver writes its index. Should that fail, the first report says why."""
    _keeping.acquire()  # at once: a run that is over before this has ended must find what there is to close
    threading.Thread(target=_ready, args=(token, study, out, how), name="attend-ready", daemon=True).start()


def _ready(token: str, study: str, out: str, how: How) -> None:
    try:
        with suppress(Exception):
            _kept_for(token, study, out, how)
    finally:
        _keeping.release()


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
    stack = ExitStack()
    kept = stack.enter_context(kernels(plan.study_file.path, how.limits, how.kind, plan.modules))
    jobs = {(job.school, job.name): job for job in plan.jobs}
    return _Kept(jobs, forbidden(plan.study_file, Path(out)), kept, stack.close)


def _leave(token: str) -> None:
    """A worker's kernels and folders for this run go."""
    with _keeping:
        if token in _kept:
            _close_all()


def _close_all() -> None:
    for token in list(_kept):
        _kept.pop(token).close()


def _alone(client: Any) -> None:
    """Raises BusyError where another run has the cluster: the workers' kernels are one run's at a time."""
    clients = client.run_on_scheduler(lambda dask_scheduler: [*dask_scheduler.clients])
    if any(f"-{_NAME}-" in name for name in clients if name != client.id):
        raise BusyError("Another run has this Dask cluster. Wait until it is done, or start a cluster of its own.")


def _each(client: Any, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """What each worker answers, but for those that are lost meanwhile. Raises AttendError where one cannot."""
    answers = client.run(function, *arguments, on_error="return")
    if wrong := [type(each).__name__ for each in answers.values() if _is_wrong(each)]:
        raise AttendError(f"A worker cannot load attendlib ({wrong[0]}). Install the same on every machine.")
    return {worker: each for worker, each in answers.items() if not isinstance(each, OSError)}


def _is_wrong(answer: object) -> bool:
    return isinstance(answer, Exception) and not isinstance(answer, OSError)


def _about(study: str, out: str) -> dict[str, str]:
    """What must be alike on driver and worker."""
    shared = {"the study file": Path(study).is_file(), "the results folder": Path(out).is_dir()}
    found = {name: "there" if there else "missing" for name, there in shared.items()}
    return found | versions(FIGURES_FROM + PAGES_FROM) | {"attendlib's own code": sources()[:12]}


def _check(workers: Mapping[str, Mapping[str, str]], mine: Mapping[str, str]) -> None:
    if not workers:
        raise AttendError("The cluster has no workers. Start some with `dask worker`, on the same shared folders.")
    unlike = sorted({name for about in workers.values() for name in mine if about.get(name) != mine[name]})
    if unlike:
        count = sum(dict(about) != dict(mine) for about in workers.values())
        what = "; ".join(
            f"{name}: {mine[name]} here, {', '.join(_others(workers, name, mine))} there" for name in unlike
        )
        raise AttendError(f"{count:,} of {len(workers):,} workers differ from this machine. {what}.")


def _others(workers: Mapping[str, Mapping[str, str]], name: str, mine: Mapping[str, str]) -> list[str]:
    return sorted({about.get(name, "none") for about in workers.values()} - {mine[name]})


def _client(distributed: ModuleType, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=_PATIENCE, name=_NAME, set_as_default=False)
    except (OSError, ValueError) as error:
        kind = type(error).__name__
        raise AttendError(
            f"--scheduler: no Dask scheduler answers at {address} ({kind}). Check the address."
        ) from error


def _distributed() -> ModuleType:
    try:
        return importlib.import_module("distributed")
    except ImportError:
        raise AttendError("--scheduler needs Dask. Install attendlib[dask], here and on the workers.") from None
