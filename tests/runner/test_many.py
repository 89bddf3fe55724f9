"""Two thousand reports in one run: the last cost what the first did, and nothing piles up."""

import json
import os
import statistics
import time
from pathlib import Path

import pytest
from stub_trust import notebook, write_stub

from attendlib.runner.kernels import kernels
from attendlib.runner.watch import resident

TRIVIAL = notebook(("code", 'school = "all"', ["parameters"]), ("code", "1 + 1"))


def held(folder: Path) -> dict[str, int]:
    """What could pile up: descriptors and threads of this process and the template's, files of the run."""
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "files": sum(len(files) for _, _, files in os.walk(folder)),
    }


def run_many(tmp_path: Path, count: int) -> None:
    study = write_stub(tmp_path)
    seconds, marks = [], {}
    with kernels(study, kind="forked") as kept:
        for number in range(count):
            cpu = time.process_time()
            kept.execute(TRIVIAL, {"school": "1"})
            seconds.append(time.process_time() - cpu)
            if number in (count // 10, count - 1):
                assert kept.template is not None
                marks[number] = {
                    **held(kept.folder),
                    "template descriptors": len(os.listdir(f"/proc/{kept.template.pid}/fd")),
                    "memory": resident(os.getpid()) // 1_000_000,
                    "template memory": resident(kept.template.pid) // 1_000_000,
                }
    first, last = statistics.median(seconds[10 : count // 10]), statistics.median(seconds[-count // 10 :])
    early, late = marks.values()
    print(json.dumps({"first": first, "last": last, "early": early, "late": late}))  # noqa: T201
    assert last < 1.2 * first
    for what in ("descriptors", "threads", "files", "template descriptors"):
        assert late[what] <= early[what] + 2, what
    for what in ("memory", "template memory"):
        assert late[what] <= early[what] + 20, what


@pytest.mark.prove
def test_the_last_of_two_thousand_reports_costs_what_the_first_did(tmp_path) -> None:
    run_many(tmp_path, 2000)
