"""Published figures on absence and attainment, to be set beside a school's own: each with its year and what differs."""

from dataclasses import dataclass

from attendlib.facts.labels import rows_of

STAGES = {"attainment8": "ks4", "progress8": "ks4"}  # measures whose stage their name does not begin with


@dataclass(frozen=True, slots=True)
class PublishedLink:
    """One published comparison: `figure` as printed, `differs` how it is unlike a school's own, where it is printed."""

    stage: str
    publication: str
    academic_year: str
    what: str
    figure: str
    differs: str
    source: str


@dataclass(frozen=True, slots=True)
class DaysEstimate:
    """What one day of absence goes with, in standard deviations, where absence came about by something like chance."""

    study: str
    sd_per_day_low: float
    sd_per_day_high: float
    subject: str
    differs: str
    source: str


def published_links(measure: str) -> tuple[PublishedLink, ...]:
    """The figures of the measure's key stage: a name that begins with ks2, ks4 or gcse, or a known one; else none."""
    stage = STAGES.get(measure, "ks4" if measure.startswith("gcse") else measure[:3])
    return tuple(PublishedLink(**row) for row in rows_of("published_links.csv") if row["stage"] == stage)


def days_estimates() -> tuple[DaysEstimate, ...]:
    """Every row of `days_estimates.csv`, in order."""
    return tuple(
        DaysEstimate(
            row["study"], float(row["sd_per_day_low"]), float(row["sd_per_day_high"]), row["subject"], row["differs"],
            row["source"],
        )
        for row in rows_of("days_estimates.csv")
    )  # fmt: skip
