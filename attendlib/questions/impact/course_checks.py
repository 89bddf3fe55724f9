"""What a verdict on one school's course needs, and what else a reader should know of it, each in plain words."""

from collections.abc import Mapping
from datetime import date

from attendlib.facts.definitions import FEWEST_SESSIONS_ANNUALISED, SESSIONS_A_DAY
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.checks import NOT_ANNUALISED
from attendlib.questions.impact.courses import NEW_CODES, main_way
from attendlib.questions.impact.observed import NATIONAL, NONE, OTHER_SCHOOLS, SAME_SCHOOL, Observed
from attendlib.questions.impact.placebo import placebo_check, placebo_words
from attendlib.questions.impact.spells import NAME, worst_spell
from attendlib.records.answer import Check
from attendlib.stats.fit import Estimate

BESIDE = {
    OTHER_SCHOOLS: "the other schools of its phase",
    SAME_SCHOOL: "its other year groups",
    NATIONAL: "England's published weeks",
    NONE: "nothing else",
}
ONE_SERIES = (
    "Only this school's own course is held: whatever else changed at the same time would look the same, so no verdict"
    " can rest on it."
)


def series_checks(
    pupils: Pupils, asked: Asked, seen: Observed, placebos: Mapping[date, Estimate | None]
) -> list[Check]:
    """Every check. `placebos` are starts that never were and the points fewer each would show."""
    annual = seen.days_after * SESSIONS_A_DAY >= FEWEST_SESSIONS_ANNUALISED
    text = f"The outcome covers at least {FEWEST_SESSIONS_ANNUALISED} possible sessions."
    alone = seen.comparison == NONE  # whose worst spell is winter's
    return [
        _comparison(seen),
        Check("Enough possible sessions", annual, text if annual else NOT_ANNUALISED),
        *(_placebo_check(day, found) for day, found in placebos.items()),
        *([] if alone else [worst_spell_check(seen)]),
        _length(seen),
        _season(seen),
        _codes(seen),
        *_others(pupils, asked, seen),
    ]


def _comparison(seen: Observed) -> Check:
    alone = seen.comparison == NONE
    return Check(
        "A comparison", not alone, ONE_SERIES if alone else f"Its course is set beside {BESIDE[seen.comparison]}."
    )


def _placebo_check(day: date, found: Estimate | None) -> Check:
    name = f"Placebo start on {day.day} {day:%B %Y}"
    if found is None:
        return Check(name, None, "Too few periods from before the start lie on both sides of this day.")
    said = placebo_words(found.value, found.low, found.high, "points fewer absent")
    none = "No sign of a change where none could be"
    return placebo_check(name, found.p, "The course bent before anything began", none, said)


def worst_spell_check(seen: Observed) -> Check:
    """Whether it began just after the worst spell held from before, beside what it is compared with."""
    worst, said = worst_spell((seen.own[0] - seen.beside[0])[~seen.after], seen.period)
    failed = (
        f"{said}, beside what it is compared with: a course drifts back from its worst by itself, and this could be no"
        " more than that."
    )
    return Check(NAME, not worst, failed if worst else f"{said}.")


def _length(seen: Observed) -> Check:
    unit = seen.period.replace("_", "-")
    text = f"{int((~seen.after).sum())} {unit}s before the start and {int(seen.after.sum())} after it."
    return Check("How long a course", None, text)


def _season(seen: Observed) -> Check:
    texts = {
        "shared": "The season is taken to be shared with what it is compared with; the check looks at the same season.",
        "same": "Each half-term of the year has a level of its own.",
        "waves": "The season is a yearly wave: too few years are held for each half-term to have a level of its own.",
    }
    return Check("Season", None, texts[main_way(seen).season])


def _codes(seen: Observed) -> Check:
    name, day = "Change of attendance codes", f"{NEW_CODES.day} {NEW_CODES:%B %Y}"
    if not seen.starts[0] < NEW_CODES <= seen.starts[-1]:
        return Check(name, None, f"The codes' change on {day} lies outside these periods.")
    if main_way(seen).codes == "step":
        return Check(name, None, f"A step on {day}, when the codes changed, is held apart.")
    if seen.comparison != NONE:
        return Check(name, None, f"The codes changed on {day} for both sides.")
    return Check(name, None, f"The codes changed on {day}, too near the start to be told apart from it.")


def _others(pupils: Pupils, asked: Asked, seen: Observed) -> list[Check]:
    """Whether another whole-group intervention began here since the start."""
    rows = frames.interventions(pupils)
    first = seen.starts[int(seen.after.argmax())]
    since = rows["start_date"].between(str(first), str(seen.ends[-1])) & rows["pupil"].isna()
    rows = rows[since & (rows["school"] == pupils.school) & (rows["intervention"] != asked.intervention)]
    if rows.empty:
        return []
    names = ", ".join(sorted({name.replace("_", " ") for name in rows["intervention"]}))
    whole = bool(rows["year_group"].isna().any())
    text = f"Since the start {names} also began here"
    end = ", for the whole school: the two cannot be told apart." if whole else ", for some year groups."
    return [Check("Nothing else at the same time", not whole, text + end)]
