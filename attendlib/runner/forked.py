"""Kernels as forks of a template: the standard library's fork server, with all a notebook imports loaded in it once,
and the modules given as `also`.

A forked kernel starts in a tenth of a second instead of three, is a process of its own like any other, and is never
shared. The template holds no data, no ZMQ context and no event loop.
"""

import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import connection, process, reduction
from multiprocessing import forkserver as server
from pathlib import Path

PRELOAD = ("attendlib.runner.quiet_start", "attendlib.notebook", "attendlib.runner.preload")
KERNEL = "attendlib.runner.kernel"
_UNKNOWN_END = 255  # the template died and nobody saw the kernel's end


def can_fork() -> bool:
    """Whether forking a process with this many libraries in it is safe here: not on macOS, not on Windows."""
    return sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the fork server is sent: the kernel to become. `environment` is what differs from the template's.

    The driver says which process is the `template`: a kernel that asked could find it killed and itself an orphan.
    """

    connection_file: str
    environment: Mapping[str, str]
    template: int = 0

    def _bootstrap(self, parent_sentinel: int | None = None) -> int:
        """Called by the standard library in the forked process; its pipe to the driver has been read."""
        os.setsid()  # a signal for the run's terminal is not for kernels
        held = server._forkserver._forkserver_alive_fd  # type: ignore[attr-defined]
        os.close(held)  # else the template would outlive a driver that was killed
        os.environ.update(self.environment)
        importlib.import_module(KERNEL).become(self.connection_file, self.template)
        return 0


class Child:
    """A forked kernel as the provisioner handles it: what it needs of a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, status: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status
        self._lock = threading.Lock()

    def poll(self, seconds: float | None = 0) -> int | None:
        """Its exit code, or None if it still runs after so many seconds."""
        with self._lock:
            if self.returncode is None and connection.wait([self._status], seconds):
                try:
                    self.returncode = server.read_signed(self._status)
                except (EOFError, OSError):
                    self.returncode = _UNKNOWN_END
                os.close(self._status)
            return self.returncode

    def wait(self) -> int | None:
        """Its exit code, once it has ended."""
        return self.poll(None)

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError if it has ended."""
        if self.poll() is not None:
            raise ProcessLookupError
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it at once."""
        self.send_signal(signal.SIGKILL)


class Template(server.ForkServer):
    """The process that kernels are forked from; started by the first, and again should it die."""

    _lock: threading.Lock
    _forkserver_pid: int | None
    _forkserver_alive_fd: int | None
    _forkserver_address: str | None

    def __init__(self, folder: Path, also: Iterable[str] = ()) -> None:
        super().__init__()
        self.set_forkserver_preload([*PRELOAD[:1], *also, *PRELOAD[1:]])
        self.folder = folder

    @property
    def pid(self) -> int | None:
        """The template's process, None where it was not started."""
        return self._forkserver_pid

    def ensure_running(self) -> None:
        """Starts it where it is not running; its socket stands in `folder`."""
        before = self._forkserver_address
        with _sockets_in(self.folder):
            super().ensure_running()
        if before and before != self._forkserver_address:  # of one that was killed
            Path(before).unlink(missing_ok=True)

    @property
    def reachable(self) -> bool:
        """Whether its socket is still there: a folder under /tmp may be cleared."""
        return Path(self._forkserver_address or "").is_socket()

    def fork(self, kernel: Kernel) -> Child:
        """A new kernel. Raises OSError or EOFError where the template cannot make one."""
        status, data = self.connect_to_new_process([])
        try:
            with open(data, "wb") as pipe:
                reduction.dump({}, pipe)
                reduction.dump(replace(kernel, template=self.pid or 0), pipe)
            return Child(server.read_signed(status), status)
        except BaseException:
            os.close(status)
            raise

    def stop(self) -> None:
        """Ends it, and with it every kernel left."""
        with self._lock:
            if self._forkserver_pid is None or self._forkserver_alive_fd is None:
                return
            os.close(self._forkserver_alive_fd)
            os.kill(self._forkserver_pid, signal.SIGKILL)
            os.waitpid(self._forkserver_pid, 0)
            Path(self._forkserver_address or "").unlink(missing_ok=True)
            self._forkserver_pid = self._forkserver_alive_fd = self._forkserver_address = None


_configured = threading.Lock()


@contextmanager
def _sockets_in(folder: Path) -> Iterator[None]:
    """The standard library's sockets go to a temporary folder of the process; a killed run would leave that behind."""
    config = process.current_process()._config  # type: ignore[attr-defined]
    with _configured:
        before = config.get("tempdir")
        config["tempdir"] = str(folder)
        try:
            yield
        finally:
            config["tempdir"] = before
