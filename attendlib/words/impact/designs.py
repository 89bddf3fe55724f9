"""Which manner tells which design."""

from attendlib.words.impact import (
    cutoff,
    meta_analysis,
    series,
    series_together,
    several_studies,
    staggered,
    synthetic_control,
)
from attendlib.words.impact.manner import Manner

MANNERS: dict[str, Manner] = {
    "cutoff": cutoff.MANNER,
    "meta_analysis": meta_analysis.MANNER,
    "series": series.MANNER,
    "series_together": series_together.MANNER,
    "several_studies": several_studies.MANNER,
    "staggered": staggered.MANNER,
    "synthetic_control": synthetic_control.MANNER,
}
