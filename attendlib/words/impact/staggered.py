"""Staggered starts in words: whole groups that began at different times, beside those that had not begun."""

from datetime import date

from attendlib.records.answer import Answer, Chart, Row, Story, Table
from attendlib.words.charts import Dot, event_study, specification_curve
from attendlib.words.impact.manner import Manner
from attendlib.words.impact.ways import points_title, size_words, ways_title
from attendlib.words.numbers import count, days_and_lessons, figure, interval_words, plain, pupils, rounded, than
from attendlib.words.tables import WITHHELD_NOTE, Line, estimates_table

MAIN, CHECK, WARNING = "staggered", "imputation", "two_way"
MODELS = {
    MAIN: "Main: beside groups that had not begun",
    CHECK: "Check: beside their own whole time before",
    WARNING: "Warning only: two-way fixed effects",
}
CHOICES = {
    "within primary, within secondary": ("beside", "phase"),
    "all phases together": ("beside", "any"),
    "within each school": ("beside", "school"),
    "each group counts once": ("counted", "groups"),
    "each pupil counts once": ("counted", "pupils"),
    "all sessions put together": ("counted", "sessions"),
    "beside groups not begun yet": ("method", "not_yet"),
    "beside groups that never began": ("method", "never"),
    "from one period earlier": ("method", "one_earlier"),
    "beside the whole time before": ("method", "imputation"),
}
CAVEATS = (
    "Nobody drew lots for who began when: groups that began sooner may differ from those that began later.",
    "Groups that had not begun are taken to show how the others would have gone on. The time before, drawn below, is"
    " all there is to judge that by.",
    "Year groups of one school share all else that happens there. Over all schools, those of a school that begin"
    " together count as one course; on a school's own page each stands for itself.",
)
METHOD = (
    "Each group's change since the last period before its own start stands beside the change of groups that had not"
    " begun by then, primary beside primary and secondary beside secondary. Once no such group is left the figures"
    " stop. All starts and later periods are put into one mean (Callaway and Sant'Anna).",
    "The check foretells each group from its whole time before and from what other groups did meanwhile (imputation)."
    " Both must agree.",
    "Each course counts as one number, however its periods hang together, with few-groups intervals (Welch). Starts"
    " are also dealt out anew among the groups to see how often chance alone would differ as much.",
    "Pupils are counted on roll: the most that each group held in any period.",
)


def first(answer: Answer) -> str:
    """Days first, with n and interval."""
    row, c = answer.row("days_fewer_in_window", model=MAIN), answer.context
    assert row is not None
    told = f"{'' if row.low is None else '95% interval '}{interval_words(row, 'more', 'fewer')}"
    beside = "never began" if c["comparison"] == "never_treated" else "had not begun yet"
    return (
        f"{c['school_name']}: over about {c['window_days']} school days after they began {c['intervention']},"
        f" {c['groups']} missed {days_and_lessons(row, ' a pupil')} {than(row)} {c['groups']} that {beside}"
        f" ({told}; {pupils(row.n)} in {c['many']} {c['groups']})."
    )


def more(answer: Answer) -> tuple[str, ...]:
    """How far the comparison reaches, where it stops."""
    stops = answer.context["stops"]
    return (f"From {stops} on every group had begun, so nothing can be said of later.",) if stops else ()


def details(answer: Answer) -> Story:
    """What lies behind: each distance from the start, chance, two-way fixed effects, other choices, placebos."""
    charts = (_course(answer), _choices(answer))
    tables = (_starts(answer), _codes(answer), _placebos(answer))
    sentences = (*_by_chance(answer), *_two_way(answer), *_package(answer)) or ("The figures are withheld.",)
    return Story(
        "", sentences, charts=tuple(chart for chart in charts if chart is not None),
        tables=tuple(table for table in tables if table.cells),
    )  # fmt: skip


def _by_chance(answer: Answer) -> tuple[str, ...]:
    row = answer.row("permutation_p")
    if row is None or row.value is None:
        return ()
    said = rounded(row.value, 3) if row.value >= 0.0005 else "under 0.001"
    return (
        f"Had the same starts fallen on other courses, a share of {said} of arrangements would differ at least as much"
        f" ({row.method}).",
    )


def _two_way(answer: Answer) -> tuple[str, ...]:
    row = answer.row("days_fewer", model=WARNING) or answer.row("days_fewer_in_window", model=WARNING)
    if row is None or row.value is None:
        return ()
    return (
        f"Two-way fixed effects would give {size_words(row)}. It also sets groups that begin beside groups"
        " that began before them, so whatever grows after a start is taken off again. It is a warning and never"
        " decides.",
    )


def _package(answer: Answer) -> tuple[str, ...]:
    own, other = (answer.row("points_fewer", model=model) for model in (MAIN, "package"))
    if own is None or other is None or own.se is None or other.se is None or other.value is None:
        return ()
    way = "fewer" if other.value >= 0 else "more"
    return (
        f"The package diff-diff gives {plain(abs(other.value), 2)} points {way} with a standard error of"
        f" {plain(other.se, 2)}, as if groups were many and unrelated; the one used here is {plain(own.se, 2)}.",
    )


def _course(answer: Answer) -> Chart | None:
    rows = answer.select("start_gap")
    if not rows:
        return None
    period = answer.context["period"]
    places = [_distance(row) for row in rows]
    before = sum(row.group.endswith("period=before") for row in rows)
    said = "; ".join(f"{place}: {figure(row)}" for place, row in zip(places, rows, strict=True))
    title = points_title(answer, MAIN, "absent once begun than groups that had not")
    alt = (
        f"Percentage points fewer absent than groups that had not begun, beside the last {period} before the start,"
        f" 95% intervals, {pupils(rows[0].n)}. {said}."
    )
    return event_study(title, alt, rows, places, "points fewer absent", start=before - 0.5)


def _distance(row: Row) -> str:
    """'2 before' for the last but one before the start, '1 after' for the first after it."""
    steps = int(row.group.partition(";")[0].partition("=")[2])
    return f"{-steps} before" if steps < 0 else f"{steps + 1} after"


def _choices(answer: Answer) -> Chart | None:
    rows = answer.select("choice")
    values = [row.value for row in rows if row.value is not None]
    if len(rows) < 2 or not values:
        return None
    made = [dict(part.split("=", 1) for part in row.group.split(";")) for row in rows]
    used = {name: [each[key] == value for each in made] for name, (key, value) in CHOICES.items()}
    used = {name: marks for name, marks in used.items() if any(marks) and not all(marks)}
    title = ways_title(answer)
    alt = (
        f"{rows[0].unit.capitalize()} fewer, by {len(rows)} ways of comparing, {pupils(rows[0].n)}: from"
        f" {plain(min(values))} to {plain(max(values))}; the main one gives {figure(rows[0])}."
    )
    items = [Dot(f"way {number}", row) for number, row in enumerate(rows, 1)]
    return specification_curve(title, alt, items, used, f"fewer {rows[0].unit}", main=0)


def _starts(answer: Answer) -> Table:
    cells = tuple(
        (_began(row), count(row.n_groups) if not row.withheld else row.withheld, row.withheld or count(row.n),
         row.withheld or f"{plain(row.value or 0)}%")
        for row in answer.select("began")
    )  # fmt: skip
    columns = ("Began in", "Groups", "Pupils", "Absent before anyone began")
    hidden = any(row.withheld for row in answer.select("began"))
    return Table("Who began when", columns, cells, columns[1:], WITHHELD_NOTE if hidden else "")


def _began(row: Row) -> str:
    name = row.group.partition("=")[2]
    if name == "never":
        return "Not by the end"
    year, _, half = name.partition("-")
    return f"{year} half-term {half}" if "/" in year else f"Week of {name}"


def _codes(answer: Answer) -> Table:
    rows = [row for row in answer.select("days_fewer_in_window") if row.outcome.endswith("ed absence")]
    lines = [Line(row.outcome.capitalize(), row) for row in rows]
    note = "One up and the other down by as much would be a change of code, not of attendance."
    return estimates_table("By kind of absence: fewer days in the window", "Kind", "Difference", lines, note)


def _placebos(answer: Answer) -> Table:
    lines = [Line(_doubt(row), row) for row in answer.select("placebo")]
    caption = "What the support could not have moved: these should hold no difference"
    return estimates_table(caption, "Placebo", "Difference", lines)


def _doubt(row: Row) -> str:
    key, _, value = row.group.partition("=")
    if key == "outcome":
        return "Sessions that could be attended (percent fewer)"
    day = date.fromisoformat(value)
    return f"A start that never was, {day.day} {day:%B %Y} (points fewer absent)"


MANNER = Manner(MAIN, MODELS, first, more, CAVEATS, METHOD, details)
