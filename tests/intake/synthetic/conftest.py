"""Two synthetic trusts, made once: a small one and one large enough for shares."""

import sys
from pathlib import Path

import pytest

from attendlib.intake.synthetic.write import Truth, write_trust

sys.path.insert(0, str(Path(__file__).resolve().parent))

SMALL = {"schools": 3, "pupils": 660}


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """Two primaries and a secondary."""
    folder = tmp_path_factory.mktemp("small")
    return folder, write_trust(folder, **SMALL)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """20,000 pupils in 45 schools."""
    folder = tmp_path_factory.mktemp("large")
    return folder, write_trust(folder, schools=45, pupils=20_000)
