"""Many reports at once: what is out of date is made, one failing report stops nobody, the index says what there is."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from attendlib.export.entry import FAILING, Entry
from attendlib.export.index import index_html
from attendlib.export.manifest import manifest_json
from attendlib.export.results import results_csv
from attendlib.export.scan import Finding, Secrets, scan
from attendlib.runner.identifiers import forbidden
from attendlib.runner.kernels import SECONDS, kernel_environment, papermill
from attendlib.runner.keys import FIGURES_FROM, PAGES_FROM, versions
from attendlib.runner.log import write_log
from attendlib.runner.plan import Job, Plan
from attendlib.runner.report import Made, make
from attendlib.runner.state import Need, need, put, read_entry

DERIVED = ("index.html", "results.csv", "manifest.json")


@dataclass(frozen=True, slots=True)
class Todo:
    """A report, what it was when the run began, and what it needs now."""

    job: Job
    before: Entry
    need: Need


@dataclass(frozen=True, slots=True)
class Ran:
    """A run's end: the reports asked for as they now stand, what was made, and what the last look over found."""

    entries: tuple[Entry, ...]
    made: tuple[Entry, ...]
    findings: tuple[Finding, ...] = ()
    log: Path | None = None
    stopped: bool = False

    @property
    def failed(self) -> bool:
        """Whether some report asked for has no page because something went wrong, or the last look found something."""
        return bool(self.findings) or any(entry.status in FAILING for entry in self.entries)


def todo(jobs: Sequence[Job], out: Path, force: bool = False, only_failed: bool = False) -> tuple[Todo, ...]:
    """What each report needs. `force` runs all of them; `only_failed` leaves out those that did not fail."""
    found = []
    for job in jobs:
        entry = read_entry(out, job)
        if not only_failed or entry.status in FAILING:
            found.append(Todo(job, entry, "run" if force else need(out, job, entry)))
    return tuple(found)


def run(
    plan: Plan,
    todos: Sequence[Todo],
    out: Path,
    tell: Callable[[Made], None],
    workers: int | None = None,
    seconds: float = SECONDS,
) -> Ran:
    """Makes what is needed, then the index, results.csv and manifest of the whole study, and looks all of it over.

    `tell` hears of each report once it is made. Interrupted, it finishes the reports under way and stops.
    """
    started = time.monotonic()
    wanted = [item for item in todos if item.need != "nothing"]
    made: list[Made] = []
    stopped = False
    secrets = forbidden(plan.study_file) if wanted else None
    if secrets:
        stopped = _all_made(plan, wanted, out, secrets, workers or os.cpu_count() or 1, seconds, made, tell)
    summarise(plan, out, time.monotonic() - started, changed=bool(made))
    findings = _look_over(out, secrets) if secrets else ()
    log = write_log(plan.study_file.study.study, made) if any(item.detail for item in made) else None
    entries = tuple(read_entry(out, item.job) for item in todos)
    return Ran(entries, tuple(item.entry for item in made), findings, log, stopped)


def summarise(plan: Plan, out: Path, seconds: float, changed: bool = True) -> None:
    """Writes index, results.csv and manifest from the sidecars; the manifest only when reports were made."""
    entries = [read_entry(out, job) for job in plan.jobs]
    study = plan.study_file.study
    put(out / "index.html", index_html(study, entries, plan.parameters))
    put(out / "results.csv", results_csv(study.study, entries))
    if changed or not (out / "manifest.json").exists():
        put(out / "manifest.json", manifest_json(study.study, entries, versions(FIGURES_FROM + PAGES_FROM), seconds))


def _all_made(
    plan: Plan, wanted: Sequence[Todo], out: Path, secrets: Secrets, workers: int, seconds: float,
    made: list[Made], tell: Callable[[Made], None],
) -> bool:  # fmt: skip
    """Fills `made` as reports are finished; returns whether it was interrupted."""
    papermill()  # once, before threads that would all import it at the same time
    pool = ThreadPoolExecutor(max_workers=workers)
    with kernel_environment(plan.study_file.path):
        waiting = {pool.submit(make, item.job, out, item.need, secrets, seconds) for item in wanted}
        try:
            for each in _as_finished(waiting):
                made.append(each)
                tell(each)
            return False
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            return True
        finally:
            pool.shutdown(wait=True)


def _as_finished(waiting: set[Future[Made]]) -> Iterator[Made]:
    while waiting:
        finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in finished:
            yield future.result()


def _look_over(out: Path, secrets: Secrets) -> tuple[Finding, ...]:
    """Scans the summaries (each page was scanned before it was written); one that holds something is taken away."""
    findings = scan(out, secrets, DERIVED)
    for finding in findings:
        (out / finding.file).unlink(missing_ok=True)
    return findings
