"""Whose folder it is: a run's own goes with it, and no other run takes it away while it lives."""

import os
import subprocess
import sys

import pytest

from attendlib.runner import place
from attendlib.runner.place import alive, scratch


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(place, "_root", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_folder_is_there_while_it_is_used(root) -> None:
    with scratch() as folder:
        assert folder.parent == root
        assert folder.name.startswith(f"attend-{os.getpid()}-")
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


@pytest.mark.parametrize("written", [[], ["held"], ["held", "r"]])
def test_what_a_killed_run_left_goes_with_the_next(root, gone, written) -> None:
    left = root / f"attend-{gone}-abcdefgh"
    left.mkdir()
    for name in written:
        (left / name).touch()
    others = [root / name for name in (f"attend-{os.getpid()}-living", "attend-1-x.y", "attendance")]
    for other in others:
        other.mkdir()
    with scratch():
        assert not left.exists()
        assert all(other.exists() for other in others)


def test_a_folder_held_where_its_process_cannot_be_seen_stays(root, monkeypatch) -> None:
    """As in a container that shares /tmp with another."""
    with scratch() as folder, monkeypatch.context() as elsewhere:
        elsewhere.setattr(place, "alive", lambda pid: False)
        with scratch() as other:
            assert folder.exists()
            assert other != folder
        assert alive(os.getpid())
