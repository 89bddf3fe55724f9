"""Loaded once in the template: everything a kernel and a notebook would import or build at first use, and no data."""

import atexit
import gc
import importlib
import io
import os
import shutil

from matplotlib.figure import Figure

from attendlib.runner.kernel import load_without_debugger, plain_figures
from attendlib.runner.place import SCRATCH, is_scratch

_AT_FIRST_USE = (
    "ipykernel.ipkernel",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.magics",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "pyarrow.pandas_compat",
)


def _load() -> None:
    for name in _AT_FIRST_USE:
        try:
            importlib.import_module(name)
        except ImportError:  # a later version may do without it; the kernel would load it itself
            continue


def _draw() -> None:
    """Fonts are found and measured, text is laid out, a picture is written: what the first figure pays for."""
    figure = Figure()
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], label="label")
    axes.set_title("Title")
    axes.legend()
    figure.savefig(io.StringIO(), format="svg")


def _leave() -> None:
    """The driver is gone: its folder goes too, and nothing else is tidied, which would only cost time."""
    folder = os.environ.get(SCRATCH, "")
    if is_scratch(folder):
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


load_without_debugger()
_load()
plain_figures()
_draw()
gc.collect()
gc.freeze()
atexit.register(_leave)
