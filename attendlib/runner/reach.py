"""`attend power` in a process of its own: the arithmetic needs the kernel's side, which the driver never loads."""

import subprocess
import sys
from pathlib import Path

from attendlib.intake.study import read_study

MODULE = "attendlib.words.reach"


def say_reach(study: Path) -> int:
    """Prints what the study could detect; the exit code, 0 or 2. StudyError for what is wrong with the study file."""
    read_study(study)
    return subprocess.run([sys.executable, "-m", MODULE, str(study)], check=False).returncode
