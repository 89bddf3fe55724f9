"""Runs one notebook in a kernel of its own: without history, within its time and memory, gone when it is done."""

import logging
import secrets
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from attendlib import errors
from attendlib.errors import AttendError
from attendlib.records.report import Outcome
from attendlib.records.study import COMPARISONS, design_module
from attendlib.runner.forked import Template, can_fork
from attendlib.runner.place import environment, scratch, sockets_fit
from attendlib.runner.watch import Watch, Watched

Kind = Literal["auto", "forked", "ordinary"]
_NAMES = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, AttendError)}
_HIDDEN = ("rfc3987_syntax", "pyarrow")  # see `papermill`
_DIED = "DeadKernelError"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one report may take: seconds from its start, megabytes of memory that it shares with nobody."""

    seconds: float = 900
    megabytes: float = 4000


class StoppedError(Exception):
    """A report that did not finish: `status` and `reason` may be shown, `detail` goes to the private log only.

    `died` is set where its kernel ended by itself, the one case worth a second try.
    """

    def __init__(self, status: Outcome, reason: str, detail: str, died: bool = False) -> None:
        self.status: Outcome = status
        self.reason = reason
        self.detail = detail
        self.died = died
        super().__init__(reason)


class InterruptedRunError(Exception):
    """The run is being stopped; the report under way is left as it was."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What is loaded only when a report is to be made."""

    run_notebook: Callable[..., dict[str, Any]]
    page_html: Callable[[Mapping[str, Any], str, str, str], str]
    manager_of: Callable[[Template | None, bool, Watch], type]


@cache
def papermill() -> Tools:
    """papermill and nbconvert's page maker, imported when the first report is to be made.

    jsonschema, which both load, reads a grammar for web addresses (1.3 CPU s), and papermill loads pyarrow to read
    from Hadoop: no notebook needs either. Hidden for the moment of the import, they are done without.
    """
    unseen = [name for name in _HIDDEN if name not in sys.modules]
    for name in unseen:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        from attendlib.export.page import page_html
        from attendlib.runner.managers import manager_of, run_notebook
    finally:
        for name in unseen:
            sys.modules.pop(name, None)
    return Tools(run_notebook, page_html, manager_of)


@contextmanager
def kernels(
    study: Path, limits: Limits | None = None, kind: Kind = "auto", also: Sequence[str] = (),
    warm: Template | None = None,
) -> Iterator["Kernels"]:  # fmt: skip
    """While it lasts, notebooks of this study can be run; at its end no process and no file of theirs is left.

    `also`: modules its notebooks load beside `attendlib.notebook`. `warm`: a template that is running already: it is
    used, and left running.
    """
    fork = kind == "forked" or (kind == "auto" and can_fork())
    with ExitStack() as stack:
        if warm and fork:
            ground, own = warm.folder, TemporaryDirectory(prefix="", dir=warm.folder, ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(own))
        else:
            ground = folder = stack.enter_context(scratch())
        stack.enter_context(environment(folder, study, ground))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # the libraries' own; nothing of a report comes this way
        for name in ("papermill", "traitlets", "jupyter_client"):
            logging.getLogger(name).addHandler(logging.NullHandler())
        template = (warm or stack.enter_context(_started(ground, also))) if fork else None
        made = Kernels(folder, limits or Limits(), template, kind == "forked")
        try:
            yield made
        finally:
            made.close()


@contextmanager
def warmed() -> Iterator[Template | None]:
    """While it lasts, a template for any number of runs, with every design loaded; None where forking is unsafe. Loads
    papermill here too."""
    every = sorted({design_module(design) for design in COMPARISONS})
    with scratch() as folder, ExitStack() as stack:
        with environment(folder):
            template = stack.enter_context(_started(folder, every)) if can_fork() else None
            papermill()
        yield template


@contextmanager
def _started(folder: Path, also: Sequence[str] = ()) -> Iterator[Template]:
    """A template that loads its libraries while this process goes on; at the end it is gone, with every kernel left."""
    template = Template(folder, also)
    try:
        with suppress(OSError):  # tried again for each kernel
            template.ensure_running()
        yield template
    finally:
        template.stop()


class Kernels:
    """What runs notebooks, each in a kernel of its own: forked from the template, or started afresh.

    Started afresh where there is no template, or where it cannot fork and `only_forked` is not set.
    """

    def __init__(self, folder: Path, limits: Limits, template: Template | None, only_forked: bool) -> None:
        self.folder = folder
        self.limits = limits
        self.template = template
        self.stopping = False
        self.watch = Watch(limits.seconds, limits.megabytes)
        self._manager = papermill().manager_of(template, only_forked, self.watch)

    def execute(self, notebook: Mapping[str, Any], parameters: Mapping[str, Any], name: str = "") -> dict[str, Any]:
        """The notebook after papermill ran it with these parameters; `name` is what the study calls it.

        Raises StoppedError when it did not finish, InterruptedRunError when the run is being stopped.
        """
        if self.stopping:
            raise InterruptedRunError
        place = self.folder / secrets.token_hex(4)
        place.mkdir(mode=0o700)
        file = str(place / "k.json")
        watched = self.watch.expect(file, name)
        try:
            return self._execute(notebook, parameters, file, watched)
        except Exception as error:
            if self.stopping:
                raise InterruptedRunError from error
            raise self._stopped(error, watched) from error
        finally:
            self.watch.forget(file)
            shutil.rmtree(place, ignore_errors=True)

    def stop(self) -> None:
        """Ends all kernels; each report under way raises InterruptedRunError."""
        self.stopping = True
        self.watch.stop_all()

    def close(self) -> None:
        """Ends whatever is left."""
        self.stop()
        self.watch.close()

    def _execute(
        self, notebook: Mapping[str, Any], parameters: Mapping[str, Any], file: str, watched: Watched
    ) -> dict[str, Any]:
        transport = "ipc" if sockets_fit(self.folder) else "tcp"
        return papermill().run_notebook(
            notebook,
            parameters,
            kernel_manager_class=self._manager,
            shutdown_kernel="immediate",
            timeout_func=lambda _cell: max(1, round(watched.until - time.monotonic())),
            record_timing=False,
            connection={"connection_file": file, "transport": transport},
        )

    def _stopped(self, error: Exception, watched: Watched) -> StoppedError:
        """Only the words of our own errors are for the page; of any other, its kind."""
        kind = str(getattr(error, "ename", type(error).__name__))
        kind = kind if kind.isidentifier() else "Exception"  # a name of somebody's own may hold anything
        detail = "\n".join(getattr(error, "traceback", ())) or f"{kind}: {error}"
        if watched.ended == "memory" or kind == "MemoryError":
            reason = f"It needed more than {self.limits.megabytes:,.0f} MB of memory."
            return StoppedError(
                "over_memory", reason if watched.ended else "It needed more memory than there is.", detail
            )
        if watched.ended == "time" or isinstance(error, TimeoutError):
            return StoppedError("timed_out", f"It took longer than {self.limits.seconds:g} seconds.", detail)
        if isinstance(error, RuntimeError | OSError | EOFError):  # nbclient's and ours; a cell's error is papermill's
            reason = "Its kernel stopped without a word." if kind == _DIED else f"Its kernel did not start ({kind})."
            return StoppedError("failed", reason, detail, died=True)
        if kind in _NAMES:
            return StoppedError("failed", str(getattr(error, "evalue", error)), detail)
        return StoppedError("failed", f"It stopped with an unexpected error ({kind}).", detail)
