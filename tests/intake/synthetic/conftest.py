"""Two synthetic trusts, made once for all processes: a small one and one large enough for shares. For reading only."""

import os
import pickle
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from attendlib.intake.synthetic.write import Truth, write_trust

sys.path.insert(0, str(Path(__file__).resolve().parent))

SMALL = {"schools": 3, "pupils": 660}


def made_once(factory: pytest.TempPathFactory, name: str, **settings: int) -> tuple[Path, Truth]:
    """The folder of that trust and its truth, made by the first process that asks; the others wait, then find them."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    kept = folder.with_suffix(".truth")
    with FileLock(folder.with_suffix(".lock")):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(write_trust(folder, **settings)))
    truth: Truth = pickle.loads(kept.read_bytes())
    return folder, truth


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """Two primaries and a secondary."""
    return made_once(tmp_path_factory, "small", **SMALL)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """20,000 pupils in 45 schools."""
    return made_once(tmp_path_factory, "large", schools=45, pupils=20_000)
