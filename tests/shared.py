"""Finds the real data kept beside the project: a missing file skips the test, and fails it when CI=true."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(path: str) -> Path:
    """The file `path` under the shared data folder; skips (or, when CI=true, fails) the test without it."""
    found = SHARED / path
    if found.exists():
        return found
    reason = f"shared data {path} is not beside this checkout (../shared/data)"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)
