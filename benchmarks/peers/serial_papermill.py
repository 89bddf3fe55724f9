"""The serial loop a report pipeline starts as: papermill with a fresh kernel for each report, then nbconvert's page.

Reads reports.json: [[school, notebook, parameters], …]; the study is the one ATTEND_STUDY names.
"""

import json
import sys
from pathlib import Path

import nbformat
import papermill
from nbconvert import HTMLExporter

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"

reports, out = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])
exporter = HTMLExporter()
for school, name, parameters in reports:
    path = out / school / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    source = NOTEBOOKS / f"{name}.ipynb"
    try:
        papermill.execute_notebook(source, path, parameters, kernel_name="python3", progress_bar=False)
    except papermill.PapermillExecutionError:
        continue
    html, _ = exporter.from_notebook_node(nbformat.read(path, as_version=4))
    path.with_suffix(".html").write_text(html, encoding="utf-8")
