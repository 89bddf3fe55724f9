"""How papermill runs a notebook, and starts, finds and ends our kernels: a manager with a provisioner of its own.

Loaded with papermill.
"""

import asyncio
import contextlib
import math
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from jupyter_core.utils import ensure_event_loop
from nbformat import from_dict
from papermill.engines import papermill_engines
from papermill.execute import raise_for_execution_errors
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from traitlets.config import Config

from attendlib.export.cells import KERNEL
from attendlib.runner.forked import KERNEL as MODULE
from attendlib.runner.forked import Child, Kernel, Template
from attendlib.runner.messages import SETTINGS
from attendlib.runner.place import NOTEBOOK, OF_A_RUN
from attendlib.runner.watch import Watch, end

_TRIES, _PAUSE = 4, 0.25
_ASK = 1.0  # seconds without a word after which a starting kernel is asked for one
_CONNECT_AGAIN = 20  # milliseconds between two tries to connect to a kernel that is not listening yet
_COMMAND = (sys.executable, "-m", MODULE, "{connection_file}", str(os.getpid()))  # whoever asks first is the driver


@dataclass(frozen=True, slots=True)
class Means:
    """What a run starts kernels with: a template (None: each afresh), whether it must do, and who watches them."""

    template: Template | None
    only_forked: bool
    watch: Watch


class Provisioner(LocalProvisioner):
    """A kernel's process, forked from the template where there is one, else started afresh; watched from its start."""

    means: Means

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Starts the process; returns how to reach it."""
        file = self.parent.connection_file
        own = {NOTEBOOK: self.means.watch.notebook(file), **{name: os.environ[name] for name in OF_A_RUN}}
        self.process = self._forked(Kernel(file, own))
        if self.process is not None:
            self.pid = self.pgid = self.process.pid
        else:
            kwargs["env"] = {**kwargs["env"], **own}
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            await super().launch_kernel(cmd, **kwargs, **quiet)
        self.means.watch.begin(file, self.process)
        return self.connection_info

    def _forked(self, kernel: Kernel) -> Child | None:
        """A kernel forked from the template, which is started again if it was killed; None where it cannot be had."""
        template = self.means.template
        if template is None:
            return None
        for _ in range(_TRIES):
            if self.means.watch.stopping:  # a template that is started after the run has not its environment
                raise RuntimeError("the run is being stopped")
            with contextlib.suppress(OSError, EOFError):
                return template.fork(kernel)
            time.sleep(_PAUSE)  # one that was just killed may not have gone yet
        if self.means.only_forked:
            raise RuntimeError("no kernel could be forked")
        return None

    async def kill(self, restart: bool = False) -> None:
        """Ends the kernel and whatever it started."""
        if self.process:
            end(self.process)
            for _ in range(100):
                if self.process.poll() is not None:
                    return
                await asyncio.sleep(0.005)

    async def send_signal(self, signum: int) -> None:
        """No kernel is interrupted: it runs to its end or is ended."""
        if signum != signal.SIGINT:
            await super().send_signal(signum)


class Client(AsyncKernelClient):
    """What talks to a kernel. It is ready once it hears the kernel, which welcomes who listens. The library's own asks
    the kernel about itself, and listens a fifth of a second longer, in every report, for what may still come."""

    def start_channels(self, *args: Any, **kwargs: Any) -> None:
        """No heartbeat: the kernel's process is watched."""
        super().start_channels(*args, **{**kwargs, "hb": False})

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Raises RuntimeError where the kernel has died, or said nothing in so many seconds."""
        until = time.monotonic() + (math.inf if timeout is None else timeout)
        while not await self._heard():
            if not await self.is_alive():
                raise RuntimeError("The kernel died before it was ready.")
            if time.monotonic() > until:
                raise RuntimeError("The kernel was not ready in time.")

    async def _heard(self) -> bool:
        """Whether a word of the kernel has come; if not, it is asked for one: its welcome can be lost."""
        with contextlib.suppress(queue.Empty):
            await self.get_iopub_msg(timeout=_ASK)
            return True
        self.kernel_info()
        return False


class Manager(AsyncKernelManager):
    """A kernel manager that reads no kernel specification of the user's: every kernel is this very Python."""

    means: ClassVar[Means]
    provisioner: Provisioner | None = None
    client_factory = Client

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.reconnect_ivl = _CONNECT_AGAIN
        return context

    @property
    def kernel_spec(self) -> KernelSpec:
        """This Python, whatever name the notebook gives its kernel."""
        return KernelSpec(argv=list(_COMMAND), display_name=KERNEL["display_name"], language=KERNEL["language"])

    async def _async_pre_start_kernel(self, **kw: Any) -> Any:
        if self.provisioner is None:
            self.provisioner = Provisioner(
                kernel_id=Path(self.connection_file).stem, kernel_spec=self.kernel_spec, parent=self
            )
            self.provisioner.means = self.means
        return await super()._async_pre_start_kernel(**kw)

    async def _async_interrupt_kernel(self) -> None:
        """Before it is ended a kernel would be interrupted; that gives it nothing."""


def manager_of(template: Template | None, only_forked: bool, watch: Watch) -> type[Manager]:
    """The manager's class for one run's kernels: papermill is handed a class."""
    return type("Manager", (Manager,), {"means": Means(template, only_forked, watch)})


def run_notebook(
    notebook: Mapping[str, Any], parameters: Mapping[str, Any], connection: Mapping[str, str], **settings: Any
) -> dict[str, Any]:
    """The notebook as papermill ran it over this `connection`. Raises papermill's error where a cell stopped.

    papermill's own steps but for its last, which puts the whole notebook into text for a file that is not written: a
    third of all that running it costs the driver.
    """
    name = KERNEL["name"]
    given = parameterize_notebook(load_notebook_node(from_dict(dict(notebook))), dict(parameters), kernel_name=name)
    config = Config({"KernelManager": dict(connection), "Session": SETTINGS})
    try:
        ran = papermill_engines.execute_notebook_with_engine(
            None, given, name, progress_bar=False, config=config, **settings
        )
    finally:
        ensure_event_loop().close()  # this thread's, which nbclient opened and would leave open
    raise_for_execution_errors(ran, None)
    return ran
