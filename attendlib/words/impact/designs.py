"""Which manner tells which design."""

from attendlib.words.impact import staggered
from attendlib.words.impact.manner import Manner

MANNERS: dict[str, Manner] = {
    "staggered": staggered.MANNER,
}
