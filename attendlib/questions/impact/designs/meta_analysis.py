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
from attendlib.questions.windows import words
from attendlib.records.answer import NOT_AVAILABLE, Check, Row, Scope, Step
from attendlib.stats.fit import Estimate
from attendlib.stats.heterogeneity import Method
from attendlib.stats.pooling import Meta, Pooled, meta_analysis, partial_pool

FEWEST_SCHOOLS = 2
METHOD = "REML, Knapp-Hartung"


METHODS: tuple[Method, ...] = ("REML", "DL", "common")


@dataclass(frozen=True, slots=True, eq=False)
class Schools:
    """Each school's own differences by model (points fewer absent), its pupils, and the schools too small for one."""

    own: Mapping[str, Mapping[str, Estimate]]
    pupils: Mapping[str, int]
    too_small: tuple[str, ...]

    def pooled(self, model: str, method: Method = "REML", leave_out: str = "") -> Meta:
        """The mean of the schools' differences by one model, and how far they truly differ (points)."""
        each = [own[model] for school, own in self.own.items() if school != leave_out]
        return meta_analysis([one.value for one in each], [one.se for one in each], method)

    def another(self) -> Pooled | None:
        """Where one more school's difference by the main model would lie (points); None under three schools."""
        each = [own["adjusted"] for own in self.own.values()]
        return partial_pool([one.value for one in each], [one.se for one in each]) if len(each) >= 3 else None


def put_together(pupils: Pupils, asked: Asked, scope: Scope) -> Evidence:
    """All schools: the mean of their own differences. One school: its own difference, as it goes into the mean.

    Raises Refused where fewer than two schools have a difference of their own.
    """
    if scope == "school":
        own = adjusted(pupils, asked, scope)
        return replace(own, context={**own.context, "design": "adjusted"})
    found = compared(pupils, asked, scope)
    schools = schools_of(found, limit(pupils.study_file.study.audience))
    if len(schools.own) < FEWEST_SCHOOLS:
        reason = "fewer than two schools have enough pupils for a difference of their own"
        raise Refused("too_few", f"{reason}: see `design: adjusted`, which puts pupils together", found.steps)
    n = sum(schools.pupils.values())
    named = {name: schools.pooled(name) for name in _models(found)}
    days = days_followed(found)
    rows = [
        row for name, meta in named.items()
        for row in days_rows(_row(meta, "points_fewer", f"pooled_{name}", n), days, lessons=name == "adjusted")
    ]  # fmt: skip
    year = {row.model: row for row in rows if row.estimate == "days_fewer"}
    rows += [*_own_rows(schools, found), *_spread_rows(schools, n, found), *_choice_rows(schools, found, n)]
    others = frames.interventions(pupils)
    checks = design_checks(found, asked, others[others["intervention"] != asked.intervention])
    checks.append(_agreement(named["adjusted"], found))
    names = frames.schools(pupils).set_index("school")["name"]
    context = {"outcome": words(found.windows.outcome), "window_days": f"{days:.0f}",
               "schools": str(len(schools.own)), "schools_too_small": str(len(schools.too_small)),
               **{f"school_{urn}": str(names[urn]) for urn in schools.own}}  # fmt: skip
    steps = _steps(found, schools, n, limit(pupils.study_file.study.audience))
    main, check = (year.get(f"pooled_{name}") for name in ("adjusted", "check"))
    return Evidence(rows, checks, main, check, steps, scope, n, context, found.has_baseline)


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


def _row(meta: Meta, estimate: str, model: str, n: int) -> Row:
    return Row(
        estimate, "all", model=model, value=meta.value, low=meta.low, high=meta.high, se=meta.se, df=meta.df, p=meta.p,
        confidence_pct=meta.confidence_pct, unit="percentage points", n=n, n_groups=meta.n, method=METHOD,
    )  # fmt: skip


def _per_point(found: Compared) -> tuple[float, str]:
    """Days for each point, and their unit: a year's where the outcome is long enough."""
    return (DAYS_A_YEAR / 100, "days a year") if annual(found) else (days_followed(found) / 100, "days in the window")


def _own_rows(schools: Schools, found: Compared) -> list[Row]:
    """Each school's own difference, in days, as its own page has it; and those too small, without a figure."""
    factor, unit = _per_point(found)
    rows = []
    for urn, own in schools.own.items():
        points = row_of(
            own["adjusted"], "points_fewer", "all", group=f"school={urn}", model="adjusted", method="OLS, HC2"
        )
        rows.append(replace(rescaled(points, factor, "school_difference", unit), n=schools.pupils[urn]))
    small = Row("school_difference", "all", model="adjusted", unit=unit, withheld=NOT_AVAILABLE)
    return [*rows, *(replace(small, group=f"school={urn}") for urn in schools.too_small)]


def _spread_rows(schools: Schools, n: int, found: Compared) -> list[Row]:
    """Where one more school's true difference would lie, and how far schools truly differ (a standard deviation).

    From three schools on the first averages over how far schools may differ: taken at REML's peak, often nought where
    schools are few, it would be as narrow as the mean's own interval.
    """
    factor, unit = _per_point(found)
    meta, new = schools.pooled("adjusted"), schools.another()
    base = Row(
        "new_school", "all", model="pooled_adjusted", unit=unit, n=n, n_groups=meta.n, method="averaged over REML"
    )
    spread = replace(base, estimate="between_schools", value=factor * meta.between**0.5,
                     low=factor * meta.between_low**0.5, high=factor * meta.between_high**0.5, confidence_pct=95.0,
                     method="REML, Q-profile")  # fmt: skip
    if new is None:
        return [spread]
    where = replace(base, value=factor * new.mean, low=factor * new.new_low, high=factor * new.new_high)
    return [replace(where, confidence_pct=95.0), spread]


def _choice_rows(schools: Schools, found: Compared, n: int) -> list[Row]:
    """Other ways of putting the schools together, and the mean without each of them."""
    factor, unit = _per_point(found)
    made = [(f"together={method};without=none", schools.pooled("adjusted", method)) for method in METHODS]
    if len(schools.own) > FEWEST_SCHOOLS:
        made += [(f"together=REML;without={urn}", schools.pooled("adjusted", leave_out=urn)) for urn in schools.own]
    return [rescaled(replace(_row(meta, "choice", "", n), group=group), factor, "choice", unit) for group, meta in made]


def _agreement(meta: Meta, found: Compared) -> Check:
    """How far the schools' differences agree, for information: a mean of unlike things is still only their mean."""
    factor, unit = _per_point(found)
    if meta.n < 5:
        return Check("Schools agree", None, f"With {meta.n} schools nobody can say how far they truly differ.")
    value, low, high = (factor * each**0.5 for each in (meta.between, meta.between_low, meta.between_high))
    text = f"True differences spread by about {value:.1f} {unit} around their mean ({low:.1f} to {high:.1f})"
    return Check("Schools agree", None, f"{text}; {meta.i2_pct:.0f}% of what schools differ by is more than chance.")
