"""The wheel stands by itself: installed in a fresh environment, `attend demo` works where there is no checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def build(folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_notebooks_and_studies_and_nothing_of_the_project_around_it(tmp_path) -> None:
    names = set(zipfile.ZipFile(build(tmp_path)).namelist())
    for folder, kind in (("notebooks", "*.ipynb"), ("params", "*.yml")):
        assert {f"attendlib/share/{folder}/{path.name}" for path in (ROOT / folder).glob(kind)} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"attendlib"}


@pytest.mark.prove
def test_the_demo_runs_from_a_wheel_in_a_fresh_environment(tmp_path) -> None:
    wheel, python = build(tmp_path), tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    if shutil.which("uv"):
        install = ["uv", "pip", "install", "--quiet", "--python", str(python)]
    else:
        subprocess.run([str(python), "-m", "ensurepip"], check=True, capture_output=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "--require-hashes", "-r", str(ROOT / "requirements.txt")], check=True)
    subprocess.run([*install, "--no-deps", str(wheel)], check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    homes = {name: str(tmp_path / name) for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    done = subprocess.run(
        [str(tmp_path / "venv/bin/attend"), "demo"], cwd=elsewhere, env={**os.environ, **homes, "PYTHONPATH": ""},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    index = Path(done.stdout.splitlines()[-1])
    assert index == elsewhere / "outputs" / "demo-trust" / "index.html"
    assert index.read_text(encoding="utf-8").count(".html") >= 18
