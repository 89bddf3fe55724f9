"""One thread that looks at every kernel of a run, and ends those past their time or memory."""

import contextlib
import importlib
import math
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from attendlib.runner.place import ended

EVERY = 0.1  # seconds between two looks
_GRACE = 3.0  # seconds after its time in which a kernel is stopped by papermill, with the cell's own message
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
Why = Literal["time", "memory", "stop"]


@dataclass(slots=True)
class Watched:
    """A kernel at work: when it must be done by (monotonic seconds), and why it was ended if it was."""

    notebook: str
    until: float = math.inf
    process: Any = None
    ended: Why | None = None
    peak: int = field(default=0)


class Watch:
    """The kernels of a run by their connection file; `megabytes` is what one may have to itself."""

    def __init__(self, seconds: float, megabytes: float) -> None:
        self._seconds = seconds
        self._limit = int(megabytes * 1_000_000)
        self._kernels: dict[str, Watched] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.stopping = False
        self._thread = threading.Thread(target=self._look, name="attend-watch", daemon=True)
        self._thread.start()

    def expect(self, file: str, notebook: str) -> Watched:
        """A kernel is about to start."""
        with self._lock:
            watched = self._kernels[file] = Watched(notebook)
        return watched

    def begin(self, file: str, process: Any) -> None:
        """Its process is there, and its time begins."""
        with self._lock:
            self._kernels[file].process = process
            self._kernels[file].until = time.monotonic() + self._seconds
            if self.stopping:
                self._stop(self._kernels[file], "stop")

    def notebook(self, file: str) -> str:
        """Which notebook a kernel runs."""
        return self._kernels[file].notebook

    def forget(self, file: str) -> None:
        """It is done with; ended too, should it still be there."""
        with self._lock:
            watched = self._kernels.pop(file)
        if watched.process is not None:
            end(watched.process)

    def stop_all(self) -> None:
        """Ends every kernel now, and those that start from now on."""
        with self._lock:
            self.stopping = True
            for watched in self._kernels.values():
                self._stop(watched, "stop")

    def close(self) -> None:
        """No more is looked at."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            now = time.monotonic()
            with self._lock:
                for watched in self._kernels.values():
                    if watched.process is None or watched.ended:
                        continue
                    pids = family(watched.process.pid)
                    if now > watched.until + _GRACE:
                        self._stop(watched, "time")
                    elif sum(map(resident, pids)) > self._limit:
                        watched.peak = sum(map(private, pids))
                        if watched.peak > self._limit:
                            self._stop(watched, "memory")

    def _stop(self, watched: Watched, why: Why) -> None:
        if watched.process is not None:
            watched.ended = why
            end(watched.process)


def family(pid: int) -> list[int]:
    """A process and those it has started, and so on: what its main thread has, where the others are not asked often."""
    found = [pid]
    with contextlib.suppress(OSError, ValueError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += family(int(child))
    return found


def resident(pid: int) -> int:
    """Bytes of memory a process has, shared ones too: cheap to ask. 0 where it cannot be asked."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return _elsewhere(pid)


def private(pid: int) -> int:
    """Bytes of memory a process has to itself: what it shares with the template it was forked from does not count."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return _elsewhere(pid)
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("Private_", "Swap:")))


def _elsewhere(pid: int) -> int:
    """Where there is no /proc; psutil comes with ipykernel."""
    if Path("/proc/self/statm").exists():
        return 0
    try:
        return int(importlib.import_module("psutil").Process(pid).memory_info().rss)
    except Exception:  # it has ended, or may not be asked
        return 0


def end(process: Any) -> None:
    """Ends a kernel with all its children, who are in its group, and those left of one that has ended."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            gone = process.poll() is not None
            if ended(process.pid) if gone else os.getpgid(process.pid) == process.pid:  # else it is another's
                os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
