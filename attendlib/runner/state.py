"""The truth about each report: its sidecar OUT/.attend/<school>/<notebook>.json, written last and in one piece."""

import hashlib
import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from attendlib.export.entry import FAILING, Entry
from attendlib.runner.plan import Job

SIDECARS = ".attend"
Need = Literal["run", "export", "nothing"]
_ENTRY = TypeAdapter(Entry)


def sidecar(out: Path, job: Job) -> Path:
    """Where the report's sidecar stands."""
    return out / SIDECARS / job.school / f"{job.name}.json"


def read_entry(out: Path, job: Job) -> Entry:
    """What is known of a report; `stale` where it was made from something else than the plan holds now.

    A sidecar that is missing or unreadable is a report not run.
    """
    blank = Entry(job.name, job.school, job.school_name, job.question, "not_run")
    try:
        entry = _ENTRY.validate_json(sidecar(out, job).read_bytes())
    except (OSError, ValidationError):
        return blank
    if entry.status not in FAILING and not all((out / job.school / name).is_file() for name in entry.files):
        return blank
    return replace(entry, stale=entry.key != job.key)


def write_entry(out: Path, job: Job, entry: Entry) -> None:
    """Writes the sidecar; whoever reads it sees the old one or the new one, never a part."""
    body = {name: value for name, value in asdict(entry).items() if name != "stale"}
    text = json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    put(sidecar(out, job), text)


def need(out: Path, job: Job, entry: Entry) -> Need:
    """Whether a report must be run, only its page made again from the saved notebook, or nothing done."""
    if entry.status in FAILING or entry.status == "not_run" or entry.key != job.key:
        return "run"
    sound = {name: _hash_of(out / job.school / name) == expected for name, expected in entry.files.items()}
    if not sound.get(f"{job.name}.ipynb"):
        return "run"
    return "nothing" if all(sound.values()) and entry.page_key == job.page_key else "export"


def put(path: Path, text: str) -> str:
    """Writes a file in one piece, making its folder; returns its sha256. A file that already says so is left alone."""
    data = text.encode()
    if not (path.is_file() and path.read_bytes() == data):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        aside.write_bytes(data)
        os.replace(aside, path)
    return hashlib.sha256(data).hexdigest()


def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
