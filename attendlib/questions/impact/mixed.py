"""A school and its mixture as rows of results: difference, course, fit before, weights, and other choices."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from attendlib.disclosure import withheld
from attendlib.facts.definitions import DAYS_A_YEAR, FEWEST_SESSIONS_ANNUALISED, SESSIONS_A_DAY
from attendlib.intake.load import Pupils
from attendlib.questions.common import rescaled, row_of
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.pool import CARRIES, FEWEST_BEFORE, Pool, hidden, pool
from attendlib.questions.impact.spells import SPELL
from attendlib.records.answer import Row
from attendlib.stats.fit import t_quantile
from attendlib.stats.synthetic_control import Synthetic, synthetic_control, without_each

METHODS = {
    "synthetic_control": "synthetic control, level apart, placebo schools",
    "check": "synthetic difference in differences, placebo schools",
    "raw": "difference in differences beside all donors, placebo schools",
}
POINTS = "percentage points"


def points_row(found: Pool, made: Synthetic, model: str) -> Row:
    """The difference after the start as points fewer absent (better is positive); n is all pupils in the schools."""
    row = row_of(made.estimate, "points_more", "school", model=model, unit=POINTS, method=METHODS[model])
    return _counted(found, rescaled(row, -1, "points_fewer", POINTS))


def course_rows(found: Pool, made: Synthetic) -> list[Row]:
    """What the school missed in each period, what its mixture did at the school's own level, and the gap.

    The gap's interval is what other schools' own gaps in that period span (root mean square), not a fit's.
    """
    spread = np.sqrt((made.placebo_gaps**2).mean(axis=0) * (1 + 1 / len(found.donors)))
    reach = float(t_quantile(0.975, len(found.donors) - 1)) * spread
    return [row for place in range(len(spread)) for row in _at(found, made, place, float(spread[place]), reach[place])]


def _at(found: Pool, made: Synthetic, place: int, spread: float, reach: float) -> list[Row]:
    name = found.groups.names[place]
    grain = "half_term" if "/" in name else "week"
    when = sorted([f"{grain}={name}", f"period={'before' if place < found.first else 'after'}"])
    group, fewer, own = ";".join(when), -float(made.gap[place]), float(found.percent()[0, place])
    gap = _counted(found, Row("mixture_gap", "school", group=group, model="synthetic_control", unit=POINTS))
    course = Row("mixture_course", "school", unit="percent")
    return [
        replace(gap, value=fewer, low=fewer - reach, high=fewer + reach, se=spread, confidence_pct=95.0,
                method="gap to the mixture, spread of placebo schools"),
        replace(course, group=f"{group};who=school", value=own, n=int(found.groups.pupils[0, place]),
                method="mean of pupils' rates"),
        replace(course, group=f"{group};who=mixture", value=own + fewer, n=int(found.donors["pupils"].sum()),
                n_groups=len(found.donors), method="mixture of other schools, at the school's level"),
    ]  # fmt: skip


def fit_rows(found: Pool, made: Synthetic) -> list[Row]:
    """How far school and mixture lay apart before, beside other schools and theirs; and the rank by ratio."""
    base = _counted(found, Row("fit_before", "school", model="synthetic_control", unit=POINTS))
    return [
        replace(base, group="who=school", value=made.fit_before, method="root mean squared gap before"),
        replace(base, group="who=typical_other", value=float(np.median(made.donors_fit_before)),
                method="median of other schools' root mean squared gaps before"),
        replace(base, estimate="permutation_p", value=made.p_rank, unit="p",
                method="rank of root mean squared gap, after to before, among all schools"),
    ]  # fmt: skip


def weight_rows(found: Pool, made: Synthetic) -> list[Row]:
    """Each donor's share of the mixture, those of 1% or more: a fact about schools, not about pupils."""
    labels = found.donors.assign(weight=made.weights)
    heavy = labels[labels["weight"] >= CARRIES].sort_values(["weight", "school"], ascending=[False, True])
    return [
        Row("donor_weight", "school", group=f"donor={school}", model="synthetic_control", value=100 * float(weight),
            unit="percent", n=int(pupils), method="share of the mixture")
        for school, weight, pupils in zip(heavy["school"], heavy["weight"], heavy["pupils"], strict=True)
    ]  # fmt: skip


def choice_rows(pupils: Pupils, asked: Asked, found: Pool, made: Synthetic) -> list[Row]:
    """The same difference by every other choice that could be defended, in days (a year where that may be said).

    Withheld where another choice's mixture would show one other school's figures.
    """
    main = _choice(found, made, "fixed")
    rows = [main, *_other_weights(found), *_left_out(found), *_without_spell(found)]
    for way, changed in _other_pools(pupils, asked, found):
        y = changed.percent()
        rows.append(_choice(changed, synthetic_control(y, changed.first, changed.after_weights), way))
    return rows


def _other_weights(found: Pool) -> Iterator[Row]:
    for way, kind in (("no_ridge", "free_level"), ("same_level", "classic")):
        made = synthetic_control(found.percent(), found.first, found.after_weights, kind)  # type: ignore[arg-type]
        row = _choice(found, made, way)
        # Schools whose level no mixture can reach would make this interval as wide as schools differ in level.
        yield replace(row, low=None, high=None, se=None, df=None, p=None) if kind == "classic" else row


def _left_out(found: Pool) -> list[Row]:
    """The lowest and the highest with one donor left out, of those mixtures that hide every school in them."""
    made = [each for each in without_each(found.percent(), found.first, found.after_weights) if hidden(each.weights)]
    rows = sorted((_choice(found, each, "one_left_out") for each in made), key=lambda row: row.value or 0.0)
    if len(rows) < 2:
        return []
    return [replace(rows[0], group="way=one_left_out_lowest"), replace(rows[-1], group="way=one_left_out_highest")]


def without_spell(y: np.ndarray, first: int, after_weights: np.ndarray | None = None) -> Synthetic | None:
    """The same without the two periods before the start: a bad spell there lifts what the time after is set against.

    `y` (schools, periods), percent missed; None where too few periods would be left.
    """
    sooner = first - SPELL
    if sooner < FEWEST_BEFORE:
        return None
    return synthetic_control(np.delete(y, slice(sooner, first), axis=1), sooner, after_weights)


def _without_spell(found: Pool) -> list[Row]:
    made = without_spell(found.percent(), found.first, found.after_weights)
    return [] if made is None else [_choice(found, made, "spell_left_out")]


def _other_pools(pupils: Pupils, asked: Asked, found: Pool) -> Iterator[tuple[str, Pool]]:
    """The other grain of time, and schools of every phase, where they can be had."""
    grain = "week" if asked.period == "half_term" else "half_term"
    tried = [(f"by_{grain}", replace(asked, period=grain), False)]
    if not asked.donors:
        tried.append(("all_phases", asked, True))
    for way, changed, all_phases in tried:
        try:
            other = pool(pupils, changed, all_phases)
        except Refused:
            continue
        if way != "all_phases" or len(other.donors) > len(found.donors):
            yield way, other


def _choice(found: Pool, made: Synthetic, way: str) -> Row:
    points = points_row(found, made, "synthetic_control")
    days = float(found.after_weights.sum()) / SESSIONS_A_DAY
    year = days * SESSIONS_A_DAY >= FEWEST_SESSIONS_ANNUALISED
    unit = "days a year" if year else "days in the window"
    row = rescaled(points, (DAYS_A_YEAR if year else days) / 100, "choice", unit)
    row = replace(row, model="", group=f"way={way}")
    return shown(row, made)


def shown(row: Row, made: Synthetic) -> Row:
    """The row, withheld where its mixture would show one other school's figures."""
    return row if hidden(made.weights) else withheld(row)


def _counted(found: Pool, row: Row) -> Row:
    return replace(row, n=int(found.groups.labels["pupils"].sum()), n_groups=len(found.groups.labels))
