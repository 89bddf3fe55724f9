"""Finds the notebooks and example studies: those of a checkout first, else those the package carries."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def checkout() -> Path | None:
    """The folder of the checkout this package runs from, or None where it was installed."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").exists() and (root / "notebooks").is_dir() else None


def share(name: str) -> Path:
    """The folder `notebooks` or `params`."""
    root = checkout()
    return (root or _PACKAGE / "share") / name
