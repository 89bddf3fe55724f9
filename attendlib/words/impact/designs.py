"""Which manner tells which design."""

from attendlib.words.impact import series
from attendlib.words.impact.manner import Manner

MANNERS: dict[str, Manner] = {"series": series.MANNER}
