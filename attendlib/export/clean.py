"""An executed notebook made fit to keep: the template as it was written, plus the outputs of our own types only."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from attendlib.export.cells import INJECTED, bare, tags
from attendlib.records.report import MIMES

KEPT_BESIDE = ("text/html", "text/plain")


def clean(template: Mapping[str, Any], executed: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """The notebook to keep, and how many outputs were left out of it.

    `template` is a `bare` notebook and `executed` the same after papermill: one injected cell more, else cell by cell.
    """
    saved = bare(template)
    ran = [cell for cell in executed["cells"] if INJECTED not in tags(cell)]
    left_out = 0
    for cell, done in zip(saved["cells"], ran, strict=True):
        if cell["cell_type"] == "code":
            outputs = [output for output in done["outputs"] if _is_ours(output)]
            left_out += len(done["outputs"]) - len(outputs)
            cell["outputs"] = [_bare_output(output) for output in outputs]
    return saved, left_out


def to_text(notebook: Mapping[str, Any]) -> str:
    """The .ipynb file's text: the same notebook gives the same bytes."""
    return to_json(notebook, indent=1).decode() + "\n"


def _is_ours(output: Mapping[str, Any]) -> bool:
    return any(mime in output.get("data", {}) for mime in MIMES)


def _bare_output(output: Mapping[str, Any]) -> dict[str, Any]:
    data = {mime: value for mime, value in output["data"].items() if mime in MIMES or mime in KEPT_BESIDE}
    return {"output_type": "display_data", "data": data, "metadata": {}}
