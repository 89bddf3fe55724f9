"""Several tests at once: p-values that allow for how many were made."""

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's (1979, Scand. J. Stat. 6) step-down p-values, in the order given: at most as large as Bonferroni's.

    Each holds whichever of the hypotheses are true and however the tests depend. ValueError for a p outside 0 to 1.
    """
    found = np.asarray(p, dtype=float)
    if found.ndim != 1 or not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f"p-values lie between 0 and 1; there are {list(p)}")
    order = np.argsort(found, kind="stable")
    stepped = np.maximum.accumulate(found[order] * np.arange(len(found), 0, -1))
    adjusted = np.empty_like(found)
    adjusted[order] = stepped.clip(max=1)
    return adjusted
