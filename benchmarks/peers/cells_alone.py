"""The physical limit: the same cells in this one process, warmed by three reports; no kernel, no page, no isolation.

Reads reports.json as serial_papermill.py does; prints CPU and wall seconds of a report.
"""

import contextlib
import io
import json
import os
import sys
import time
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def run(shell: InteractiveShell, name: str, parameters: dict) -> None:
    os.environ["ATTEND_NOTEBOOK"] = name
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    shell.reset(new_session=False)
    for cell in cells:
        if cell["cell_type"] == "code":
            if not shell.run_cell("".join(cell["source"])).success:
                raise SystemExit(f"a cell of {name} stopped: its cost would be missing")
            if "parameters" in cell["metadata"].get("tags", []):
                shell.user_ns.update(parameters)


reports = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
shell = InteractiveShell.instance()
with contextlib.redirect_stdout(io.StringIO()):
    for _, name, parameters in reports[:3]:
        run(shell, name, parameters)
    cpu, wall = time.process_time(), time.monotonic()
    for _, name, parameters in reports:
        run(shell, name, parameters)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
print(cpu / len(reports), wall / len(reports))
