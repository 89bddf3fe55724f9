"""Makes reports on the workers of an existing Dask cluster, to which data and OUT are shared paths."""

from collections.abc import Generator, Sequence
from pathlib import Path

from attendlib.errors import AttendError
from attendlib.export.scan import Secrets
from attendlib.runner.plan import Plan
from attendlib.runner.report import Made
from attendlib.runner.work import How, Todo


def on_cluster(plan: Plan, wanted: Sequence[Todo], out: Path, secrets: Secrets, how: How) -> Generator[Made]:
    """Each report as it is made."""
    raise AttendError("not yet")
    yield
