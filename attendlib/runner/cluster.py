"""Makes reports on the workers of an existing Dask cluster, to which the study, its data and OUT are shared paths.

A worker that is lost takes its kernels along; the scheduler gives its reports to others. A cluster serves one run at a
time.
"""

import importlib
import itertools
import secrets as tokens
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from attendlib.errors import AttendError
from attendlib.export.scan import Secrets
from attendlib.runner import worker
from attendlib.runner.plan import Plan
from attendlib.runner.report import Made, lost
from attendlib.runner.state import BusyError
from attendlib.runner.work import How, Todo

_AHEAD = 4  # reports sent ahead for each thread of the cluster: none waits for the driver, little is lost with a worker
_PATIENCE = "30s"
_NAME = "attendlib"  # of our clients: by it one run knows of another


def on_cluster(plan: Plan, wanted: Sequence[Todo], out: Path, secrets: Secrets, how: How) -> Generator[Made | None]:
    """None once the first reports are sent, then each as it is made.

    Raises AttendError where the cluster cannot make the same reports as this machine.
    """
    distributed = _distributed()
    token, study = tokens.token_hex(8), str(plan.study_file.path)
    jobs = {(item.job.school, item.job.name): item.job for item in wanted}

    def report(arguments: tuple[Any, ...], made: object) -> Made:
        job = jobs[arguments[3], arguments[4]]
        return made if isinstance(made, Made) else lost(job, out, secrets, repr(made))

    with _client(distributed, how.scheduler) as client:
        _alone(client)
        _check(_each(client, worker.about, study, str(out)), worker.about(study, str(out)))
        try:
            given = [(token, study, str(out), i.job.school, i.job.name, i.job.page_key, i.need, how) for i in wanted]
            for finished in flow(distributed, client, worker.one, given):
                yield report(*finished) if finished else None
        except (CancelledError, OSError) as error:
            if client.status == "running":
                raise
            raise AttendError("The Dask scheduler was lost. The same command goes on where it stopped.") from error
        finally:
            with suppress(Exception):  # a cluster that is gone has nothing left to tidy
                client.run(worker.leave, token)


def flow(
    distributed: ModuleType, client: Any, function: Callable[..., Any], given: Iterable[tuple[Any, ...]]
) -> Generator[tuple[tuple[Any, ...], Any] | None]:
    """None once the first calls are sent, then (arguments, result) of each as it is done.

    Where workers died over a call time and again, its result is that error. Raises whatever else a call raises. Closed
    early, it takes back what has not begun.
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
        yield None
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
    return {name: each for name, each in answers.items() if not isinstance(each, OSError)}


def _is_wrong(answer: object) -> bool:
    return isinstance(answer, Exception) and not isinstance(answer, OSError)


def _check(workers: Mapping[str, Mapping[str, str]], mine: Mapping[str, str]) -> None:
    if not workers:
        raise AttendError("The cluster has no workers. Start some with `dask worker`, on the same shared folders.")
    unlike = sorted({name for about in workers.values() for name in mine if about.get(name) != mine[name]})
    if unlike:
        count = sum(dict(about) != dict(mine) for about in workers.values())
        what = "; ".join(
            f"{name}: {mine[name]} here, {', '.join(_others(workers, name, mine))} there" for name in unlike
        )
        remedy = "Install the same on every machine, on the same shared folders, and start the workers again."
        raise AttendError(f"{count:,} of {len(workers):,} workers differ from this machine. {what}. {remedy}")


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
