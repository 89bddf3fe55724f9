"""Many reports at once: what is out of date is made, one failing report stops nobody, the index says what there is."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from attendlib.export.entry import FAILING, Entry, Known
from attendlib.export.index import index_html
from attendlib.export.manifest import manifest_json
from attendlib.export.results import results_parts
from attendlib.export.scan import Finding, Secrets
from attendlib.records.study import ALL
from attendlib.runner.cluster import on_cluster
from attendlib.runner.identifiers import forbidden
from attendlib.runner.keys import FIGURES_FROM, PAGES_FROM, versions
from attendlib.runner.log import write_log
from attendlib.runner.plan import Job, Plan
from attendlib.runner.report import Made
from attendlib.runner.state import FullDiskError, need, only_run, put_parts, read_entry, read_known, says
from attendlib.runner.work import How, Todo, here

INTERRUPTED = "Stopped. The same command goes on where it stopped."
_REFRESH = 30.0  # seconds between two indexes of a run under way, or
_SHARE = 20.0  # so many times what writing one takes, if that is longer


@dataclass(frozen=True, slots=True)
class Ran:
    """A run's end: the reports asked for as they now stand, what was made, what the last look over found, and why it
    stopped early, if it did."""

    entries: tuple[Known, ...]
    made: tuple[Entry, ...]
    findings: tuple[Finding, ...] = ()
    log: Path | None = None
    stopped: str = ""

    @property
    def failed(self) -> bool:
        """Whether some report asked for has no page because something went wrong, or the last look found something."""
        known = (*self.entries, *self.made)  # what was made may not have been written down
        return bool(self.findings or self.stopped) or any(entry.status in FAILING for entry in known)


def todo(jobs: Sequence[Job], out: Path, force: bool = False, only_failed: bool = False) -> tuple[Todo, ...]:
    """What each report needs. `force` runs all of them; `only_failed` leaves out those that did not fail."""
    found = []
    for job in jobs:
        entry = _lean(read_entry(out, job))  # with its figures first: where those cannot be read, it is run again
        if not only_failed or entry.status in FAILING:
            found.append(Todo(job, entry, "run" if force else need(out, job, entry)))
    return tuple(found)


def run(plan: Plan, todos: Sequence[Todo], out: Path, tell: Callable[[Made], None], how: How | None = None) -> Ran:
    """Makes what is needed, then index, results.csv and manifest of the whole study, each scanned before it is written.

    `tell` hears of each report once it is made. Interrupted, it ends the reports under way, which stay as they were.
    Raises BusyError where another run writes to `out`.
    """
    how = how or How()
    wanted = sorted((item for item in todos if item.need != "nothing"), key=longest_first)
    with only_run(out):
        if wanted:
            made, findings, why = _made(plan, wanted, out, tell, how)
        else:
            made, findings, why = [], summarise(plan, out, 0.0), ""
        log, no_room = _logged(plan, made)
        entries = tuple(read_known(out, item.job) if wanted else item.before for item in todos)
    return Ran(entries, tuple(item.entry for item in made), findings, log, why or no_room)


def _lean(entry: Entry) -> Entry:
    """The same without its rows, of which thousands of reports have millions."""
    return replace(entry, rows=())


def _logged(plan: Plan, made: Sequence[Made]) -> tuple[Path | None, str]:
    """Where the private log of what went wrong is, if anything did, and why it could not be written."""
    if not any(item.detail for item in made):
        return None, ""
    try:
        return write_log(plan.study_file.study.study, made), ""
    except FullDiskError as full:
        return None, str(full)


def longest_first(item: Todo) -> tuple[bool, float]:
    """Where a report stands in the order of making: those of all schools first, then what took longest before.

    A long one begun last would keep one core busy while the others stand idle.
    """
    return item.job.school != ALL, -item.before.seconds


def summarise(plan: Plan, out: Path, seconds: float, secrets: Secrets | None = None) -> tuple[Finding, ...]:
    """Writes index, results.csv and manifest from the sidecars, each scanned first; returns what the scan found.

    One that holds something is not written, and an earlier one goes. Without `secrets` no report was made: the manifest
    stays, and the data are read for their identifiers only where a text is not what stands there already.
    """
    study, made = plan.study_file.study, secrets is not None
    entries: list[Entry] = []

    def results() -> Iterator[str]:
        """results.csv, part by part; on the way `entries` are what index and manifest need of each report."""
        entries.clear()
        return results_parts(study.study, _noted(plan.jobs, out, entries))

    if secrets is None and not says(out, "results.csv", results()):
        secrets = forbidden(plan.study_file, out)
    findings = _put(out, "results.csv", results(), secrets) if secrets else ()
    index = index_html(study, entries, plan.parameters, phases=plan.phases, provenance=plan.provenance)
    texts = {"index.html": index}
    if made or not (out / "manifest.json").exists():
        found = versions(FIGURES_FROM + PAGES_FROM)
        texts["manifest.json"] = manifest_json(study.study, entries, found, seconds)
    if secrets is None:
        texts = {name: text for name, text in texts.items() if not says(out, name, [text])}
        secrets = forbidden(plan.study_file, out) if texts else None
    for name, text in texts.items():
        findings += _put(out, name, [text], secrets) if secrets else ()
    return findings


def _noted(jobs: Iterable[Job], out: Path, entries: list[Entry]) -> Iterator[Entry]:
    """What is known of each report; of its rows `entries` keep one, which tells how sure its intervals are."""
    for job in jobs:
        entry = read_entry(out, job)
        sure = [row for row in entry.rows if row.confidence_pct is not None]
        entries.append(replace(entry, rows=tuple(sure[:1])))
        yield entry


class _HeldError(Exception):
    """A text holds what no file may."""


def _put(out: Path, name: str, parts: Iterable[str], secrets: Secrets) -> tuple[Finding, ...]:
    """Writes a file, each part of it scanned first; returns what the scan found: if anything, there is no such file."""
    held: Counter[str] = Counter()

    def scanned() -> Iterator[str]:
        for part in parts:
            held.update({finding.what: finding.count for finding in secrets.findings(name, part)})
            yield part
        if held:
            raise _HeldError

    try:
        put_parts(out, name, scanned())
    except _HeldError:
        (out / name).unlink(missing_ok=True)
    return tuple(Finding(name, what, count) for what, count in held.items())


def _made(
    plan: Plan, wanted: Sequence[Todo], out: Path, tell: Callable[[Made], None], how: How
) -> tuple[list[Made], tuple[Finding, ...], str]:
    """The reports made, what the summaries would have given away, and why the run stopped early, if it did.

    The index is written while the first reports begin, so that it is true of a run that is killed, and from time to
    time.
    """
    started = time.monotonic()
    made: list[Made] = []
    secrets = forbidden(plan.study_file, out)
    works = on_cluster if how.scheduler else here
    findings: tuple[Finding, ...] = ()
    why, written = "", 0.0
    try:
        with closing(works(plan, wanted, out, secrets, how)) as finished:
            for each in finished:
                if each:
                    made.append(replace(each, entry=_lean(each.entry)))
                    tell(each)
                if time.monotonic() > written:
                    before = time.monotonic()
                    summarise(plan, out, before - started, secrets)
                    written = time.monotonic() + max(_REFRESH, _SHARE * (time.monotonic() - before))
    except KeyboardInterrupt:
        why = INTERRUPTED
    except FullDiskError as full:
        why = str(full)
    except BaseException:
        with suppress(Exception):  # the index tells of what was made before this went wrong
            summarise(plan, out, time.monotonic() - started, secrets)
        raise
    try:
        findings = summarise(plan, out, time.monotonic() - started, secrets)
    except FullDiskError as full:
        why = str(full)
    return made, findings, why
