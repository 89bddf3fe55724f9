"""The demo: its study file, and its invented data made on first use."""

import os
import secrets
import shutil
from pathlib import Path

import platformdirs
from filelock import FileLock

from attendlib.intake.share import checkout, share
from attendlib.intake.study import StudyFile, read_study
from attendlib.intake.synthetic.write import write_trust

_STUDY = "demo-trust.yml"


def demo_study(home: Path | None = None) -> Path:
    """The demo's study file, its data beside it: those of a checkout, else copies under the user's cache.

    `home` stands for the folder that holds params/ and data/.
    """
    root = home or checkout() or Path(platformdirs.user_cache_dir("attendlib")) / "demo"
    path = root / "params" / _STUDY
    shipped = share("params") / _STUDY
    if not path.exists() or (path != shipped and path.read_bytes() != shipped.read_bytes()):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{_STUDY}.{secrets.token_hex(4)}")
        shutil.copyfile(shipped, aside)
        os.replace(aside, path)
    _make_data(read_study(path))
    return path


def _make_data(study_file: StudyFile) -> None:
    """Writes the data aside and renames the folder, so that a folder that is there is whole."""
    folder = study_file.data_folder
    if (folder / "schools.csv").exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if (folder / "schools.csv").exists():
            return
        aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        write_trust(aside, seed=study_file.study.seed)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(aside, folder)
