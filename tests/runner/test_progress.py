"""What is said while reports are made: to a person at a terminal, in a log, and to another program."""

import io
import json
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from attendlib.export.entry import Entry
from attendlib.runner import progress as module
from attendlib.runner.progress import progress
from attendlib.runner.report import Made
from attendlib.runner.state import FullDiskError

DONE = Made(Entry("probe", "100001", "Ash", "Q?", "done", sentence="A [finding] of 100001.", seconds=1.25))
FAILED = Made(Entry("probe", "100002", "Elm", "Q?", "failed", reason="It stopped.", seconds=0.5), "Traceback: secret")


def said(monkeypatch: pytest.MonkeyPatch, terminal: bool, total: int = 2) -> str:
    file = io.StringIO()
    monkeypatch.setattr(module, "Console", partial(Console, file=file, force_terminal=terminal, width=120))
    with progress(total) as tell:
        tell(DONE)
        tell(FAILED)
    return file.getvalue()


def test_a_log_has_a_plain_line_for_each(monkeypatch) -> None:
    assert said(monkeypatch, terminal=False).splitlines() == [
        "1/2 done           100001 probe (1.2 s)  A [finding] of 100001.",
        "2/2 failed         100002 probe (0.5 s)  It stopped.",
    ]


def test_a_terminal_has_a_bar_with_failures_rate_and_time_and_lines_only_for_failures(monkeypatch) -> None:
    text = said(monkeypatch, terminal=True)
    assert "100002 probe (0.5 s)  It stopped." in text
    assert "A [finding]" not in text
    assert "2/2" in text
    assert "1 failed" in text
    assert "a minute" in text


def test_events_are_lines_of_json_with_nothing_private(tmp_path) -> None:
    path = tmp_path / "events"
    with progress(3, path) as tell:
        tell(DONE)
        tell(FAILED)
    start, first, second, end = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert (start["event"], start["reports"], end["event"], end["made"]) == ("start", 3, "end", 2)
    assert (first["school"], first["notebook"], first["status"], first["failed"]) == ("100001", "probe", "done", 0)
    assert (second["status"], second["reason"], second["made"], second["failed"]) == ("failed", "It stopped.", 2, 1)
    assert "secret" not in path.read_text(encoding="utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_events_without_room_stop_the_run_as_any_full_disk_does() -> None:
    with pytest.raises(FullDiskError, match="No space is left"), progress(3, Path("/dev/full")):
        pass
