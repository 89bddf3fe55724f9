"""Which manner tells which design."""

from attendlib.words.impact.manner import Manner
from attendlib.words.impact.synthetic_control import MANNER as SYNTHETIC_CONTROL

MANNERS: dict[str, Manner] = {"synthetic_control": SYNTHETIC_CONTROL}
