"""Several schools put together, in words: the mean, where one more school would lie, and every school's own figure."""

from attendlib.records.answer import Answer, Chart, Row, Story, Table
from attendlib.words.charts import Dot, dots
from attendlib.words.impact.manner import Manner
from attendlib.words.numbers import count, figure, interval_words, lessons, places_for, plain, pupils
from attendlib.words.tables import Line, estimates_table

MODELS = {
    "pooled_adjusted": "Main: schools' own differences put together, pupils alike in earlier absence",
    "pooled_check": "Check: the same for the change since the earlier baseline",
}


def _first(answer: Answer) -> str:
    row, c = answer.row("days_fewer_in_window", model="pooled_adjusted"), answer.context
    assert row is not None
    assert row.value is not None
    way = "fewer" if row.value >= 0 else "more"
    days = f"{plain(abs(row.value), places_for(row))} days {way} ({lessons(row.value)})"
    return (
        f"In {c['schools']} schools together, over about {c['window_days']} school days, pupils referred to"
        f" {c['intervention']} missed {days} than pupils of their own school alike in earlier absence (95% interval"
        f" {interval_words(row, 'more', 'fewer')}; {pupils(row.n)})."
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
    return Story("", _spread(answer), charts=_charts(answer), tables=(_schools(answer), _choices(answer)))


def _spread(answer: Answer) -> tuple[str, ...]:
    row = answer.row("between_schools")
    if row is None or row.value is None:
        return ("The figures are withheld.",)
    return (f"Schools' true differences spread by {figure(row)} {row.unit} around their mean (standard deviation).",)


def _name(answer: Answer, row: Row) -> str:
    urn = row.group.partition("=")[2]
    return answer.context.get(f"school_{urn}", urn)


def _charts(answer: Answer) -> tuple[Chart, ...]:
    rows = [row for row in answer.select("school_difference") if row.value is not None]
    mean = answer.row(_estimate(rows), model="pooled_adjusted") if rows else None
    new = answer.row("new_school")
    if mean is None or mean.value is None or new is None:
        return ()
    items = [Dot(f"{_name(answer, row)}, n\u00a0{count(row.n)}", row) for row in rows]
    items += [Dot("All of them together", mean), Dot("Where one more school would lie", new)]
    said = "; ".join(f"{item.label}: {figure(item.row)}" for item in items)
    title = f"Each school's own difference, and all {len(rows)} together"
    alt = f"{rows[0].unit.capitalize()} fewer missed by referred pupils, 95% intervals, {pupils(mean.n)}. {said}."
    return (dots(title, alt, items, f"fewer {rows[0].unit}", zero_line=True),)


def _estimate(rows: list[Row]) -> str:
    return "days_fewer" if rows[0].unit == "days a year" else "days_fewer_in_window"


def _schools(answer: Answer) -> Table:
    lines = [Line(_name(answer, row), row) for row in answer.select("school_difference")]
    note = "x: too few pupils on one side for a figure of the school's own."
    return estimates_table("Each school's own difference: fewer days missed", "School", "Difference", lines, note)


def _choices(answer: Answer) -> Table:
    names = {"REML": "Random effects (REML), the main one", "DL": "Random effects (DerSimonian and Laird)",
             "common": "One true difference for all schools"}  # fmt: skip
    lines = []
    for row in answer.select("choice"):
        made = dict(part.split("=", 1) for part in row.group.split(";"))
        urn = made["without"]
        name = names[made["together"]] if urn == "none" else f"Without {answer.context.get(f'school_{urn}', urn)}"
        lines.append(Line(name, row))
    return estimates_table("Put together in other ways: fewer days missed", "Way", "Difference", lines)


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
        " number of schools. Every school with enough pupils is in it, whatever it found.",
    ),
    details=_details,
)
