"""What a study asks of `attainment_link`, in one frozen record."""

from collections.abc import Mapping
from dataclasses import dataclass

from attendlib.disclosure import limit


@dataclass(frozen=True, slots=True)
class Asked:
    """The study's choices. `at_least` None is a score, else a threshold; `low_pct` and `high_pct` are the contrast."""

    school: str
    measure: str
    at_least: float | None
    academic_year: str
    year_group: int | None
    prior: str | None
    adjust_for: tuple[str, ...]
    high_pct: float
    low_pct: float
    audience: str
    seed: int

    @property
    def is_share(self) -> bool:
        """Whether results are counted as reached or not."""
        return self.at_least is not None

    @property
    def fewest(self) -> int:
        """The fewest pupils a figure may rest on."""
        return limit(self.audience)


def measure_of(outcome: str | Mapping[str, object]) -> tuple[str, float | None]:
    """A measure's name, and the result that counts as reached where the study gives a threshold."""
    if isinstance(outcome, str):
        return outcome, None
    return str(outcome["measure"]), float(str(outcome["at_least"]))


def tellable(left_out: int, asked: Asked) -> bool:
    """Whether so many left out give nobody away where the numbers of those in are told: none, or enough."""
    return left_out == 0 or left_out >= asked.fewest
