"""Several schools that did the same: each school's own difference, put together whatever it found (random effects)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from attendlib.disclosure import limit
from attendlib.facts.definitions import DAYS_A_YEAR
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.beside_schools import sum_is_safe
from attendlib.questions.common import rescaled, row_of
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.checks import checks as design_checks
from attendlib.questions.impact.chosen import Compared, Refused, compared
from attendlib.questions.impact.designs.adjusted import adjusted
from attendlib.questions.impact.evidence import Evidence
from attendlib.questions.impact.figures import annual, days_followed, days_rows, models
from attendlib.questions.impact.models import Model, Unfit, overlapping, points_fewer
from attendlib.questions.impact.pooled import (
    FEWEST,
    Unit,
    agreement,
    choice_rows,
    mean_row,
    pooled,
    spread_rows,
)
from attendlib.questions.windows import words
from attendlib.records.answer import NOT_AVAILABLE, Row, Scope, Step
from attendlib.stats.fit import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Schools:
    """Each school's own differences by model (points fewer absent), its pupils, and the schools too small for one."""

    own: Mapping[str, Mapping[str, Estimate]]
    pupils: Mapping[str, int]
    too_small: tuple[str, ...]

    def of(self, model: str) -> dict[str, Estimate]:
        """Each school's own difference by one model (points)."""
        return {school: own[model] for school, own in self.own.items()}


def meta_analysis(pupils: Pupils, asked: Asked, scope: Scope) -> Evidence:
    """All schools: the mean of their own differences. One school: its own difference, as it goes into the mean.

    Raises Refused where fewer than two schools have a difference of their own.
    """
    if scope == "school":
        own = adjusted(pupils, asked, scope)
        return replace(own, context={**own.context, "design": "adjusted"})
    found = compared(pupils, asked, scope)
    schools = schools_of(found, limit(pupils.study_file.study.audience))
    if len(schools.own) < FEWEST:
        reason = "fewer than two schools have enough pupils for a difference of their own"
        raise Refused("too_few", f"{reason}: see `design: adjusted`, which puts pupils together", found.steps)
    n = sum(schools.pupils.values())
    named = {name: pooled(schools.of(name)) for name in _models(found)}
    days = days_followed(found)
    rows = [
        row for name, meta in named.items()
        for row in days_rows(mean_row(meta, "points_fewer", f"pooled_{name}", n), days, lessons=name == "adjusted")
    ]  # fmt: skip
    year = {row.model: row for row in rows if row.estimate == "days_fewer"}
    main_of, unit = schools.of("adjusted"), _unit(found)
    rows += [
        *_own_rows(schools, unit), *spread_rows(main_of, n, unit, "pooled_adjusted"), *choice_rows(main_of, n, unit)
    ]  # fmt: skip
    others = frames.interventions(pupils)
    checks = design_checks(found, asked, others[others["intervention"] != asked.intervention])
    checks.append(agreement(main_of, unit))
    names = frames.schools(pupils).set_index("school")["name"]
    context = {"outcome": words(found.windows.outcome), "window_days": f"{days:.0f}",
               "schools": str(len(schools.own)), "schools_too_small": str(len(schools.too_small)),
               **{f"school_{urn}": str(names[urn]) for urn in schools.own}}  # fmt: skip
    steps = _steps(found, schools, n, limit(pupils.study_file.study.audience))
    main, check = (year.get(f"pooled_{name}") for name in ("adjusted", "check"))
    return Evidence(rows, checks, main, check, steps, scope, n, context, found.has_baseline, unit="schools")


def _steps(found: Compared, schools: Schools, n: int, fewest: int) -> tuple[Step, ...]:
    """The steps and one more: pupils of schools too small for a figure, unless that would tell of a few of them."""
    last = Step("in schools too small for a figure of their own", len(found.frame) - n, n)
    sizes = found.frame["school"].value_counts()
    if sum_is_safe([int(sizes[school]) for school in schools.too_small], fewest):
        return (*found.steps, last)
    return (*(replace(step, left=None) for step in found.steps), replace(last, lost=None))


def _models(found: Compared) -> dict[str, Model]:
    return {name: model for name, model in models(found).items() if name != "raw"}


def schools_of(found: Compared, fewest: int) -> Schools:
    """Each school's own difference by main model and check (HC2), where both sides have `fewest` and it can be fitted.

    Whatever it found: no school is left out for its result.
    """
    own: dict[str, Mapping[str, Estimate]] = {}
    pupils: dict[str, int] = {}
    for school, rows in found.frame.groupby("school"):
        frame = rows[overlapping(rows)].reset_index(drop=True)  # as that school's own page has it
        sides = [int((frame["treated"] == side).sum()) for side in (0, 1)]
        fitted = _fitted(frame, _models(found)) if min(sides) >= fewest else None
        if fitted:
            own[str(school)], pupils[str(school)] = fitted, len(frame)
    every = found.frame["school"].unique()
    return Schools(own, pupils, tuple(sorted(str(school) for school in every if str(school) not in own)))


def _fitted(frame: pd.DataFrame, named: dict[str, Model]) -> dict[str, Estimate] | None:
    try:
        own = {name: points_fewer(frame, model, None) for name, model in named.items()}
    except Unfit:
        return None
    return own if all(each.se > 0 for each in own.values()) else None


def _unit(found: Compared) -> Unit:
    """Schools, in days a year where the outcome is long enough."""
    if annual(found):
        return Unit("school", "days a year", DAYS_A_YEAR / 100)
    return Unit("school", "days in the window", days_followed(found) / 100)


def _own_rows(schools: Schools, of: Unit) -> list[Row]:
    """Each school's own difference, in days, as its own page has it; and those too small, without a figure."""
    rows = []
    for urn, own in schools.own.items():
        points = row_of(
            own["adjusted"], "points_fewer", "all", group=f"school={urn}", model="adjusted", method="OLS, HC2"
        )
        rows.append(replace(rescaled(points, of.per, "school_difference", of.unit), n=schools.pupils[urn]))
    small = Row("school_difference", "all", model="adjusted", unit=of.unit, withheld=NOT_AVAILABLE)
    return [*rows, *(replace(small, group=f"school={urn}") for urn in schools.too_small)]
