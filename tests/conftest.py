"""What every test shares: the folder of tests is importable, numbers come from one thread."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from trust import Trust

Said = subprocess.CompletedProcess[str]

SLOW_FILES = (  # begun first, so that no process is left with a slow one while the other has nothing to do
    "browser/test_browser_notebooks.py",
    "runner/test_faults.py",
    "browser/test_browser_pages.py",
    "test_planted.py",
    "examples/test_star_run.py",
    "questions/test_trial_star.py",
    "intake/synthetic/test_synthetic_calibration.py",
    "test_cli.py",
    "questions/test_dip_pages.py",
    "stats/test_stats_trial_coverage.py",
    "questions/impact/test_impact_cutoff.py",
    "questions/impact/test_impact_meta.py",
    "questions/impact/test_impact_subtraction.py",
    "questions/impact/test_impact_refusals.py",
    "runner/test_batch.py",
)

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first; the rest as they were. Heard with `--no-loadscope-reorder`, which `make test` gives."""
    place = {path: number for number, path in enumerate(SLOW_FILES)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0].removeprefix("tests/"), len(place)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tests measured, whichever process they ran in."""
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, text in report.user_properties:
            if name == "measured":
                terminalreporter.write_line(str(text))


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> "Trust":
    """The demo's trust, made and read into its store once, whichever process comes first: for reading only."""
    from trust import made_once

    base = tmp_path_factory.getbasetemp()
    return made_once((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "trust")


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Said]]:
    """`attend` in this process, for commands that make no report: a process of its own takes a second to start."""
    from attendlib.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")

    def attend_here(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["attend", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        return subprocess.CompletedProcess(sys.argv, int(ended.value.code or 0), said.out, said.err)

    stopped_by = signal.getsignal(signal.SIGTERM)
    yield attend_here
    signal.signal(signal.SIGTERM, stopped_by)  # which a run takes for itself
