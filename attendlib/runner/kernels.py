"""Runs one notebook in a kernel of its own: fresh, alone, without history, gone when it is done."""

import logging
import os
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from json import dumps
from pathlib import Path
from types import ModuleType
from typing import Any

from jupyter_core.utils import ensure_event_loop
from traitlets.config import Config

from attendlib import errors
from attendlib.errors import AttendError
from attendlib.export.cells import KERNEL
from attendlib.intake.share import checkout
from attendlib.records.report import Outcome

SECONDS = 900  # a report that takes longer has gone wrong
_LONGEST_SOCKET = 100  # the longest path of a Unix socket is 107 characters, on macOS 103
_NAMES = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, AttendError)}
_QUIET = ("--HistoryManager.enabled=False", "--log-level=CRITICAL")
_KERNEL_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "agg",
}


class StoppedError(Exception):
    """A report that did not finish: `status` and `reason` may be shown, `detail` goes to the private log only."""

    def __init__(self, status: Outcome, reason: str, detail: str) -> None:
        self.status: Outcome = status
        self.reason = reason
        self.detail = detail
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Tools:
    """What is loaded only when a report is to be made."""

    papermill: ModuleType
    from_dict: Callable[[Mapping[str, Any]], Any]
    page_html: Callable[[Mapping[str, Any], str, str, str], str]


@cache
def papermill() -> Tools:
    """papermill and nbconvert's page maker, imported when the first report is to be made.

    jsonschema, which both load, reads a grammar for web addresses (1.3 CPU s) that no notebook needs: hidden from it
    for the moment of the import, it does without.
    """
    hidden = "rfc3987_syntax"
    unseen = hidden not in sys.modules
    if unseen:
        sys.modules[hidden] = None  # type: ignore[assignment]
    try:
        import papermill
        from nbformat import from_dict

        from attendlib.export.page import page_html
    finally:
        if unseen:
            sys.modules.pop(hidden, None)
    return Tools(papermill, from_dict, page_html)


@contextmanager
def kernel_environment(study: Path) -> Iterator[None]:
    """While it lasts, kernels start with the study named, one thread, and none of the user's own settings."""
    with (
        tempfile.TemporaryDirectory(prefix="attend-", ignore_cleanup_errors=True) as scratch,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # the libraries' own; nothing of a report comes this way
        for name in ("papermill", "traitlets", "jupyter_client"):
            logging.getLogger(name).addHandler(logging.NullHandler())
        before = dict(os.environ)
        os.environ |= _KERNEL_ENVIRONMENT | _places(Path(scratch)) | {"ATTEND_STUDY": str(study)}
        if root := checkout():
            os.environ["PYTHONPATH"] = os.pathsep.join(p for p in (str(root), before.get("PYTHONPATH", "")) if p)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def execute(notebook: Mapping[str, Any], parameters: Mapping[str, Any], seconds: float = SECONDS) -> dict[str, Any]:
    """The notebook after papermill ran it with these parameters, inside `kernel_environment`.

    Raises StoppedError when it did not finish.
    """
    tools = papermill()
    deadline = time.monotonic() + seconds
    try:
        return tools.papermill.execute_notebook(
            tools.from_dict(dict(notebook)),
            None,
            parameters=dict(parameters),
            kernel_name="python3",
            progress_bar=False,
            request_save_on_cell_execute=False,
            shutdown_kernel="immediate",
            timeout_func=lambda _cell: max(1, int(deadline - time.monotonic())),
            config=_transport(),
        )
    except Exception as error:
        raise _stopped(error, seconds) from error
    finally:
        ensure_event_loop().close()  # this thread's, which nbclient opened and would leave open


def _stopped(error: Exception, seconds: float) -> StoppedError:
    """Only the words of our own errors are for the page; of any other, its kind."""
    kind = getattr(error, "ename", type(error).__name__)
    detail = "\n".join(getattr(error, "traceback", ())) or f"{kind}: {error}"
    if isinstance(error, TimeoutError):
        return StoppedError("timed_out", f"It took longer than {seconds:g} seconds.", detail)
    if kind == "MemoryError":
        return StoppedError("over_memory", "It needed more memory than there is.", detail)
    if kind == "DeadKernelError":
        return StoppedError("failed", "Its kernel stopped without a word, most often for want of memory.", detail)
    if kind in _NAMES:
        return StoppedError("failed", str(getattr(error, "evalue", error)), detail)
    return StoppedError("failed", f"It stopped with an unexpected error ({kind}).", detail)


def _places(scratch: Path) -> dict[str, str]:
    """Folders of the run's own for connection files and IPython's state, and a kernel that is this very Python."""
    spec = scratch / "kernels" / KERNEL["name"]
    spec.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *_QUIET]
    body = {"argv": command, "display_name": KERNEL["display_name"], "language": KERNEL["language"]}
    (spec / "kernel.json").write_text(dumps(body), encoding="utf-8")
    runtime, ipython = scratch / "r", scratch / "ipython"
    runtime.mkdir(mode=0o700)
    return {"JUPYTER_PATH": str(scratch), "JUPYTER_RUNTIME_DIR": str(runtime), "IPYTHONDIR": str(ipython)}


def _transport() -> Config:
    """Unix sockets where the system has them: no ports to clash over, nothing on the network.

    The connection file is named here, for the sockets are named after it; unnamed, every kernel's would be the same.
    """
    file = Path(os.environ["JUPYTER_RUNTIME_DIR"]) / f"{uuid.uuid4().hex}.json"
    ipc = sys.platform != "win32" and len(f"{file}-ipc-1") < _LONGEST_SOCKET
    return Config({"KernelManager": {"connection_file": str(file), "transport": "ipc" if ipc else "tcp"}})
