"""One run of the stub trust, shared by every test that looks at what came of it; a light template for all of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from stub_trust import LIGHT, write_stub

from attendlib.intake.study import read_study
from attendlib.runner import forked
from attendlib.runner.batch import Ran, run, todo
from attendlib.runner.plan import Plan, make_plan
from attendlib.runner.work import How


@dataclass(frozen=True)
class Stub:
    study: Path
    out: Path
    plan: Plan
    ran: Ran


@pytest.fixture(scope="module", autouse=True)
def light_template() -> Iterator[None]:
    """Where a test needs what the real template holds, it asks for it: see `kept` in test_faults."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forked, "PRELOAD", LIGHT)
        yield


@pytest.fixture(scope="session")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Stub:
    folder = tmp_path_factory.mktemp("stub")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.setattr(forked, "PRELOAD", LIGHT)
        study = write_stub(folder / "trust")
        plan = make_plan(read_study(study))
        out = folder / "out"
        ran = run(plan, todo(plan.jobs, out), out, lambda made: None, How(workers=2))
    return Stub(study, out, plan, ran)
