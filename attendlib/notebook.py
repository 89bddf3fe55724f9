"""The names a notebook uses: `import attendlib.notebook as al`."""

import pandas as pd

from attendlib.intake.load import load
from attendlib.page.show import header, provenance, show
from attendlib.questions.attainment_link import attainment_link
from attendlib.questions.intervention_impact import impact_details, intervention_impact
from attendlib.questions.transition_dip import transition_dip
from attendlib.questions.trial_evaluation import trial_evaluation

# A report works on many small tables, for which texts as Arrow keeps them cost a quarter of its time; the texts are the
# same. Set here, so that a run and a notebook opened by hand work alike.
pd.options.mode.string_storage = "python"

__all__ = [
    "attainment_link",
    "header",
    "impact_details",
    "intervention_impact",
    "load",
    "provenance",
    "show",
    "transition_dip",
    "trial_evaluation",
]
