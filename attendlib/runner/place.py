"""Where a run's kernels live: a folder of its own for their sockets and files, and the environment they start with."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from attendlib.intake.share import checkout

STUDY, NOTEBOOK = "ATTEND_STUDY", "ATTEND_NOTEBOOK"  # as intake.load reads them, which the driver does not load
_RUNTIME, _IPYTHON = "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"
OF_A_RUN = (STUDY, _RUNTIME)  # what a template's next run has otherwise
SCRATCH = "ATTEND_SCRATCH"
LONGEST_SOCKET = 100  # the longest path of a Unix socket is 107 characters, on macOS 103
_SOCKET = 60  # characters of a kernel's socket after the run's folder
_HELD = "held"  # a file of each folder
_NAME = re.compile(r"attend-(\d+)-\w+")
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "agg",
    # A kernel lives for seconds: memory handed back is soon asked for again. Dask's workers hand back every 64 KB, and
    # their children would, for a seventh more CPU.
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
}


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder, named after this process and held by it; those of processes that were killed are removed first."""
    root = _root()
    for folder in root.glob("attend-*-*"):
        if is_scratch(str(folder)) and _left(folder):
            shutil.rmtree(folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"attend-{os.getpid()}-", dir=root))
    try:
        with FileLock(folder / _HELD):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _left(folder: Path) -> bool:
    """Whether nobody has a folder any more. Processes of another container cannot be seen; that they hold it can."""
    if alive(int(_NAME.fullmatch(folder.name).group(1))):  # type: ignore[union-attr]
        return False
    try:
        with FileLock(folder / _HELD, timeout=0):
            return True
    except (Timeout, OSError):
        return False


@contextmanager
def environment(folder: Path, study: Path | None = None, ground: Path | None = None) -> Iterator[None]:
    """While it lasts, processes start with one thread, none of the user's own settings, and the study named if there is
    one. `ground`: the folder that a template removes as it ends, where that is not `folder`."""
    before = dict(os.environ)
    os.environ |= (
        _ENVIRONMENT | _folders(folder) | {SCRATCH: str(ground or folder)} | ({STUDY: str(study)} if study else {})
    )
    if root := checkout():
        os.environ["PYTHONPATH"] = os.pathsep.join(p for p in (str(root), before.get("PYTHONPATH", "")) if p)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def is_scratch(folder: str) -> bool:
    """Whether a folder's name is that of a run's own."""
    return bool(_NAME.fullmatch(os.path.basename(folder)))


def alive(pid: int) -> bool:
    """Whether this machine has such a process."""
    if sys.platform == "win32":
        return True  # asking by signal would end it; a folder too many does no harm
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def ended(pid: int) -> bool:
    """Whether there is no such process, or only what is left of one that nobody has asked after."""
    try:
        return not alive(pid) or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return not alive(pid)


def sockets_fit(folder: Path) -> bool:
    """Whether Unix sockets can stand under this folder: no ports to clash over, nothing on the network."""
    return sys.platform != "win32" and len(str(folder)) + _SOCKET <= LONGEST_SOCKET


def _root() -> Path:
    """The system's temporary folder; where its path is too long for sockets, the ordinary one."""
    usual = Path(tempfile.gettempdir())
    short = Path("/tmp")
    return short if not sockets_fit(usual) and short.is_dir() and os.access(short, os.W_OK) else usual


def _folders(folder: Path) -> dict[str, str]:
    runtime = folder / "r"
    runtime.mkdir(mode=0o700, exist_ok=True)
    return {_RUNTIME: str(runtime), _IPYTHON: str(folder / "ipython")}
