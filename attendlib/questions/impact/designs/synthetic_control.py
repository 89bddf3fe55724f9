"""One school beside a mixture of other schools that ran alike before: synthetic control."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np

from attendlib.disclosure import withheld
from attendlib.facts.definitions import FEWEST_SESSIONS_ANNUALISED, SESSIONS_A_DAY
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.checks import NOT_ANNUALISED, others_check
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.evidence import Evidence
from attendlib.questions.impact.figures import BY_CODE, days_rows
from attendlib.questions.impact.groups import where_it_began
from attendlib.questions.impact.mixed import choice_rows, course_rows, fit_rows, points_row, shown, weight_rows
from attendlib.questions.impact.placebo import placebo_check, placebo_words
from attendlib.questions.impact.pool import (
    FEWEST_BEFORE,
    Pool,
    hidden,
    hidden_beside_plain_mean,
    one_school_check,
    pool,
    refuse_readable,
)
from attendlib.questions.impact.spells import NAME, SPELL, worst_spell
from attendlib.questions.windows import words
from attendlib.records.answer import Check, Row, Scope
from attendlib.records.study import ALL
from attendlib.stats.synthetic_control import Kind, Synthetic
from attendlib.stats.synthetic_control import synthetic_control as mix

MAIN = "synthetic_control"
MODELS: Mapping[str, Kind] = {MAIN: "mixture", "check": "sdid", "raw": "did"}
POOR_FIT = 2.0  # times the donors' typical distance before: four times in squares, as Abadie and others (2010) cut
NEEDED = 19  # donors: with fewer no rank can reach a p of 1 in 20


def synthetic_control(pupils: Pupils, asked: Asked, scope: Scope) -> Evidence:
    """The page's school after the start beside what a mixture of other schools had, which ran alike before.

    Raises Refused for the page of all schools, and wherever no mixture can be made or shown.
    """
    if pupils.school == ALL:
        names = where_it_began(pupils, asked) or "none of the study's schools"
        reason = (
            "one school at a time is set beside others: see the page of each school that began"
            f" {asked.with_article} ({names})"
        )
        raise Refused("not_applicable", reason)
    found = pool(pupils, asked)
    y, after = found.percent(), found.after_weights
    made = {name: mix(y, found.first, after, kind) for name, kind in MODELS.items()}
    refuse_readable(made[MAIN], found.groups.steps)
    days = float(after.sum()) / SESSIONS_A_DAY
    rows = [row for name in made for row in _model_rows(found, made, name, days)]
    main, check = (next((row for row in rows if row.estimate == "days_fewer" and row.model == name), None)
                   for name in (MAIN, "check"))  # fmt: skip
    placebos = [_placebo(found, day) for day in _placebo_days(found, asked)]
    rows += [
        *_by_code(found, days), *course_rows(found, made[MAIN]), *fit_rows(found, made[MAIN]),
        *weight_rows(found, made[MAIN]), *choice_rows(pupils, asked, found, made[MAIN]),
        *(row for row, _ in placebos if row is not None),
    ]  # fmt: skip
    checks = [
        enough_donors(len(found.donors)), fit_check(made[MAIN]), *(each for _, each in placebos),
        spell_check(made[MAIN], found.first, asked.period), one_school_check(made[MAIN].weights), _long_enough(days),
        *_same_time(pupils, asked, found), _phases(found),
    ]  # fmt: skip
    n = int(found.groups.labels["pupils"].sum())
    return Evidence(
        rows, checks, main, check, found.groups.steps, "school", n, _context(pupils, found, days), unit="schools"
    )


def _model_rows(found: Pool, made: Mapping[str, Synthetic], name: str, days: float) -> list[Row]:
    """One model's difference; withheld where it, or the plain mean with the mixture, would show one other school's."""
    rows = days_rows(points_row(found, made[name], name), days, lessons=name == MAIN)
    told = name != "raw" or hidden_beside_plain_mean(made[MAIN].weights)
    return [shown(row, made[name]) if told else withheld(row) for row in rows]


def _context(pupils: Pupils, found: Pool, days: float) -> dict[str, str]:
    """Texts for the words: dates, how many schools, and what donors are called."""
    names = frames.schools(pupils).set_index("school")["name"]
    first = found.groups.starts[found.first]
    return {
        "outcome": words(found.outcome),
        "window_days": f"{days:.0f}",
        "donors": f"{len(found.donors)}",
        "pupils_here": f"{int(found.groups.labels['pupils'].iloc[0])}",
        "first_after": f"{first.day} {first:%B %Y}",
        **{f"donor_{school}": str(names.get(school, school)) for school in found.donors["school"]},
    }


def _by_code(found: Pool, days: float) -> list[Row]:
    """Authorised and unauthorised absence apart, each with a mixture of its own."""
    rows = []
    for what in BY_CODE:
        y = found.percent(what)
        if np.isfinite(y).all():
            made = mix(y, found.first, found.after_weights)
            own = days_rows(points_row(found, made, MAIN), days, lessons=False)[:-1]
            rows += [shown(replace(row, outcome=f"{what} absence"), made) for row in own]
    return rows


def enough_donors(donors: int) -> Check:
    """Whether a rank among the schools could reach 5%."""
    least, enough = 1 / (donors + 1), donors >= NEEDED
    passed = f"With {donors} other schools the least p by rank is {least:.3f}."
    failed = (
        f"With {donors} other schools the school could be the first of {donors + 1} by chance alone (p"
        f" {least:.2f}); at least {NEEDED} others are needed to reach 5%."
    )
    return Check("Enough other schools", enough, passed if enough else failed)


def fit_check(made: Synthetic) -> Check:
    """Whether the mixture ran alongside the school about as well as other schools' mixtures do alongside theirs."""
    typical = float(np.median(made.donors_fit_before))
    poor = made.fit_before > POOR_FIT * typical
    said = (
        f"Before the start the school lay {made.fit_before:.2f} percentage points from its mixture, other schools"
        f" typically {typical:.2f} from theirs"
    )
    end = f": more than {POOR_FIT:g} times as far, so the mixture does not stand in for it." if poor else "."
    return Check("A mixture that ran alike before", not poor, said + end)


def spell_check(made: Synthetic, first: int, period: str) -> Check:
    """Whether it began just after its worst spell beside its mixture, for information.

    As a check that fails it would hold back one sound study in six, and the worst of what it let pass would be further
    off than what it stopped (docs/methods.md): a bad spell lifts the time before whenever it was. For the same reason
    neither answer reassures, and either sends the reader to the difference without these two.
    """
    worst, said = worst_spell(made.gap[:first], period)
    why = (
        "a course drifts back from its worst by itself"
        if worst
        else "that does not make the difference surer, for a bad spell may have been just before all the same"
    )
    told = "the other choices have the difference without these two"
    few = "too few are held to leave these two out"
    end = told if first - SPELL >= FEWEST_BEFORE else few
    return Check(NAME, None, f"{said}, beside its mixture: {why}; {end}.")


def _long_enough(days: float) -> Check:
    enough = days * SESSIONS_A_DAY >= FEWEST_SESSIONS_ANNUALISED
    text = f"The outcome covers at least {FEWEST_SESSIONS_ANNUALISED} possible sessions."
    return Check("Enough possible sessions", enough, text if enough else NOT_ANNUALISED)


def _phases(found: Pool) -> Check:
    same = found.donors["phase"].nunique() == 1 and found.donors["phase"].iloc[0] == found.groups.labels["phase"][0]
    text = (
        "All schools in the pool are of the school's own phase." if same else "The pool holds schools of other phases."
    )
    return Check("Schools of the same phase", None, text)


def _same_time(pupils: Pupils, asked: Asked, found: Pool) -> list[Check]:
    """Whether something else ran in the school or in its pool after the start."""
    everything = frames.interventions(pupils)
    enrolled = frames.enrolments(pupils, asked.year)
    inside = enrolled[enrolled["school"].isin(found.groups.labels["school"])][["pupil", "school", "year_group"]]
    frame = inside.assign(treated=(inside["school"] == pupils.school).astype(float)).reset_index(drop=True)
    others = everything[everything["intervention"] != asked.intervention]
    return others_check(frame, found.outcome, others, ("this school's pupils", "the other schools' pupils"))


def _placebo_days(found: Pool, asked: Asked) -> list[date]:
    """The study's placebo dates, else the middle of the time before."""
    return [*asked.placebo_dates] or [found.groups.starts[found.first // 2]]


def _placebo(found: Pool, day: date) -> tuple[Row | None, Check]:
    """A start that never was, inside the time before: school and mixture should not part there."""
    name = f"Placebo start on {day.day} {day:%B %Y}"
    sooner = sum(start < day for start in found.groups.starts[: found.first])
    if not 2 <= sooner < found.first:
        return None, Check(name, None, "Too few periods from before the start lie on both sides of this day.")
    made = mix(found.percent()[:, : found.first], sooner, found.groups.possible[0, sooner : found.first])
    row = replace(points_row(found, made, MAIN), estimate="placebo", group=f"start={day.isoformat()}")
    if not hidden(made.weights):
        return withheld(row), Check(name, None, "Its mixture would show another school's own figures: not shown.")
    said = placebo_words(row.value or 0, row.low or 0, row.high or 0, "points fewer absent")
    none = "No sign of a change where none could be"
    return row, placebo_check(name, row.p, "School and mixture parted before anything began", none, said)
