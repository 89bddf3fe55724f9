"""The private log: tracebacks of reports that failed, kept for this user alone and outside every output folder."""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import platformdirs

from attendlib.runner.report import Made
from attendlib.runner.state import room


def log_file(study: str) -> Path:
    """Where a study's log stands."""
    return Path(platformdirs.user_state_dir("attendlib")) / "logs" / f"{study}.log"


def write_log(study: str, made: Iterable[Made]) -> Path:
    """Adds what went wrong with each report to the study's log; returns where that is.

    Raises FullDiskError where there is no room.
    """
    path = log_file(study)
    path.parent.mkdir(parents=True, exist_ok=True)
    when = datetime.now().isoformat(sep=" ", timespec="seconds")
    with room(), open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as log:
        for each in made:
            if each.detail:
                entry = each.entry
                log.write(f"{when} {entry.school} {entry.notebook} {entry.status}: {entry.reason}\n{each.detail}\n\n")
    return path
