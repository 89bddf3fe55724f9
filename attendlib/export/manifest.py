"""manifest.json: what was run, with which versions, and how long it took. The one file that differs between reruns."""

import json
from collections.abc import Iterable, Mapping

from attendlib.export.entry import Entry


def manifest_json(study: str, entries: Iterable[Entry], versions: Mapping[str, str], seconds: float) -> str:
    """The file's text; `seconds` is the whole run's, each report's own are the kernel's and the page's together."""
    reports = [
        {
            "notebook": entry.notebook,
            "school": entry.school,
            "status": entry.status,
            "stale": entry.stale,
            "key": entry.key,
            "page_key": entry.page_key,
            "outputs_left_out": entry.left_out,
            "seconds": round(entry.seconds, 2),
        }
        for entry in entries
    ]
    body = {"schema": 1, "study": study, "seconds": round(seconds, 2), "versions": dict(versions), "reports": reports}
    return json.dumps(body, indent=1, sort_keys=True) + "\n"
