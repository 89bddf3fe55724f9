"""What a command says in plain lines: what would be run, how a run ended, and what is wrong with a place."""

import os
from collections.abc import Sequence
from pathlib import Path

from attendlib.runner.batch import Ran
from attendlib.runner.work import Todo


def plan_lines(todos: Sequence[Todo]) -> list[str]:
    """A line for each report: what it needs."""
    words = {"run": "run", "export": "make page again", "nothing": "up to date"}
    return [f"{words[item.need]:<16} {item.job.school} {item.job.name}" for item in todos]


def wrong_lines(ran: Ran, more: Sequence[str] = ()) -> list[str]:
    """What went wrong in a run, and `more` of it."""
    lines = [f"{entry.school} {entry.notebook}: {entry.reason}" for entry in ran.made if entry.reason]
    lines += [f"Removed, it must not be shared: {finding}" for finding in ran.findings]
    lines += [line for line in (ran.stopped, *more) if line]
    return [*lines, f"What went wrong in full, for you alone: {ran.log}"] if ran.log else lines


def end_lines(ran: Ran, asked: int, index: Path) -> list[str]:
    """How many reports were asked for, made and left, and where the index is; one that held something is gone."""
    made = len(ran.made)
    line = f"{asked:,} reports asked for, {made:,} made, {asked - made:,} left as they were."
    return [line, str(index)] if index.exists() else [line]


def unusable(error: OSError | ValueError) -> str:
    """Why a file or folder cannot be used, by its name alone. Raises the error again where it is of another kind."""
    if isinstance(error, UnicodeEncodeError) or "surrogates not allowed" in str(error):
        return "The study holds a character that is half of one (such as \\ud800). Write it out in full."
    if isinstance(error, ValueError):
        if "null byte" not in str(error) and "null character" not in str(error):
            raise error
        return "A path of the study or the command holds a NUL character. Take it out."
    place = error.filename2 or error.filename  # of a move, where to
    name = os.path.basename(os.fsdecode(place)) if isinstance(place, str | bytes) else ""
    why = (error.strerror or type(error).__name__).lower()
    return f"{name or 'A file or folder'}: it cannot be used ({why}). Name another place, or clear this one."
