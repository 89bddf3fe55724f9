"""The causal-language rule: without randomisation no word of cause, save the one sentence of the verdict badge."""

import re

IF_ALIKE = "if the groups were otherwise alike"

CAUSAL_WORDS = (
    "caused", "causes", "causing", "led to", "leads to", "resulted in", "results in", "because of the intervention",
    "impact of", "effect of", "effects of", "boosts", "boosted", "due to", "thanks to", "made a difference", "improves",
    "reduced absence", "reduces absence", "raised attendance", "raises attendance", "works", "worked", "drives",
)  # fmt: skip


# "No results in 2024/25" and "Attainment 8 results in maths" are marks on a paper, "absence results in" is a claim.
_MARKS = re.compile(r"\b(?:no|the|these|their|lower|higher|better|worse|\d+) results in\b", re.IGNORECASE)


def causal_words(text: str) -> tuple[str, ...]:
    """Every word of cause in `text` that stands outside a verdict badge (one ending in `if … alike`)."""
    outside = re.sub(rf"[^.!?]*{IF_ALIKE}", "", text, flags=re.IGNORECASE)
    outside = _MARKS.sub("", outside)
    return tuple(word for word in CAUSAL_WORDS if re.search(rf"\b{word}\b", outside, re.IGNORECASE))
