"""What every test shares: the folder of tests is importable, numbers come from one thread."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from trust import Trust

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent))


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
