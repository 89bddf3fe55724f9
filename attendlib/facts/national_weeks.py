"""England's published absence week by week: autumn weeks only, since no others are held here."""

from functools import cache

from attendlib.facts.labels import rows_of

PHASES = ("primary", "secondary", "special")


@cache
def national_weeks(phase: str) -> dict[str, float]:
    """Percent of possible sessions missed in England's state-funded schools of `phase`, by the week's Monday (ISO).

    Pooled sessions, both kinds of absence, as DfE published them (OGL v3.0). Empty for a phase outside PHASES.
    """
    return {row["week"]: float(row["absence_pct"]) for row in rows_of("national_weeks.csv") if row["phase"] == phase}
