"""Which manner tells which design."""

from attendlib.words.impact import meta_analysis, staggered
from attendlib.words.impact.manner import Manner

MANNERS: dict[str, Manner] = {
    "meta_analysis": meta_analysis.MANNER,
    "staggered": staggered.MANNER,
}
