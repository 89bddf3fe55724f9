"""What a study asks of intervention_impact, as one frozen record: the models' keys, typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from attendlib.questions.impact.evidence import Evidence
from attendlib.records.answer import Check, Row
from attendlib.records.study import Eligible, Span

ARTICLES = ("the ", "a ", "an ", "our ")


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

    @property
    def with_article(self) -> str:
        """The same within a sentence: 'referred to the attendance letter'."""
        return self.name if self.name.lower().startswith(ARTICLES) else f"the {self.name}"


def span_of(written: Mapping[str, object] | None) -> Span | None:
    """`{from, to}` as a notebook hands it on."""
    return None if written is None else Span.model_validate(dict(written))


def eligible_of(written: Mapping[str, object] | None) -> Eligible | None:
    """`{absence_pct_at_least, window}` as a notebook hands it on."""
    return None if written is None else Eligible.model_validate(dict(written))


def dates_of(written: Sequence[object]) -> tuple[date, ...]:
    """Dates, or their ISO text, as a notebook hands them on; in order."""
    return tuple(sorted(day if isinstance(day, date) else date.fromisoformat(str(day)) for day in written))


def asked_rows(found: Evidence, asked: Asked, checks: Sequence[Check]) -> list[Row]:
    """What a study that puts this one together with others must know: of what, for how much, by which estimates.

    `decides` names main and check under `model`, the intervention under `method`, and the smallest worthwhile
    difference as `value`; `checks_failed` counts. Of pages of all schools: a school's page is not put together so.
    """
    if found.scope != "all":
        return []
    base = Row("decides", found.scope, value=asked.delta, unit="days a year", n=found.n, method=asked.name)
    rows = [replace(base, group="as=main", model=found.main.model if found.main else "")]
    if found.check and not found.alone:
        rows.append(replace(base, group="as=check", model=found.check.model))
    failed = sum(check.passed is False for check in checks)
    return [
        *rows,
        replace(base, estimate="checks_failed", value=float(failed), unit="checks", method="count"),
    ]


def outcome_from(keys: Mapping[str, object]) -> str:
    """The outcome's first day (ISO) as the study's keys, or a frozen plan's, name it; empty where they do not."""
    outcome = keys.get("outcome")
    return str(outcome.get("from", "")) if isinstance(outcome, Mapping) else ""
