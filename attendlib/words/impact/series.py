"""One school over time, in words: its course before the start carried on, beside a comparison that had no start."""

from datetime import date

from attendlib.records.answer import Answer, Chart, Row, Story, Table
from attendlib.words.charts import Dot, lines, specification_curve
from attendlib.words.impact.manner import Manner
from attendlib.words.impact.ways import points_title, spread_over, ways_title
from attendlib.words.numbers import days_and_lessons, figure, interval_words, places_for, plain, pupils, than
from attendlib.words.tables import Line, estimates_table

MAIN, CHECK = "series", "same_season"
CHECKED = {"half_term": "the same half-terms before", "week": "the time before, in the same season"}
NAMES = {"compared": "Compared", "england": "England", "carried": "Course before, carried on"}
NAMED_PLACES = 14  # more names than this on one axis run into each other
CHOICES = {
    "slope may change": ("slope", "bends"),
    "one slope throughout": ("slope", "straight"),
    "no slope": ("slope", "none"),
    "season shared with the compared": ("season", "shared"),
    "a level for each half-term": ("season", "same"),
    "a yearly wave": ("season", "waves"),
    "a step at the new codes": ("codes", "step"),
    "Newey-West errors": ("errors", "newey_west"),
    "ratios, not points": ("scale", "log"),
}
CAVEATS = (
    "Nobody drew lots for when and where it began; whatever else changed here at the same time looks the same.",
    "What began after a bad spell would look better by itself: a bad spell just before the start tilts the course"
    " that is carried on. The study's baseline can end before that spell.",
    "Whether the course before would have gone on is an assumption no data can show.",
)
METHOD = (
    "Each period is the mean over pupils of the share of their own possible sessions missed. Where year groups began,"
    " the same pupils are followed as they move up. What it is compared with is taken away period by period.",
    "The main comparison carries the level and slope from before the start on, and takes the mean distance from it"
    " since. The check has no slope: it sets the time since beside the same season before.",
    "Neighbouring periods are alike, and nobody can say how alike from so few: intervals are averaged over every"
    " correlation by how well it fits. Periods count by their possible sessions, so closures count less.",
)


def first(answer: Answer) -> str:
    """The answer: days fewer than by the course before, with n and interval."""
    window = answer.row("days_fewer_in_window", model=MAIN)
    assert window is not None
    c = answer.context
    told = f"(95% interval {interval_words(window, 'more', 'fewer')}; {pupils(window.n)} on both sides)"
    beside = "" if c["comparison"] == "none" else f", beside {c['beside']}"
    who = f"in {c['which']}" if c["which"] else f"with {c['intervention']}"
    return (
        f"{c['school_name']}: over about {c['window_days']} school days from {c['start']}, pupils {who}"
        f" missed {days_and_lessons(window)} {than(window)} if the course before had gone on{beside} {told}."
    )


def more(answer: Answer) -> tuple[str, ...]:
    """What the check says."""
    row = answer.row("days_fewer_in_window", model=CHECK)
    if row is None or row.value is None:
        return ()
    days = f"{plain(abs(row.value), places_for(row))} days {'fewer' if row.value >= 0 else 'more'}"
    beside = CHECKED[answer.context["period"]]
    return (f"Beside {beside} it would be {days} ({interval_words(row, 'more', 'fewer')}).",)


def details(answer: Answer) -> Story:
    """The course drawn, every way of carrying it on, kinds of absence, placebo starts."""
    charts = (_course(answer), _choices_chart(answer))
    tables = (_codes(answer), _placebos(answer))
    return Story(
        "Behind the verdict",
        (*spread_over(answer, "of carrying the course on"), *_alike(answer)) or ("The figures are withheld.",),
        charts=tuple(chart for chart in charts if chart is not None),
        tables=tuple(table for table in tables if table.cells),
    )


def _course(answer: Answer) -> Chart | None:
    sides: dict[str, dict[str, Row]] = {}
    for row in answer.select("absence_over_time"):
        place, _, side = row.group.partition(";side=")
        sides.setdefault(side, {})[place.removeprefix("period=")] = row
    if "school" not in sides:
        return None
    c = answer.context
    places, start = list(sides["school"]), int(c["start_place"])
    named = {"school": c["school_name"], **NAMES}
    order = [side for side in ("school", "carried", "compared", "england") if side in sides]
    series = {named[side]: [sides[side].get(place) for place in places] for side in order}
    said = "; ".join(
        f"{named[side]}: {_before(sides[side], places[:start])}{_mean(sides[side], places[start:])} since the start"
        for side in order
    )
    title = points_title(answer, MAIN, "absent since the start than by the course before")
    alt = f"Percent of possible sessions missed, {pupils(sides['school'][places[0]].n)} in the first. Means: {said}."
    step = -(-len(places) // NAMED_PLACES)
    shown = [_place(place) if i % step == 0 else "" for i, place in enumerate(places)]
    return lines(title, alt, series, shown, "% of sessions missed", marks={start - 0.5: "start"})


def _before(rows: dict[str, Row], places: list[str]) -> str:
    known = _mean(rows, places)
    return f"{known} before, " if known else ""


def _mean(rows: dict[str, Row], places: list[str]) -> str:
    """'5.4%': the plain mean of the periods known; nothing where none is."""
    values = [rows[place].value for place in places if place in rows]
    known = [value for value in values if value is not None]
    if not known:
        return ""
    return f"{sum(known) / len(known):.1f}%"


def _place(name: str) -> str:
    """'2024/25 half-term 3', or the week's day."""
    year, slash, half = name.partition("-")
    return f"{year} half-term {half}" if "/" in year and slash else name


def _choices_chart(answer: Answer) -> Chart | None:
    rows = answer.select("choice")
    values = [row.value for row in rows if row.value is not None]
    if len(rows) < 2 or not values:
        return None
    made = [dict(part.split("=", 1) for part in row.group.split(";")) for row in rows]
    used = {name: [each.get(key) == value for each in made] for name, (key, value) in CHOICES.items()}
    used = {name: marks for name, marks in used.items() if any(marks)}
    place = next((i for i, row in enumerate(rows) if row.group == answer.context["main_choice"]), 0)
    title = ways_title(answer)
    alt = (
        f"{rows[0].unit.capitalize()} fewer, by {len(rows)} ways of carrying the course on, {pupils(rows[0].n)}: from"
        f" {plain(min(values))} to {plain(max(values))}; the main one gives {figure(rows[place])}."
    )
    items = [Dot(f"way {number}", row) for number, row in enumerate(rows, 1)]
    return specification_curve(title, alt, items, used, f"fewer {rows[0].unit}", main=place)


def _alike(answer: Answer) -> tuple[str, ...]:
    row = answer.row("autocorrelation")
    if row is None or row.value is None:
        return ()
    period = answer.context["period"].replace("_", "-")
    return (
        f"Neighbouring {period}s are alike beyond level and slope: a correlation of about {plain(row.value)},"
        " averaged over what the data allow.",
    )


def _codes(answer: Answer) -> Table:
    rows = [row for row in answer.select("days_fewer_in_window") if row.outcome.endswith("ed absence")]
    lines_ = [Line(row.outcome.capitalize(), row) for row in rows]
    note = "One up and the other down by as much would be a change of code, not of attendance."
    return estimates_table("By kind of absence: fewer days in the window", "Kind", "Difference", lines_, note)


def _placebos(answer: Answer) -> Table:
    rows = answer.select("placebo")
    days = [date.fromisoformat(row.group.partition("=")[2]) for row in rows]
    lines_ = [Line(f"Start on {day.day} {day:%B %Y}", row) for day, row in zip(days, rows, strict=True)]
    caption = "A start that never was, among the periods before: points fewer absent"
    return estimates_table(caption, "Placebo", "Difference", lines_, "These should hold no difference.")


MANNER = Manner(
    main=MAIN,
    models={
        "raw": "Not adjusted: this school after less before",
        MAIN: "Main: course before carried on",
        CHECK: "Check: the same season before, no slope",
    },
    first=first,
    more=more,
    caveats=CAVEATS,
    method=METHOD,
    details=details,
)
