"""How large a true difference the study could see, and how large one the verdict's own rule needs."""

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from attendlib.records.answer import Row
from attendlib.stats.chances import chances
from attendlib.stats.fit import t_quantile
from attendlib.stats.power import minimum_detectable

EACH = 0.9  # chance for each of two estimators: together at least 80%, however they hang together (Bonferroni)
STEPS = np.linspace(0, 95, 191)  # days a year tried, half a year at most
STRIDE = 8  # steps looked at first: the chance rises to one peak, so a first one that is enough lies before a later one
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
        return chances(days, se, df, delta).better - certainty

    for steps in (STEPS[::STRIDE], STEPS):  # a chance so rarely enough that strides miss it is looked for in steps
        first = next((place for place, days in enumerate(steps) if short_of(float(days)) >= 0), None)
        if first is not None:
            least = brentq(short_of, *steps[first - 1 : first + 1], xtol=CLOSE) if first else float(steps[0])
            return max(least, float(t_quantile(0.975, df)) * se) if interval else least
    return None
