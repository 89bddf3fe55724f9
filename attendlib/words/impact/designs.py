"""Which manner tells which design."""

from attendlib.words.impact import cutoff
from attendlib.words.impact.manner import Manner

MANNERS: dict[str, Manner] = {"cutoff": cutoff.MANNER}
