"""Weights that make the compared pupils alike to the referred in what is known; or the reason there are none."""

from typing import Final

from attendlib.questions.common import independent
from attendlib.questions.impact.balance import covariates
from attendlib.questions.impact.chosen import Compared
from attendlib.stats.weighting import Method, NoOverlapError, NotConvergedError, Weighted, balance_weights

KINDS: Final[tuple[Method, ...]] = ("entropy", "propensity")


def weigh(found: Compared, kind: Method) -> Weighted | str:
    """Weights (1 for the referred) by `kind`, from all that is known before; or in plain words why not."""
    try:
        return balance_weights(independent(covariates(found)), found.frame["treated"], kind)
    except NoOverlapError:
        return f"no {kind} weights make the compared alike to the referred: the groups do not overlap"
    except NotConvergedError:
        return f"the search for {kind} weights did not settle"
    except ValueError:
        return f"no {kind} weights can be had from what is known of these pupils"
