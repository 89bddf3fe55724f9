"""How large a true difference the study could see, and how large one the verdict's own rule needs."""

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from attendlib.records.answer import Row
from attendlib.stats.chances import chances
from attendlib.stats.fit import t_quantile
from attendlib.stats.power import minimum_detectable

EACH = 0.9  # chance for each of two estimators: together at least 80%, however they hang together (Bonferroni)
STEPS = np.append(np.arange(0.0, 95.0, 4.0), 95.0)  # days tried: up to half of a year's
CLOSE = 1e-6  # days: as near as the least estimate is found


def reach_rows(main: Row | None, check: Row | None, delta: float, certainty: float) -> list[Row]:
    """`detectable_days`: what an interval finds in four studies of five; `rule_detectable_days`: what the rule does."""
    if main is None or not main.se or not main.df:
        return []
    blank = replace(main, model="", low=None, high=None, se=None, p=None)
    rows = [replace(blank, estimate="detectable_days", value=minimum_detectable(main.se, main.df),
                    method="80% power, two-sided 5%")]  # fmt: skip
    needed = rule_reaches(main, check, delta, certainty)
    if needed is not None:
        method = "at least 80% of such studies read 'Probably helped'"
        rows.append(replace(blank, estimate="rule_detectable_days", value=needed, method=method))
    return rows


def rule_reaches(main: Row, check: Row | None, delta: float, certainty: float) -> float | None:
    """The true difference at which at least 80% of such studies read 'Probably helped'.

    None without a check, and where no estimate is enough: so few pupils that the prior outweighs any of them.
    """
    if check is None or not check.se or not check.df or not main.se or not main.df:
        return None
    rest = (main.se, main.df, True), (check.se, check.df, False)
    each = []
    for se, df, interval in rest:
        least = least_estimate(se, df, delta, certainty, interval)
        if least is None:
            return None
        each.append(least + float(t_quantile(EACH, df)) * se)
    return max(each)


def least_estimate(se: float, df: float, delta: float, certainty: float, interval: bool) -> float | None:
    """The smallest estimate (days) whose chance of better reaches `certainty`, and (`interval`) excludes 0.

    Not every larger one does: against a t likelihood the prior wins far out.
    """

    def short_of(days: float) -> float:
        return certainty - chances(days, se, df, delta).better

    tried: list[float] = []
    for days in STEPS:
        tried.append(short_of(days))
        if tried[-1] <= 0:
            break
    place = int(np.argmin(tried))
    enough = float(STEPS[place])
    if tried[place] > 0:  # the chance rises to one peak: it is between the neighbours of the best that was tried
        around = STEPS[[max(place - 1, 0), min(place + 1, len(STEPS) - 1)]]
        peak = minimize_scalar(short_of, bounds=around, method="bounded")
        if peak.fun > 0:
            return None
        enough = float(peak.x)
    below = STEPS[enough > STEPS]
    least = brentq(short_of, below[-1], enough, xtol=CLOSE) if len(below) else enough
    return max(least, float(t_quantile(0.975, df)) * se) if interval else least
