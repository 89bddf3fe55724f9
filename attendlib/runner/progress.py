"""What is said while reports are made: a bar on a terminal, plain lines in a log, and events for other programs."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import RawIOBase
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from attendlib.export.entry import FAILING
from attendlib.runner.report import Made
from attendlib.runner.state import FullDiskError, room

Tell = Callable[[Made], None]


def line(made: Made) -> str:
    """One report in a line: status, school, notebook, seconds, and its finding or why there is none."""
    entry = made.entry
    says = entry.reason or entry.sentence
    return f"{entry.status:<14} {entry.school} {entry.notebook} ({entry.seconds:.1f} s)  {says}"


@contextmanager
def progress(total: int, events: Path | None = None) -> Iterator[Tell]:
    """A function to call with each report made; `events` is a file to add an event to for each, as a line of JSON."""
    with ExitStack() as stack:
        tells = [stack.enter_context(_seen(total))]
        if events is not None:
            tells.append(stack.enter_context(_written(total, events)))

        def tell(made: Made) -> None:
            for each in tells:
                each(made)

        yield tell


@contextmanager
def _seen(total: int) -> Iterator[Tell]:
    """On a terminal only failures are lines of their own; elsewhere each report is, with how many are done."""
    console = Console()
    if not console.is_terminal or not total:
        yield _lines(console, total)
        return
    done, failed = MofNCompleteColumn(), TextColumn("{task.fields[failed]} failed")
    rate, left = TextColumn("{task.fields[rate]}"), TimeRemainingColumn(elapsed_when_finished=True)
    with Progress(TextColumn("Reports"), BarColumn(), done, failed, rate, left, console=console) as bar:
        task = bar.add_task("", total=total, failed=0, rate="")
        started, counts = time.monotonic(), {"made": 0, "failed": 0}

        def tell(made: Made) -> None:
            counts["made"] += 1
            if made.entry.status in FAILING:
                counts["failed"] += 1
                bar.console.print(line(made), markup=False, highlight=False, soft_wrap=True)
            rate = f"{60 * counts['made'] / max(time.monotonic() - started, 0.1):,.0f} a minute"
            bar.update(task, advance=1, failed=counts["failed"], rate=rate)

        yield tell


def _lines(console: Console, total: int) -> Tell:
    counts = {"made": 0}

    def tell(made: Made) -> None:
        counts["made"] += 1
        text = f"{counts['made']:>{len(str(total))}}/{total} {line(made)}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    return tell


@contextmanager
def _written(total: int, events: Path) -> Iterator[Tell]:
    """Events: `start` with the number of reports, `report` for each, `end` with how many were made and failed."""
    counts = {"made": 0, "failed": 0}
    with events.open("ab", buffering=0) as file:
        _event(file, "start", reports=total)

        def tell(made: Made) -> None:
            entry = made.entry
            counts["made"] += 1
            counts["failed"] += entry.status in FAILING
            facts = {"school": entry.school, "notebook": entry.notebook, "status": entry.status}
            _event(file, "report", **facts, reason=entry.reason, seconds=entry.seconds, **counts, reports=total)

        try:
            yield tell
        finally:
            with suppress(FullDiskError):  # the run has said so
                _event(file, "end", **counts, reports=total)


def _event(file: RawIOBase, event: str, **facts: Any) -> None:
    line = json.dumps({"event": event, "time": round(time.time(), 3), **facts}, ensure_ascii=False)
    with room():
        file.write(f"{line}\n".encode())
