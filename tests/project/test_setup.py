"""scripts/setup.sh: a machine that cannot make the environment gets one line that says what to install."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OLD = "exit 1"  # whatever it is asked, as a Python before 3.11 answers the question for its version
NO_VENV = 'case "$2" in *ensurepip*) exit 1 ;; esac'
NO_UV = "exit 127"

MACHINES = [
    # programs on the path, and what setup says
    ({}, "attendlib needs Python 3.11 or newer; none was found."),
    ({"python3": OLD, "python3.12": OLD}, "attendlib needs Python 3.11 or newer; none was found."),
    ({"python3": OLD, "python3.12": NO_VENV}, "python3.12 cannot make a virtual environment. On Debian or Ubuntu:"),
    ({"python3": NO_VENV, "uv": NO_UV}, "python3 cannot make a virtual environment. On Debian or Ubuntu:"),
]


@pytest.mark.parametrize(("programs", "message"), MACHINES)
def test_one_line_says_what_is_missing(tmp_path: Path, programs: dict[str, str], message: str) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    (path / "dirname").symlink_to(shutil.which("dirname") or "")
    for name, body in programs.items():
        (path / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (path / name).chmod(0o755)
    script = tmp_path / "scripts" / "setup.sh"
    script.parent.mkdir()
    shutil.copy(ROOT / "scripts" / "setup.sh", script)
    done = subprocess.run(["/bin/sh", script], env={"PATH": str(path)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / ".venv").exists()
