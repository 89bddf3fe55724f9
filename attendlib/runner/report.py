"""One report from start to end: run it, keep what may be kept, make its page, look it over, write it down."""

import json
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attendlib.errors import ReportError
from attendlib.export.clean import clean, to_text
from attendlib.export.entry import Entry
from attendlib.export.handed import check_gated, handed_back
from attendlib.export.scan import Secrets
from attendlib.records.report import Outcome
from attendlib.runner.kernels import InterruptedRunError, Kernels, StoppedError, papermill
from attendlib.runner.plan import Job
from attendlib.runner.state import FullDiskError, Need, full_disk, put, read_known, write_entry

HELD = "The reason held an identifier and is kept in the private log."
_KINDS = ("html", "ipynb", "pdf")


@dataclass(frozen=True, slots=True)
class Made:
    """A report as it now stands, and what only the private log may hold."""

    entry: Entry
    detail: str = ""


def make(job: Job, out: Path, what: Need, forbidden: Secrets, kernels: Kernels | None) -> Made:
    """Makes one report, or only its page (which needs no kernels), and writes its sidecar last.

    What goes wrong with it is a status. Raised is only what stops a run: FullDiskError, InterruptedRunError.
    """
    started = time.monotonic()
    try:
        made = _make(job, out, what, forbidden, kernels)
    except (FullDiskError, InterruptedRunError):
        raise
    except StoppedError as stopped:
        if full := full_disk(stopped):
            raise full from stopped
        made = Made(_without_page(job, stopped.status, stopped.reason), stopped.detail)
    except ReportError as error:
        made = Made(_without_page(job, "failed", str(error)), traceback.format_exc())
    except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
        reason = "A folder stands where its page or notebook must go, or a file where their folder must. Move it away."
        made = Made(_without_page(job, "failed", reason), "".join(traceback.format_exception(error)))
    except Exception as error:
        if full := full_disk(error):
            raise full from error
        reason = f"Making its page stopped with an unexpected error ({type(error).__name__})."
        made = Made(_without_page(job, "failed", reason), traceback.format_exc())
    made = _safe_to_say(made, forbidden)
    return _written(job, out, replace(made, entry=replace(made.entry, seconds=round(time.monotonic() - started, 2))))


def _written(job: Job, out: Path, made: Made) -> Made:
    """The report with its sidecar written. Where that cannot be, this report alone has failed: the others are made."""
    try:
        if not made.entry.files:
            _remove(job, out)
        write_entry(out, job, made.entry)
    except OSError as error:
        if full := full_disk(error):
            raise full from error
        _remove(job, out)  # a page that nothing is known of would be no report
        reason = f"Its record could not be written ({type(error).__name__}). See what stands in its place in .attend."
        return Made(_without_page(job, "failed", reason), traceback.format_exc())
    return made


def _safe_to_say(made: Made, forbidden: Secrets) -> Made:
    """The same, its reason and school's name fit for every page and line, its own sidecar among them: no identifier in
    them, and text that any file can hold."""
    if forbidden.findings("school", made.entry.school_name):
        made = replace(made, entry=replace(made.entry, school_name=""))
    reason = made.entry.reason.encode("utf-8", errors="replace").decode()
    if not forbidden.findings("reason", reason):
        return replace(made, entry=replace(made.entry, reason=reason))
    return Made(replace(made.entry, reason=HELD), f"{reason}\n{made.detail}")


def _make(job: Job, out: Path, what: Need, forbidden: Secrets, kernels: Kernels | None) -> Made:
    place = out / job.school
    left_out = read_known(out, job).left_out
    if what == "export":
        saved = json.loads((place / f"{job.name}.ipynb").read_text(encoding="utf-8"))
    else:
        saved, left_out = clean(job.notebook, _executed(job, kernels))
    entry = replace(_headline(job, saved), left_out=left_out)
    texts = {
        f"{job.name}.html": papermill().page_html(saved, job.name, job.school, job.school_name),
        f"{job.name}.ipynb": to_text(saved),
    }
    said = " ".join((entry.title, entry.sentence, entry.verdict))
    if findings := forbidden.findings_in({**texts, "headline record": said}):
        what_held = ", ".join(sorted({finding.what for finding in findings}))
        reason = f"The page held {what_held} and was not written."
        return Made(_without_page(job, "quarantined", reason), "\n".join(str(finding) for finding in findings))
    (place / f"{job.name}.pdf").unlink(missing_ok=True)  # of an earlier page
    return Made(replace(entry, files={name: put(out, f"{job.school}/{name}", text) for name, text in texts.items()}))


def lost(job: Job, out: Path, forbidden: Secrets, detail: str) -> Made:
    """A report that no worker of a cluster could make: each that tried was gone before it was done."""
    reason = "The machines it was made on were lost before it was done."
    return _written(job, out, _safe_to_say(Made(_without_page(job, "failed", reason), detail), forbidden))


def _executed(job: Job, kernels: Kernels | None) -> dict[str, Any]:
    """The notebook as run; a second time only where its kernel died of itself, for that may have been chance."""
    assert kernels is not None
    try:
        return kernels.execute(job.notebook, job.parameters, job.name)
    except StoppedError as stopped:
        if not stopped.died or full_disk(stopped):
            raise
    return kernels.execute(job.notebook, job.parameters, job.name)


def _headline(job: Job, saved: dict) -> Entry:
    handed = handed_back(saved, job.school)
    check_gated(handed, job.audience)
    record = handed.headline
    rows = tuple(row for each in handed.records for row in each.rows)
    return Entry(
        job.name, job.school, job.school_name, job.question, record.status, job.key, job.page_key,
        title=record.title, sentence=record.sentences[0], verdict=record.verdict, rows=rows,
    )  # fmt: skip


def _without_page(job: Job, status: Outcome, reason: str) -> Entry:
    return Entry(job.name, job.school, job.school_name, job.question, status, job.key, job.page_key, reason=reason)


def _remove(job: Job, out: Path) -> None:
    """Takes away an earlier page: beside a report that failed it would pass for the answer."""
    for kind in _KINDS:
        with suppress(IsADirectoryError, NotADirectoryError, PermissionError):  # no page of ours stands there
            (out / job.school / f"{job.name}.{kind}").unlink(missing_ok=True)
