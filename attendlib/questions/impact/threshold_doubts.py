"""What may be doubted of a comparison at a line: other ways of fitting, other lines, other outcomes, bunching."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from attendlib.disclosure import limit, withheld
from attendlib.facts.definitions import (
    DAYS_A_YEAR,
    FEWEST_SESSIONS_ANNUALISED,
    FEWEST_SESSIONS_BANDED,
    SESSIONS_A_DAY,
)
from attendlib.questions.common import indicators, rescaled, row_of
from attendlib.questions.impact.models import within_schools
from attendlib.questions.impact.placebo import placebo_check, placebo_words
from attendlib.questions.impact.threshold import Sides
from attendlib.questions.impact.threshold_counts import Rested, few_in_a_school, few_on_a_side, untold, used_by
from attendlib.questions.impact.threshold_figures import SIDES, fewer
from attendlib.records.answer import NOT_AVAILABLE, Check, Row
from attendlib.stats.cutoff import Jump, Way, density, jump, kernel_weights, same_reach
from attendlib.stats.fit import Estimate, contrast
from attendlib.stats.ols import ols

MAIN = "alike=fixed;hole=none;kernel=triangular;order=1;reach=fixed;spread=robust"


def ways(found: Sides, main: Jump) -> Iterator[tuple[str, Way]]:
    """Every defensible way of fitting, one thing changed at a time, as 'key=value;…'; the one fixed first."""
    yield MAIN, same_reach(main)
    for name, factor in (("half", 0.5), ("double", 2.0)):
        yield _changed(reach=name), Way(reach=factor * main.reach, bias_reach=factor * main.bias_reach)
    yield _changed(reach="mserd"), Way()
    yield _changed(order="2"), same_reach(main, order=2)
    for kernel in ("uniform", "epanechnikov"):
        yield _changed(kernel=kernel), same_reach(main, kernel=kernel)
    yield _changed(hole="one_session"), same_reach(main, hole=found.session)


def _changed(**made: str) -> str:
    whole = dict(part.split("=") for part in MAIN.split(";")) | made
    return ";".join(f"{key}={value}" for key, value in sorted(whole.items()))


def choice_rows(found: Sides, main: Jump, days: float) -> list[Row]:
    """One row a choice: fewer days by that way of fitting the difference at the line, all pupils counted as n.

    Those a choice leaves out are never told by its degrees of freedom where they are few in any school.
    """
    rows = [_choice(found, key, days, way, found.alike()) for key, way in ways(found, main)]
    for name, also in _other_columns(found).items():
        rows.append(_choice(found, _changed(alike=name), days, same_reach(main), also))
    return untold(found, [*rows, *_homes_apart(found, main, days), *_clustered(found, main, days)], main)


def _other_columns(found: Sides) -> dict[str, pd.DataFrame | None]:
    """Other things held alike: nothing, where the school is; the earlier baseline too, where it is held."""
    named: dict[str, pd.DataFrame | None] = {"nothing": None} if found.alike() is not None else {}
    if _known(found).mean() >= 0.5:
        earlier = indicators(found.frame, ["baseline"])
        named["baseline"] = pd.concat([*([found.alike()] if found.alike() is not None else []), earlier], axis=1)
    return named


def _homes_apart(found: Sides, main: Jump, days: float) -> list[Rested]:
    """Without any pupil, on either side, whose brother or sister was referred: support may have reached both.

    Taking them off below the line alone would leave sides unlike: homes where nobody else is absent, beside all homes.
    Withheld where that leaves out few within reach of the line on a side, in any school.
    """
    if "sibling" not in found.frame:
        return []
    out = (found.frame["sibling"] == 1).to_numpy()
    near = out & (abs(found.running) < main.reach)
    if not near.any():
        return []
    sides = [near & (found.frame["above"] == side).to_numpy() for side in (0, 1)]
    rest = found.where(~out)
    made = _choice(rest, _changed(homes="apart"), days, same_reach(main), rest.alike())
    used = np.zeros(len(out), bool)
    used[~out] = made.used
    few = any(few_in_a_school(found, each) for each in sides) or few_on_a_side(found, used)
    row = replace(made.row, n=len(out))
    return [Rested(withheld(row) if few else row, used, np.ones(len(out), bool))]


def homes_check(found: Sides) -> Check:
    """Whether it can be seen that support reached brothers and sisters across the line, for information."""
    known = (
        "Where a pupil's brother or sister was referred, support may have reached both: among the other choices is the"
        " difference without any such pupil on either side, unless none is near the line."
    )
    unknown = "No household is recorded: support may have reached brothers and sisters on the other side of the line."
    return Check("Support that reaches a whole home", None, known if "sibling" in found.frame else unknown)


def _known(found: Sides) -> pd.Series:
    return found.frame["possible_baseline"].fillna(0) >= FEWEST_SESSIONS_BANDED


def _choice(found: Sides, key: str, days: float, way: Way, also: pd.DataFrame | None) -> Rested:
    unit, factor = _days(days)
    everyone = np.ones(len(found.frame), bool)
    blank = Row("choice", found.scope, group=key, unit=unit, method="local line", withheld=NOT_AVAILABLE)
    try:
        made = jump(100 * found.frame["outcome"].to_numpy(float), found.running, also=also, way=way)
    except ValueError:
        return Rested(blank, everyone, everyone)
    used = used_by(found, made, way)
    row = _as_choice(found, key, made.robust, unit, factor)
    return Rested(withheld(row) if few_on_a_side(found, used) else row, used, everyone)


def _as_choice(found: Sides, key: str, estimate: Estimate, unit: str, factor: float) -> Row:
    points = row_of(fewer(estimate), "choice", found.scope, group=key, method="local line")
    return replace(rescaled(points, factor, "choice", unit), n=len(found.frame))


def _days(days: float) -> tuple[str, float]:
    if days * SESSIONS_A_DAY >= FEWEST_SESSIONS_ANNUALISED:
        return "days a year", DAYS_A_YEAR / 100
    return "days in the window", days / 100


def _clustered(found: Sides, main: Jump, days: float) -> list[Rested]:
    """On a page of several schools: the same local lines within schools, standard errors clustered by school (CR2)."""
    weight = kernel_weights(found.running, main.reach)
    near = weight > 0
    schools = found.frame["school"][near].reset_index(drop=True)
    if found.scope == "school" or schools.nunique() < 2:
        return []
    above, x = found.frame["above"].to_numpy(float)[near], found.running[near]
    design = pd.DataFrame({"above": above, "constant": 1.0, "x": x, "above_x": above * x})
    weights = pd.Series(weight[near])
    outcome = pd.Series(100 * found.frame["outcome"].to_numpy(float)[near])
    points, design = within_schools(outcome, design, schools, weights)
    try:
        made = contrast(ols(points, design, cluster=schools.to_numpy(), weights=weights.to_numpy()), {"above": 1.0})
    except ValueError:
        return []
    return [Rested(_as_choice(found, _changed(spread="school"), made, *_days(days)), near, np.ones(len(near), bool))]


def placebos(found: Sides, main: Jump) -> list[Rested]:
    """Jumps where none should be: at two other lines, and at the line in what the support could not have moved.

    `placebo_cutoff` (points fewer) is at the middle pupil of each side, from that side alone. `placebo`: absence in the
    earlier baseline (points), sessions that could be attended (percent of the mean), year group, free school meals
    (points), each above less below turned round like the outcome.
    """
    return [*_other_lines(found, main), *_other_outcomes(found, main)]


def _other_lines(found: Sides, main: Jump) -> list[Rested]:
    rows = []
    for name, side in SIDES:
        own = (found.frame["above"] == side).to_numpy()
        part = found.where(own)
        middle = float(part.frame["running"].median())
        try:
            outcome = 100 * part.frame["outcome"].to_numpy(float)
            made = jump(outcome, part.running - middle, also=part.alike(), way=same_reach(main))
        except ValueError:
            continue
        if min(made.below, made.above) >= limit(found.audience):
            method = f"a line at {found.pct + middle:.0f}%"
            row = row_of(fewer(made.robust), "placebo_cutoff", found.scope, group=f"side={name}",
                         unit="percentage points", method=method)  # fmt: skip
            used = own & (np.abs(found.running - middle) < made.reach)
            rows.append(Rested(replace(row, n=len(part.frame)), used, own))
    return rows


def _other_outcomes(found: Sides, main: Jump) -> list[Rested]:
    frame = found.frame
    possible = frame["possible_outcome"].astype(float)
    tried = {
        "earlier_absence": (100 * frame["baseline"].where(_known(found)), "percentage points"),
        "possible_sessions": (100 * possible / possible.mean(), "percent of the mean"),
        "year_group": (frame["year_group"].astype(float), "year groups"),
    }
    if "fsm6" in frame:
        meals = pd.to_numeric(frame["fsm6"], errors="coerce")
        tried["fsm6"] = (100 * meals.astype(float), "percentage points")
    rows = []
    for name, (values, unit) in tried.items():
        known = values.notna()
        if known.mean() < 0.5 or values[known].nunique() < 2:
            continue
        part = found.where(known)
        try:
            made = jump(values[known].to_numpy(float), part.running, also=part.alike(), way=same_reach(main))
        except ValueError:
            continue
        used = used_by(found, made, same_reach(main)) & known.to_numpy()
        if few_on_a_side(found, used):
            continue
        row = row_of(fewer(made.robust), "placebo", found.scope, group=f"outcome={name}", unit=unit,
                     method="the main fit")  # fmt: skip
        rows.append(Rested(replace(row, n=len(frame)), used, np.ones(len(frame), bool)))
    return rows


NAMES = {
    "earlier_absence": ("Placebo outcome: absence before pupils were chosen", "points fewer absent"),
    "possible_sessions": ("Placebo outcome: sessions that could be attended", "percent fewer of them"),
    "year_group": ("Placebo outcome: year group", "year groups lower"),
    "fsm6": ("Placebo outcome: free school meals in six years", "points fewer with them"),
}


def placebo_checks(rows: Sequence[Row], pct: float) -> list[Check]:
    """Each placebo as a check: it fails where a jump stands out at 1 in 100."""
    checks = []
    for row in rows:
        what = row.group.partition("=")[2]
        if row.estimate == "placebo_cutoff":
            name, unit = f"Placebo line {what} {pct:g}%: {row.method}", "points fewer absent"
        else:
            name, unit = NAMES[what]
        checks.append(_check(row, name, unit))
    return checks


def _check(row: Row, name: str, unit: str) -> Check:
    if row.p is None or row.value is None or row.low is None or row.high is None:
        return Check(name, None, "Too few pupils to say.")
    value = placebo_words(row.value, row.low, row.high, unit)
    return placebo_check(name, row.p, "A jump where none should be", "No clear jump, as it should be", value)


def density_rows(found: Sides) -> list[Row]:
    """How many times as many pupils stand just above the line as the counts around it foretell (`density_ratio`)."""
    steps = found.frame["steps"].to_numpy(int)
    whole_days = (found.frame["absent_window"].to_numpy(int) % SESSIONS_A_DAY) == 0
    try:
        made = density(steps, whole_days)
    except ValueError:
        return []
    row = row_of(made.ratio, "density_ratio", found.scope, unit="times", method="quasi-Poisson on counts by session")
    return [replace(row, n=len(found.frame))]


def density_check(rows: list[Row]) -> list[Check]:
    """Whether pupils are bunched on one side of the line, as if marks had been moved across it."""
    name = "Nobody moved across the line"
    heaps = "Sessions come in whole numbers and mostly in whole days, so counts rise and fall by themselves; that is"
    if not rows or rows[0].p is None or rows[0].value is None:
        return [Check(name, None, f"Too few pupils near the line to say. {heaps} why.")]
    row = rows[0]
    said = f"{row.value:.2f} times as many just above it as the counts around it foretell"
    value = f"{said} ({row.low:.2f} to {row.high:.2f}). {heaps} allowed for"
    none = "No bunching at the line stands out"
    return [placebo_check(name, row.p, "Pupils are bunched at the line", none, value)]
