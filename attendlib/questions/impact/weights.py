"""Weights that make the compared pupils alike to the referred in what is known; or the reason there are none."""

import numpy as np

from attendlib.questions.impact.chosen import Compared

KINDS: tuple[str, ...] = ()


def weigh(found: Compared, kind: str) -> np.ndarray | str:
    """Weights (n,), 1 for the referred, by `kind` entropy or propensity; or in plain words why not."""
    return f"no weights of kind {kind}"
