"""The three lists of packages agree: pyproject.toml, requirements.txt (exact, hashed) and environment.yml (conda)."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")

# conda-forge's name where it is not the package's own: `python-duckdb` is the Python client (`duckdb` adds the
# command line), `matplotlib-base` is matplotlib without a Qt window, which no page needs.
CONDA_NAME = {"duckdb": "python-duckdb", "matplotlib": "matplotlib-base"}
CONDA_ONLY = {"pip"}  # installs attendlib itself, the last line of the file


def declared(requirements: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(r.name): r for r in map(Requirement, requirements)}


def locked() -> dict[str, tuple[str, list[str]]]:
    """Each locked package's version and hashes."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^#.*\n", "", LOCK))
    found = {}
    for entry in entries:
        name, version = re.match(r"([\w.-]+)==([^\s;]+)", entry).groups()  # type: ignore[union-attr]
        found[canonicalize_name(name)] = (version, re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry))
    return found


def conda() -> dict[str, Requirement]:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *listed, by_pip = environment["dependencies"]
    return declared([*listed, *by_pip["pip"][:-1]])


def test_conda_names_and_bounds_are_the_projects() -> None:
    ours = declared(PROJECT["project"]["dependencies"])
    expected = {CONDA_NAME.get(name, name): r.specifier for name, r in ours.items()}
    expected["python"] = Requirement(f"python{PROJECT['project']['requires-python']}").specifier
    assert {name: r.specifier for name, r in conda().items() if name not in CONDA_ONLY} == expected


def test_conda_takes_only_conda_forge_and_this_checkout() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge"]
    assert environment["dependencies"][-1]["pip"][-1] == "-e ."


def test_lock_satisfies_every_bound() -> None:
    wanted = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["dev"],
        *PROJECT["build-system"]["requires"],
    ]
    versions = locked()
    wrong = [
        str(r) for r in map(Requirement, wanted) if not r.specifier.contains(versions[canonicalize_name(r.name)][0])
    ]
    assert wrong == []


def test_every_locked_package_is_exact_and_hashed() -> None:
    assert [name for name, (_, hashes) in locked().items() if not hashes] == []
    package = re.compile(r"[A-Za-z0-9][\w.-]*==[\w.!+-]+( ; [^\\]+)? \\")
    others = [line for line in LOCK.splitlines() if not line.startswith(("#", "    --hash=sha256:"))]
    assert [line for line in others if not package.fullmatch(line)] == []


def test_lock_names_no_index() -> None:
    assert "://" not in LOCK
    assert not re.search(r"(?m)^\s*(-[a-z]\b|--(?!hash))", LOCK)
