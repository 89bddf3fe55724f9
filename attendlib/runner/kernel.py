"""A kernel from its first moment: alone, without history, the same whether forked or started afresh."""

import ctypes
import importlib
import os
import random
import signal
import sys
from pathlib import Path

from ipykernel.iostream import OutStream
from ipykernel.kernelapp import IPKernelApp

STREAM = 1_000_000  # characters a notebook may print; no page carries them
_PR_SET_PDEATHSIG = 1
_ARGUMENTS = (
    "--HistoryManager.enabled=False",
    "--log-level=CRITICAL",
    f"--IPKernelApp.outstream_class={__name__}.CutStream",
)


class CutStream(OutStream):
    """What a notebook prints, up to a limit for both streams together; a flood beyond it goes nowhere."""

    left = STREAM

    def write(self, string: str) -> int:
        """Passes on what the limit leaves."""
        if CutStream.left <= 0 and isinstance(string, str):
            return len(string)
        written = super().write(string[: CutStream.left] if isinstance(string, str) else string)
        CutStream.left -= len(string)
        return int(written or 0)


def become(connection_file: str, parent: int) -> None:
    """Turns this process into the kernel of that connection file, in the file's folder, until it is ended."""
    _end_with(parent)
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    os.chdir(Path(connection_file).parent)
    IPKernelApp.clear_instance()
    app = IPKernelApp.instance()
    app.initialize(["-f", connection_file, f"--IPKernelApp.parent_handle={parent}", *_ARGUMENTS])
    settle()
    app.start()


def settle() -> None:
    """Random numbers from one start, figures from matplotlib's own defaults: no user's settings, no chance."""
    random.seed(0)
    importlib.import_module("numpy").random.seed(0)
    importlib.import_module("matplotlib").rcdefaults()


def _end_with(parent: int) -> None:
    """Where the system can, a kernel is ended the moment its parent is, whatever it is doing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


if __name__ == "__main__":
    become(sys.argv[1], int(sys.argv[2]) if sys.argv[2:] else os.getppid())
