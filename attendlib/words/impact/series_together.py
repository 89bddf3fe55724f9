"""Several schools' own courses put together, in words: the mean, one more school, and every school's own figure."""

from attendlib.records.answer import Answer, Chart, Story, Table
from attendlib.words.impact.manner import Manner
from attendlib.words.impact.pooled import Told, choices, forest, missed, spread
from attendlib.words.impact.series import CHECKED
from attendlib.words.numbers import days_and_lessons, interval_words, places_for, plain, pupils, than
from attendlib.words.tables import Line, estimates_table

SCHOOLS = Told("school", "schools", "where it began")
MAIN, CHECK = "pooled_series", "pooled_same_season"
MODELS = {
    MAIN: "Main: schools' own courses carried on, put together",
    CHECK: "Check: the same for the same season before, no slope",
}


def _first(answer: Answer) -> str:
    row, c = answer.row("days_fewer_in_window", model=MAIN), answer.context
    assert row is not None
    beside = "" if c["comparison"] == "none" else f", beside {c['beside']}"
    who = "the year groups that first had" if c["first_alone"] else "pupils with"
    return (
        f"In {c['schools']} schools together, over about {c['window_days']} school days from its start, {who}"
        f" {c['intervention']} missed {days_and_lessons(row)} {than(row)} if their school's course before had gone on"
        f"{beside} (95% interval {interval_words(row, 'more', 'fewer')}; {pupils(row.n)} {_where(answer)})."
    )


def _where(answer: Answer) -> str:
    """Whose pupils are counted: of a school's year groups only those that began first."""
    many = answer.context["year_groups"]
    if many == "0":
        return "where it began"
    groups = f"{many} year group{'' if many == '1' else 's'}"
    return f"in {groups}, each school's first" if answer.context["first_alone"] else f"in {groups} where it began"


def _more(answer: Answer) -> tuple[str, ...]:
    c, new = answer.context, answer.row("new_school")
    left = f"; {c['schools_without']} more had no course that can be told" if c["schools_without"] != "0" else ""
    said = [f"Every school with a figure is in the mean, whatever it found: {c['schools']} schools{left}."]
    check = answer.row("days_fewer_in_window", model=CHECK)
    if check is not None and check.value is not None:
        days = f"{plain(abs(check.value), places_for(check))} days {'fewer' if check.value >= 0 else 'more'}"
        reach = interval_words(check, "more", "fewer")
        said.append(f"Beside {CHECKED[c['period']]} it would be {days} ({reach}).")
    if new is not None and new.value is not None:
        reach = interval_words(new, "more", "fewer")
        said.append(f"In one more school like these the difference would lie in the range {reach} {new.unit}.")
    return tuple(said)


def _details(answer: Answer) -> Story:
    return Story(
        "", spread(answer, SCHOOLS), charts=_charts(answer), tables=(_schools(answer), choices(answer, SCHOOLS))
    )


def _charts(answer: Answer) -> tuple[Chart, ...]:
    unit = next((row.unit for row in answer.select("school_difference") if row.value is not None), "")
    mean = answer.row("days_fewer" if unit == "days a year" else "points_fewer", model=MAIN)
    return forest(answer, SCHOOLS, mean)


def _schools(answer: Answer) -> Table:
    lines = [Line(SCHOOLS.label(answer, row), row) for row in answer.select("school_difference")]
    note = "x: no course that can be told; the school's own page says why."
    caption = f"Each school's own difference: fewer {missed(lines)} missed"
    return estimates_table(caption, "School", "Difference", lines, note)


MANNER = Manner(
    main=MAIN,
    models=MODELS,
    first=_first,
    more=_more,
    caveats=(
        "Nobody drew lots for when and where it began; whatever else changed in these schools since looks the same.",
        "A mean over schools is not what any one school may expect: see where one more school would lie.",
        "Each school's interval rests on few periods, and the mean takes it as known.",
        "A verdict needs every school's own checks to pass. Six sound schools all pass that of the spell before the"
        " start in 30 of 100 studies, twelve in 9.",
    ),
    method=(
        "Each school's course before its own start is carried on, less that of what it is compared with, as on its own"
        " page: level and slope for the main comparison, the same season before for the check. Where a school's year"
        " groups began at different times, those that began first count.",
        "The schools' differences are then put together by a random-effects meta-analysis: each counts by how sure it"
        " is and by how far schools truly differ (REML); the interval is Knapp and Hartung's, on one less than the"
        " number of schools, its error never below the plain one.",
        "Only where each school is compared with its own year groups may a verdict rest on the mean, and not where the"
        " same year group began first in most of them: set beside the same other schools, or England's same weeks, or"
        " each time the same year group, all figures lean together.",
    ),
    details=_details,
)
