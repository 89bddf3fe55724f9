"""Whether something began after the worst spell held from before, from which a course drifts back by itself."""

import numpy as np

NAME = "Not begun after its worst spell"
SPELL = 2  # periods in a row: one bad half-term alone is as often noise


def worst_spell(apart: np.ndarray, period: str) -> tuple[bool, str]:
    """Whether the last two were the worst two in a row of those from before the start, and the same in words.

    `apart` (periods before) is how far the school lay from what it is compared with: higher is worse.
    """
    spells = np.convolve(apart, np.ones(SPELL), mode="valid")
    worst = bool(spells[-1] >= spells.max())
    last = f"The two {period.replace('_', '-')}s before the start {'were' if worst else 'were not'}"
    return worst, f"{last} the worst two in a row of the {len(apart)} held from before it"
