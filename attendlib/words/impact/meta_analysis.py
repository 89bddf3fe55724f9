"""Several schools put together, in words: the mean, where one more school would lie, and every school's own figure."""

from attendlib.records.answer import Answer, Chart, Story, Table
from attendlib.words.impact.manner import Manner
from attendlib.words.impact.pooled import Told, choices, forest, spread
from attendlib.words.numbers import days_and_lessons, interval_words, pupils, than
from attendlib.words.tables import Line, estimates_table

SCHOOLS = Told("school", "schools", "by referred pupils")
MODELS = {
    "pooled_adjusted": "Main: schools' own differences put together, pupils alike in earlier absence",
    "pooled_check": "Check: the same for the change since the earlier baseline",
}


def _first(answer: Answer) -> str:
    row, c = answer.row("days_fewer_in_window", model="pooled_adjusted"), answer.context
    assert row is not None
    return (
        f"In {c['schools']} schools together, over about {c['window_days']} school days, pupils referred to"
        f" {c['intervention']} missed {days_and_lessons(row)} {than(row)} pupils of their own school alike in"
        f" earlier absence (95% interval {interval_words(row, 'more', 'fewer')}; {pupils(row.n)})."
    )


def _more(answer: Answer) -> tuple[str, ...]:
    small = answer.context["schools_too_small"]
    left = f"; {small} more had too few pupils for a figure" if small != "0" else ""
    every = f"Every school with a figure is in the mean, whatever it found: {answer.context['schools']} schools{left}."
    row = answer.row("new_school")
    if row is None or row.value is None:
        return (every,)
    reach = interval_words(row, "more", "fewer")
    return (every, f"In one more school like these the difference would lie in the range {reach} {row.unit}.")


def _details(answer: Answer) -> Story:
    return Story(
        "", spread(answer, SCHOOLS), charts=_charts(answer), tables=(_schools(answer), choices(answer, SCHOOLS))
    )


def _charts(answer: Answer) -> tuple[Chart, ...]:
    rows = answer.select("school_difference")
    unit = next((row.unit for row in rows if row.value is not None), "")
    mean = answer.row("days_fewer" if unit == "days a year" else "days_fewer_in_window", model="pooled_adjusted")
    return forest(answer, SCHOOLS, mean)


def _schools(answer: Answer) -> Table:
    lines = [Line(SCHOOLS.label(answer, row), row) for row in answer.select("school_difference")]
    note = "x: too few pupils on one side for a figure of the school's own."
    return estimates_table("Each school's own difference: fewer days missed", "School", "Difference", lines, note)


MANNER = Manner(
    main="pooled_adjusted",
    models=MODELS,
    first=_first,
    more=_more,
    caveats=(
        "Nobody drew lots: in each school staff chose who was referred, and the same thing may have misled in all.",
        "A mean over schools is not what any one school may expect: see where one more school would lie.",
        "Schools that took part are not all schools: those that did well may be likelier to have sent their figures.",
    ),
    method=(
        "Each school's referred pupils are compared with its own pupils who met the same rule, alike in absence when"
        " chosen and in an earlier baseline (HC2 standard errors). The check is the change since the earlier baseline.",
        "The schools' differences are then put together by a random-effects meta-analysis: each counts by how sure it"
        " is and by how far schools truly differ (REML); the interval is Knapp and Hartung's, on one less than the"
        " number of schools, its error never below the plain one: few schools can agree by chance. Every school with"
        " enough pupils is in it, whatever it found.",
    ),
    details=_details,
)
