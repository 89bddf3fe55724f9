"""transition_dip in words: the same pupils before and after moving up."""

from attendlib.facts.definitions import DAYS_A_YEAR
from attendlib.facts.labels import group_label
from attendlib.records.answer import Answer, Chart, Row, Story, Table
from attendlib.words.charts import Dot, dots, lines
from attendlib.words.numbers import figure, interval_words, lessons, places_for, plain, pupils, share
from attendlib.words.tables import Line, estimates_table, shares_table

CAVEATS = (
    "Pupils are not set beside others who did not move, so ageing and a different year are part of the change.",
    "Pupils with hardly any absence can only go up, and those with much tend to drift back: a share who rose or fell"
    " would mislead.",
    "Primary and secondary schools may record lateness and time off site differently.",
)


def tell(answer: Answer) -> Story:
    """The story of a done answer."""
    days = answer.row("change_days", scope="school", group="")
    return Story(
        title=_title(answer),
        sentences=_sentences(answer, days),
        badge=answer.verdict,
        charts=_charts(answer),
        tables=(_changes(answer), _persistent(answer)),
        caveats=(f"Compared: {answer.context['compared']}.", *CAVEATS),
        next_steps=_next_steps(answer),
    )


def _title(answer: Answer) -> str:
    move = f"from {answer.context['before']} to {answer.context['after']}"
    if answer.verdict == "Too few pupils to tell":
        return f"Too few pupils to tell whether absence changed {move}"
    return f"{answer.verdict} {move}" if answer.verdict.startswith("Absence") else f"{answer.verdict} in absence {move}"


def _sentences(answer: Answer, days: Row | None) -> tuple[str, ...]:
    c = answer.context
    if days is None or days.value is None:
        return (f"{answer.verdict}: {'; '.join(answer.reasons) or 'the figures are withheld'}.",)
    more = "more" if days.value >= 0 else "fewer"
    size = plain(abs(days.value), places_for(days))
    points = answer.row("change", scope="school", group="")
    assert points is not None
    first = (
        f"The pupils now in {c['after']} at {c['school_name']} missed {size} days {more} in a year of {DAYS_A_YEAR}"
        f" than they did in {c['before']} (95% interval {interval_words(days, 'fewer', 'more')};"
        f" {lessons(days.value)}; {pupils(days.n)})."
    )
    second = f"That is {figure(points)} percentage points of their possible sessions. This school only."
    reasons = (f"{answer.verdict}: {'; '.join(answer.reasons)}.",) if answer.reasons else ()
    return (first, second, *reasons, *_group_sentence(answer), *_persistent_sentence(answer), *_trust(answer))


def _group_sentence(answer: Answer) -> tuple[str, ...]:
    groups = [row for row in answer.select("change_days", scope="school") if row.group]
    shown = [
        f"{group_label(row.group)} {figure(row)} days ({pupils(row.n)})" for row in groups if row.value is not None
    ]
    return (f"By {answer.context['by']}: {'; '.join(shown)}.",) if shown else ()


def _persistent_sentence(answer: Answer) -> tuple[str, ...]:
    before, after = (answer.row(f"persistent_{when}", scope="school", group="") for when in ("before", "after"))
    if before is None or after is None or before.value is None or after.value is None:
        return ()
    return (f"Missing 10% or more: {share(before)} before, {share(after)} after.",)


def _trust(answer: Answer) -> tuple[str, ...]:
    found = answer.row("change_days", scope="all", group="")
    if found is None or found.value is None:
        return (f"All schools together: {answer.context['no_trust']}.",) if "no_trust" in answer.context else ()
    return (f"All {found.n_groups} schools together: {figure(found)} days a year, {pupils(found.n)}.",)


def _charts(answer: Answer) -> tuple[Chart, ...]:
    curve = [row for row in answer.rows if row.estimate.startswith("absence_") and " half-term " in row.period]
    groups = list(answer.select("change_days", scope="school"))
    charts = (_curve(answer, curve),) if curve else ()
    return (*charts, _group_chart(answer, groups))


def _curve(answer: Answer, rows: list[Row]) -> Chart:
    c = answer.context
    halves = sorted({row.period.rpartition(" ")[2] for row in rows})
    names = {
        "absence_before": f"{c['before']}, {c['before_academic_year']}",
        "absence_after": f"{c['after']}, {c['academic_year']}",
    }
    found = {(row.estimate, row.period.rpartition(" ")[2]): row for row in rows}
    series = {name: [found.get((estimate, half)) for half in halves] for estimate, name in names.items()}
    said = [
        f"{name}: "
        + ", ".join(f"half-term {half} {figure(row)}" for half, row in zip(halves, each, strict=True) if row)
        for name, each in series.items()
    ]
    n = pupils(rows[0].n)
    title = f"Absence of the same pupils by half-term, {c['school_name']}"
    alt = f"Percent of sessions missed by {n} there in every half-term, with 95% intervals. {'; '.join(said)}."
    return lines(title, alt, series, [f"half-term {half}" for half in halves], "percent of sessions missed")


def _group_chart(answer: Answer, rows: list[Row]) -> Chart:
    c = answer.context
    shown = [f"{group_label(row.group)} {figure(row)}, {pupils(row.n)}" for row in rows if row.value is not None]
    title = f"Change in days missed a year, {c['before']} to {c['after']}, {c['school_name']}"
    alt = f"Change in days missed a year, dot and 95% interval. {'; '.join(shown) or 'All withheld'}."
    items = [Dot(group_label(row.group), row) for row in rows]
    return dots(title, alt, items, "more days missed a year", zero_line=True)


def _changes(answer: Answer) -> Table:
    rows = [row for row in answer.rows if row.estimate in ("change_days", "change") or _level(row)]
    lines_ = [
        Line(f"{_what(row)}, {group_label(row.group)}{'' if row.scope == 'school' else ', all schools'}", row)
        for row in rows
    ]
    c = answer.context
    caption = f"Absence in {c['before']} and {c['after']}, the same pupils, 95% intervals"
    return estimates_table(caption, "Figure and pupils", "Value", lines_)


def _level(row: Row) -> bool:
    return row.estimate in ("absence_before", "absence_after") and " half-term " not in row.period


def _what(row: Row) -> str:
    return {
        "change_days": "Change in days a year",
        "change": "Change in percentage points",
        "absence_before": "Percent missed before",
        "absence_after": "Percent missed after",
    }[row.estimate]


def _persistent(answer: Answer) -> Table:
    before = answer.select("persistent_before", scope="school")
    after = answer.select("persistent_after", scope="school")
    pairs = [(group_label(one.group), (one, other)) for one, other in zip(before, after, strict=True)]
    caption = "Pupils who missed 10% or more of their possible sessions over the half-terms compared"
    return shares_table(caption, "Pupils", (answer.context["before"], answer.context["after"]), pairs)


def _next_steps(answer: Answer) -> tuple[str, ...]:
    if answer.verdict == "Too few pupils to tell":
        return ("Put several years together, or look at all schools that receive these pupils.",)
    return (
        f"Look at the half-terms in turn: {answer.context['after']} often starts low and climbs later.",
        "Ask the feeder schools what helped the pupils who missed most.",
    )
