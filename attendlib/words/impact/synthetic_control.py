"""How the answer is told where one school is set beside a mixture of other schools."""

from attendlib.records.answer import Answer, Chart, Row, Story, Table
from attendlib.words.charts import Dot, dots, event_study, lines
from attendlib.words.impact.manner import Manner
from attendlib.words.impact.ways import points_title, spread_words, ways_title
from attendlib.words.numbers import count, days_and_lessons, figure, interval_words, plain, pupils, than
from attendlib.words.tables import WITHHELD_NOTE, Line, estimates_table

MAIN = "synthetic_control"
CHOICES = {
    "fixed": "Fixed first",
    "no_ridge": "Weights free to settle on few schools",
    "same_level": "The same level asked for too (classic)",
    "one_left_out_lowest": "One other school left out: lowest",
    "one_left_out_highest": "One other school left out: highest",
    "spell_left_out": "Without the last two periods before the start",
    "by_week": "Matched week by week",
    "by_half_term": "Matched by half-term",
    "all_phases": "Other schools of every phase",
}
CAVEATS = (
    "Nobody drew lots: whatever else changed in this school alone after the start is in the figure too.",
    "A mixture that ran alike before need not have gone on alike; what happened in those schools is in the figure too.",
    "A school that begins in its worst spell drifts back by itself, and the mixture does not know that. Whether this"
    " one did is told among the checks, but stops no verdict and, either way, does not make the figure surer: look at"
    " the choice without the last two periods before the start.",
    "Pupils change from year to year, in this school and in the others.",
)
METHOD = (
    "Other schools that did not begin are mixed: shares are spread over them and lean to those whose course before the"
    " start ran alongside this school's. A steady difference in level is allowed; no single school may be nearly all.",
    "The main comparison is how far the school lies from its mixture after the start. The check spreads shares"
    " more evenly and also weights the times before by how well they foretell the time after (synthetic difference in"
    " differences); not adjusted means beside the plain mean of all these schools.",
    "The interval comes from the other schools: each in turn is set beside a mixture of the rest, as if it had begun."
    " It assumes that this school would have strayed from its mixture no more than they do from theirs.",
)
LETTERS_EACH = 12  # of the chart's width that a week's name needs: only some weeks are named


def first(answer: Answer) -> str:
    """Days in the window beside the mixture, with interval, pupils and schools."""
    c, row = answer.context, answer.row("days_fewer_in_window", model=MAIN)
    assert row is not None
    told = f"95% interval {interval_words(row, 'more', 'fewer')}; {pupils(row.n)} in {row.n_groups} schools"
    return (
        f"{c['school_name']}: over about {c['window_days']} school days after {c['intervention']} began, its pupils"
        f" missed {days_and_lessons(row)} {than(row)} a mixture of other schools that ran alike before ({told})."
    )


def more(answer: Answer) -> tuple[str, ...]:
    """Where the school stands among all schools, each in turn taken as if it had begun."""
    row = answer.row("permutation_p")
    if row is None or row.value is None or row.n_groups is None:
        return ()
    place = round(row.value * row.n_groups)
    return (
        f"Of {row.n_groups} schools, each set beside a mixture of others, {place} parted from theirs at least as much"
        " after the start, compared with before (this one counted).",
        "That place counts ups and downs alike, whichever way; the difference in days is their mean.",
    )


def details(answer: Answer) -> Story:
    """The course, the gap, the fit before, who is in the mixture, and every other choice."""
    charts = (_course_chart(answer), _gap_chart(answer), _choices_chart(answer))
    tables = (_choices(answer), _codes(answer), _fit(answer), _weights(answer), _course(answer), _placebos(answer))
    return Story(
        title="",
        sentences=(*_ran_alike(answer), *_spread(answer)) or ("The figures are withheld.",),
        charts=tuple(chart for chart in charts if chart is not None),
        tables=tuple(table for table in tables if table.cells),
    )


def _ran_alike(answer: Answer) -> tuple[str, ...]:
    own, other = (answer.row("fit_before", group=f"who={who}") for who in ("school", "typical_other"))
    if own is None or other is None or own.value is None or other.value is None:
        return ()
    return (
        f"Before the start the school lay {own.value:.2f} percentage points from its mixture, typically; other schools"
        f" lie {other.value:.2f} from theirs.",
    )


def _spread(answer: Answer) -> tuple[str, ...]:
    rows = [row for row in answer.select("choice") if row.value is not None]
    if len(rows) < 2:
        return ()
    return (f"{len(rows)} ways that could be defended give {spread_words(rows)} {rows[0].unit}.",)


def _when(row: Row) -> str:
    """'2024/25 half-term 3', or a week's Monday."""
    made = dict(part.split("=", 1) for part in row.group.split(";"))
    return made["half_term"].replace("-", " half-term ") if "half_term" in made else made["week"]


def _places(names: list[str]) -> list[str]:
    """Every name, or of many weeks only so many as can be read."""
    each = 1 if len(names) <= LETTERS_EACH else -(-len(names) // LETTERS_EACH)
    return [name if place % each == 0 else "" for place, name in enumerate(names)]


def _course_chart(answer: Answer) -> Chart | None:
    own, mixture = _who(answer, "school"), _who(answer, "mixture")
    if not own or any(row.value is None for row in (*own, *mixture)):
        return None
    names, start = [_when(row) for row in own], _start(answer)
    said = "; ".join(f"{name}: school {row.value:.1f}, mixture {other.value:.1f}"
                     for name, row, other in zip(names, own, mixture, strict=True))  # fmt: skip
    title = f"Absence of the school and of its mixture, before and after the start, {answer.context['school_name']}"
    alt = (
        f"Percent of possible sessions missed, {pupils(own[-1].n)} here and {pupils(mixture[-1].n)} in"
        f" {mixture[-1].n_groups} other schools, at this school's level; first time after the start:"
        f" {names[int(start + 0.5)]}. {said}."
    )
    series = {"this school": own, "mixture of other schools": mixture}
    return lines(title, alt, series, _places(names), "percent missed", marks={start: "start"}, from_zero=False)


def _gap_chart(answer: Answer) -> Chart | None:
    rows = answer.select("mixture_gap")
    if not rows or any(row.value is None for row in rows):
        return None
    names = [_when(row) for row in rows]
    said = "; ".join(f"{name}: {figure(row)}" for name, row in zip(names, rows, strict=True))
    title = points_title(answer, MAIN, "absent after the start than the mixture")
    alt = (
        f"Percentage points fewer absent than the mixture; each bar is as wide as other schools stray from their own"
        f" mixtures, 95%, {pupils(rows[0].n)} in {rows[0].n_groups} schools. {said}."
    )
    return event_study(title, alt, rows, _places(names), "points fewer absent", start=_start(answer))


def _choices_chart(answer: Answer) -> Chart | None:
    rows = answer.select("choice")
    if len(rows) < 2:
        return None
    said = "; ".join(f"{_choice(row)}: {_figure(row)}" for row in rows)
    title = ways_title(answer)
    unit = rows[0].unit
    alt = f"{unit.capitalize()} fewer, 95% intervals from placebo schools, {pupils(rows[0].n)}. {said}."
    return dots(title, alt, [Dot(_choice(row), row) for row in rows], f"fewer {unit}", zero_line=True)


def _figure(row: Row) -> str:
    """The figure with its interval, or alone where it has none."""
    return figure(row) if row.value is None or row.low is not None else plain(row.value)


def _choice(row: Row) -> str:
    return CHOICES[row.group.partition("=")[2]]


def _who(answer: Answer, who: str) -> list[Row]:
    return [row for row in answer.select("mixture_course") if row.group.endswith(f"who={who}")]


def _start(answer: Answer) -> float:
    return sum("period=before" in row.group for row in answer.select("mixture_gap")) - 0.5


def _choices(answer: Answer) -> Table:
    rows = answer.select("choice")
    caption = f"{rows[0].unit.capitalize()} fewer by every choice that could be defended" if rows else ""
    return estimates_table(caption, "Choice", "Difference", [Line(_choice(row), row) for row in rows])


def _codes(answer: Answer) -> Table:
    rows = [row for row in answer.select("days_fewer_in_window") if row.outcome.endswith("ed absence")]
    note = "One up and the other down by as much would be a change of code, not of attendance."
    lines_ = [Line(row.outcome.capitalize(), row) for row in rows]
    return estimates_table("By kind of absence: fewer days in the window", "Kind", "Difference", lines_, note)


def _fit(answer: Answer) -> Table:
    names = {"who=school": "This school", "who=typical_other": "Other schools, typically (median)"}
    found = [Line(names[row.group], row) for row in answer.select("fit_before")]
    caption = "How far school and mixture lay apart before the start (percentage points)"
    return estimates_table(caption, "Schools", "Root mean squared gap", found)


def _weights(answer: Answer) -> Table:
    rows = answer.select("donor_weight")
    cells = tuple(
        (answer.context.get(f"donor_{row.group.partition('=')[2]}", row.group.partition("=")[2]),
         row.withheld or f"{row.value:.0f}%", row.withheld or count(row.n))
        for row in rows
    )  # fmt: skip
    hidden = any(row.withheld for row in rows)
    note = "Schools that make up less than 1% are not listed." + (f" {WITHHELD_NOTE}" if hidden else "")
    return Table("Who is in the mixture", ("School", "Share", "Pupils"), cells, ("Share", "Pupils"), note)


def _course(answer: Answer) -> Table:
    """Both courses and the gap: the charts' numbers."""
    rows = zip(answer.select("mixture_gap"), _who(answer, "school"), _who(answer, "mixture"), strict=True)
    cells = tuple(
        (_when(gap), *(f"{row.value:.1f}" if row.value is not None else row.withheld for row in (own, mixture)),
         figure(gap)) for gap, own, mixture in rows
    )  # fmt: skip
    columns = ("Time", "School (%)", "Mixture (%)", "Points fewer")
    caption = "Percent of possible sessions missed, the school beside its mixture at the school's level"
    return Table(caption, columns, cells, columns[1:])


def _placebos(answer: Answer) -> Table:
    found = [Line(row.group.partition("=")[2], row) for row in answer.select("placebo")]
    caption = "Starts that never were: points fewer absent, where nothing can be"
    return estimates_table(caption, "Start", "Difference", found)


MANNER = Manner(
    main=MAIN,
    models={
        MAIN: "Main: beside a mixture that ran alike before",
        "check": "Check: synthetic difference in differences",
        "raw": "Beside the plain mean of all these schools",
    },
    first=first,
    more=more,
    caveats=CAVEATS,
    method=METHOD,
    details=details,
)
