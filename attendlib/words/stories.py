"""Which words tell which answer."""

from collections.abc import Callable

from attendlib.records.answer import Answer, Story
from attendlib.words import attainment_link, impact_details, intervention_impact, transition_dip, trial_evaluation

TELLERS: dict[str, Callable[[Answer], Story]] = {
    "attainment_link": attainment_link.tell,
    "transition_dip": transition_dip.tell,
    "intervention_impact": intervention_impact.tell,
    "impact_details": impact_details.tell,
    "trial_evaluation": trial_evaluation.tell,
}
TITLES = {"too_few": "Too few pupils to tell", "not_applicable": "This question does not apply here"}


def tell(answer: Answer) -> Story:
    """The answer in words and pictures; one without figures says why in plain words."""
    if answer.status == "done":
        return TELLERS[answer.question](answer)
    reasons = "; ".join(answer.reasons)
    return Story(
        title=TITLES[answer.status],
        sentences=(f"{TITLES[answer.status]}: {reasons}.",),
        badge=TITLES[answer.status],
        next_steps=("Put several years or schools together.",) if answer.status == "too_few" else (),
    )
