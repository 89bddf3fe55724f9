"""A kernel from its first moment: alone, without history, the same whether forked or started afresh."""

import ctypes
import importlib
import logging
import os
import random
import signal
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ipykernel.iostream import OutStream
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from IPython.core.profiledir import ProfileDir
from traitlets.config import Config

from attendlib.runner.messages import SETTINGS

STREAM = 1_000_000  # characters a notebook may print; no page carries them
_PR_SET_PDEATHSIG = 1
_DEBUGGER = "debugpy"


class CutStream(OutStream):
    """What a notebook prints, up to a limit for both streams together; a flood beyond it goes nowhere."""

    left = STREAM
    unsent = False

    def write(self, string: str) -> int:
        """Passes on what the limit leaves."""
        if CutStream.left <= 0 and isinstance(string, str):
            return len(string)
        self.unsent = True
        written = super().write(string[: CutStream.left] if isinstance(string, str) else string)
        CutStream.left -= len(string)
        return int(written or 0)

    def flush(self) -> None:
        """Sends what was printed since the last time, if anything was: to ask the thread that sends costs each cell as
        much as to run it."""
        if self.unsent:
            self.unsent = False
            super().flush()


class _NoThread:
    """No thread that takes messages while cells run: those of a report come one after another.

    Not None, for ipykernel asks it for its parent where a cell awaits something.
    """

    parent_thread = threading.main_thread()

    def __bool__(self) -> bool:
        return False


class TerseKernel(IPythonKernel):
    """A kernel that tells its client results, and that it is idle again; not what it was sent, nor that it is busy."""

    _supports_kernel_subshells = False

    def _publish_execute_input(self, *_args: Any, **_kwargs: Any) -> None:
        """A cell would be numbered by it; no page shows the number."""

    def _publish_status(self, status: str, *args: Any, **kwargs: Any) -> None:
        if status != "busy":
            super()._publish_status(status, *args, **kwargs)


class _Profile(ProfileDir):
    """A folder in which nothing is made beforehand."""

    def _mkdir(self, *_args: Any) -> bool:
        return False


class Application(IPKernelApp):
    """The kernel's application, told all it is to know: no command line to read, no settings of a user or machine."""

    def parse_command_line(self, argv: list[str] | None = None) -> None:
        """Nothing is read."""

    def load_config_file(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is read."""

    def init_profile_dir(self) -> None:
        """What IPython keeps for the next notebook (`%store`) goes with the kernel's own folder."""
        self.profile_dir = _Profile(location=os.getcwd())

    def init_control(self, context: Any) -> None:
        """As ever, but for the thread that messages would be taken in."""
        super().init_control(context)
        self.shell_channel_thread = _NoThread()

    def init_heartbeat(self) -> None:
        """The kernel's process is watched, not its heart."""

    def init_kernel(self) -> None:
        """Without the list of every loaded module that the kernel makes for its debugger, which is not there: a look at
        each would copy 16 MB of what a forked kernel shares with the template."""
        ipkernel: Any = importlib.import_module("ipykernel.ipkernel")
        ipkernel.sys = SimpleNamespace(**{**vars(sys), "modules": {}})
        try:
            super().init_kernel()
        finally:
            ipkernel.sys = sys


def become(connection_file: str, parent: int) -> None:
    """Turns this process into the kernel of that connection file, in the file's folder, until it is ended."""
    _end_with(parent)
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    os.chdir(Path(connection_file).parent)
    os.environ["IPYTHONDIR"] = os.path.abspath("ipython")  # extensions are found there
    IPKernelApp.clear_instance()
    app = Application.instance(config=_config(connection_file, parent))
    load_without_debugger()
    app.initialize()
    app.log.setLevel(logging.CRITICAL)  # ipykernel's logger stands at DEBUG, and makes what its handler drops
    plain_figures()
    _at_first_cell(app.shell, settle)
    app.start()


def _at_first_cell(shell: Any, call: Callable[[], None]) -> None:
    """Not before: the messages of a kernel's start draw random numbers too, as many as its start happens to take."""

    def once(_info: object) -> None:
        shell.events.unregister("pre_run_cell", once)
        call()

    shell.events.register("pre_run_cell", once)


def settle() -> None:
    """Random numbers from one start, whatever drew some before."""
    random.seed(0)
    importlib.import_module("numpy").random.seed(0)


@cache
def plain_figures() -> None:
    """Matplotlib's own defaults: no user's settings. Done once in the template it need not be again in a kernel."""
    importlib.import_module("matplotlib").rcdefaults()


def load_without_debugger() -> None:
    """ipykernel loads a debugger that no report can use, and that takes half of a kernel's start; hidden, it does
    without."""
    unseen = _DEBUGGER not in sys.modules
    if unseen:
        sys.modules[_DEBUGGER] = None  # type: ignore[assignment]
    importlib.import_module("ipykernel.debugger")
    if unseen:
        del sys.modules[_DEBUGGER]


def _config(connection_file: str, parent: int) -> Config:
    own: dict[str, Any] = {
        "connection_file": connection_file,
        "parent_handle": parent,
        "outstream_class": f"{__name__}.CutStream",
        "kernel_class": f"{__name__}.TerseKernel",
        "capture_fd_output": False,  # what other processes print; it would come too late for its cell, or be lost
        "log_level": logging.CRITICAL,
    }
    return Config({"IPKernelApp": own, "HistoryManager": {"enabled": False}, "Session": SETTINGS})


def _end_with(parent: int) -> None:
    """Where the system can, a kernel is ended the moment its parent is, whatever it is doing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


if __name__ == "__main__":
    become(sys.argv[1], int(sys.argv[2]) if sys.argv[2:] else os.getppid())
