"""What a study asks of intervention_impact, as one frozen record: the models' keys, typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from attendlib.records.study import Eligible, Span


@dataclass(frozen=True, slots=True)
class Asked:
    """The study's choices. Days are a year's, better (fewer absent) positive; `year` is an academic year."""

    intervention: str
    year: str
    delta: float
    certainty_pct: int
    comparison: str
    design: str
    weights: str
    rule: Eligible | None
    baseline: Span | None
    outcome: Span | None
    placebo_dates: tuple[date, ...] = ()
    cutoff: Eligible | None = None
    donors: tuple[str, ...] = ()
    period: str = "half_term"

    @property
    def name(self) -> str:
        """The intervention as a reader sees it."""
        return self.intervention.replace("_", " ")


def span_of(written: Mapping[str, object] | None) -> Span | None:
    """`{from, to}` as a notebook hands it on."""
    return None if written is None else Span.model_validate(dict(written))


def eligible_of(written: Mapping[str, object] | None) -> Eligible | None:
    """`{absence_pct_at_least, window}` as a notebook hands it on."""
    return None if written is None else Eligible.model_validate(dict(written))


def dates_of(written: Sequence[object]) -> tuple[date, ...]:
    """Dates, or their ISO text, as a notebook hands them on; in order."""
    return tuple(sorted(day if isinstance(day, date) else date.fromisoformat(str(day)) for day in written))


def outcome_from(keys: Mapping[str, object]) -> str:
    """The outcome's first day (ISO) as the study's keys, or a frozen plan's, name it; empty where they do not."""
    outcome = keys.get("outcome")
    return str(outcome["from"]) if isinstance(outcome, Mapping) else ""
