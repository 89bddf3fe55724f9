"""The EEF's ratings as tables: months of progress, padlocks, cost. What we only recall is marked so on every page."""

from dataclasses import dataclass

from attendlib.facts.labels import rows_of

UNCHECKED = "not checked against the EEF's own document"
# The EEF leaves these to two reviewers; no data can rate them (security classification 2019, recalled).
JUDGED_BY_REVIEWERS = (
    "confounding",
    "concurrent interventions",
    "experimental effects",
    "implementation fidelity",
    "missing data",
    "measurement of outcomes",
    "selective reporting",
)


@dataclass(frozen=True, slots=True)
class Rating:
    """A rating in words and as a number, the table row it comes from, and whether that row was checked."""

    number: int
    words: str
    checked: bool
    source: str


def months_of_progress(g: float) -> Rating:
    """Additional months of progress for an attainment effect size, rounded to 2 decimals; negative ones mirrored.

    Trials' own table: 0 months up to 0.04 (recalled), from 2 months on the Toolkit's. Beyond 1.00 it stays 12.
    """
    size = min(round(abs(g), 2), 1.0)
    row = next(r for r in rows_of("months.csv") if float(r["g_from"]) <= size <= float(r["g_to"]))
    months = int(row["months"]) * (-1 if g < 0 else 1)
    return Rating(months, f"{months:+d} months" if months else "0 months", row["checked"] == "yes", row["source"])


def padlocks(column: str, value: float) -> Rating:
    """Padlocks, 0 to 5, for `mdes` (effect size, rounded to 2 decimals) or `attrition` (percent, rounded to 1)."""
    size = round(value, 2 if column == "mdes" else 0)
    rows = [row for row in rows_of("padlock.csv") if row["column"] == column]
    row = next(r for r in rows if not r["at_most"] or size <= float(r["at_most"]))
    return Rating(int(row["padlocks"]), row["words"], False, row["source"])


def design_padlocks(padlock: int) -> Rating:
    """The design column's row for that many padlocks: 5 is randomised."""
    row = next(r for r in rows_of("padlock.csv") if r["column"] == "design" and int(r["padlocks"]) == padlock)
    return Rating(padlock, row["words"], False, row["source"])


def cost_rating(pounds_per_pupil_a_year: float) -> Rating:
    """'very low' to 'very high' for pounds a pupil a year, averaged over three years. ValueError below 0."""
    if pounds_per_pupil_a_year < 0:
        raise ValueError(f"a cost of {pounds_per_pupil_a_year} pounds; give 0 or more")
    rows = rows_of("cost.csv")
    edges = [float(row["up_to_gbp"] or "inf") for row in rows]
    place = next(i for i, edge in enumerate(edges) if pounds_per_pupil_a_year <= edge)
    return Rating(place + 1, rows[place]["rating"], True, rows[place]["source"])
