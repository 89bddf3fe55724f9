"""Loaded once in the template: everything a kernel and a notebook would import or build at first use, and no data."""

import atexit
import gc
import importlib
import io
import os
import shutil
import signal
from contextlib import suppress

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from attendlib.runner.kernel import load_without_debugger, plain_figures
from attendlib.runner.place import SCRATCH, is_scratch
from attendlib.runner.watch import family

_AT_FIRST_USE = (
    "attendlib.runner.forked",
    "faulthandler",
    "ipykernel.ipkernel",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.magics",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "pyarrow.pandas_compat",
    "tornado.platform.asyncio",
)
_SIZES = (9, 10, 11)  # of the words in charts


def _load() -> None:
    for name in _AT_FIRST_USE:
        try:
            importlib.import_module(name)
        except ImportError:  # a later version may do without it; the kernel would load it itself
            continue


def _draw() -> None:
    """Fonts are found and measured, text is laid out, a picture is written: what the first figure pays for."""
    with mpl.rc_context({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 11}):
        figure = Figure(layout="tight")
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], "o--", label="label")
        axes.barh([0], [1], hatch="//")
        for size in _SIZES:
            axes.annotate("ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789 ()+−,.%", (0, 0), size=size)
        axes.set_xlabel("axis")
        axes.grid(axis="y")
        axes.legend()
        FigureCanvasSVG(figure).print_svg(io.StringIO())


def _leave() -> None:
    """The driver is gone: kernels go, with all they started, and its folder; to tidy more would only cost time."""
    for pid in family(os.getpid())[1:]:
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
    folder = os.environ.get(SCRATCH, "")
    if is_scratch(folder):
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


load_without_debugger()
_load()
plain_figures()
_draw()
gc.freeze()
gc.set_threshold(100_000, 20, 100)  # a kernel lives for seconds: looking less often saves a twentieth of the cells' CPU
gc.enable()
atexit.register(_leave)
