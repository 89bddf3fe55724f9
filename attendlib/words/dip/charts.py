"""The charts of transition_dip: groups, half-terms, feeder schools."""

from collections.abc import Mapping, Sequence

from attendlib.facts.labels import group_label
from attendlib.facts.years import year_group_name
from attendlib.records.answer import Answer, Chart, Row
from attendlib.words.charts import Dot, dots, funnel, lines
from attendlib.words.numbers import figure, no_size, places_for, plain, pupils


def group_chart(answer: Answer) -> Chart:
    """Days (or points, over few weeks) beyond what was expected: all, each group, and all schools."""
    c = answer.context
    name = "dip" if c["reference"] else "change"
    days = [row for row in answer.select(f"{name}_days") if not row.model]
    period = f"{c['before_academic_year']} to {c['academic_year']}"
    rows = days or [row for row in answer.select(name, period=period) if not row.model]
    unit = "days missed a year" if days else "percentage points of sessions missed"
    what = f"More {unit} than expected" if c["reference"] else f"Change in {unit}"
    shown = [f"{_label(row)} {figure(row)}, {pupils(row.n)}" for row in rows if row.value is not None]
    title = f"{_found(rows, unit, c)}, {c['before']} to {c['after']}, {c['school_name']}"
    alt = f"{what}, dot and 95% interval. {'; '.join(shown) or 'All withheld'}."
    return dots(title, alt, [Dot(_label(row), row) for row in rows], f"more {unit}", zero_line=True)


def _found(rows: Sequence[Row], unit: str, c: Mapping[str, str]) -> str:
    """'5.4 more days missed a year than expected': the first figure of `rows`, all of the school's pupils."""
    row = rows[0] if rows else None
    beside = " than expected" if c["reference"] else " than before"
    if row is None or row.value is None or no_size(row):
        return f"More or fewer {unit}{beside}"
    return f"{plain(abs(row.value), places_for(row))} {'more' if row.value > 0 else 'fewer'} {unit}{beside}"


def _label(row: Row) -> str:
    return group_label(row.group) + ("" if row.scope == "school" else ", all schools")


def half_term_chart(answer: Answer) -> Chart | None:
    """Absence by half-term: the movers before and after, and a year on where the data go so far."""
    c = answer.context
    names = {
        "absence_before": f"{c['before']}, {c['before_academic_year']}",
        "absence_after": f"{c['after']}, {c['academic_year']}",
        "absence_later": f"{year_group_name(int(c['after_year_group']) + 1)}, the same pupils",
    }
    return _by_half_term(answer, names, "Absence of the same pupils by half-term")


def ahead_chart(answer: Answer) -> Chart | None:
    """The step after the move, of the pupils one year ahead over the same two years."""
    c = answer.context
    names = {
        "next_before": f"{c['after']}, {c['before_academic_year']}",
        "next_after": f"{year_group_name(int(c['after_year_group']) + 1)}, {c['academic_year']}",
    }
    return _by_half_term(answer, names, "The year after: absence of the pupils one year ahead")


def _by_half_term(answer: Answer, names: Mapping[str, str], what: str) -> Chart | None:
    """A line for each estimate of `names` that has figures by half-term."""
    found = {
        (row.estimate, row.period.rpartition(" ")[2]): row
        for row in answer.rows
        if row.estimate in names and " half-term " in row.period
    }
    if not found:
        return None
    halves = sorted({half for _, half in found})
    used = [name for name in names if any(each == name for each, _ in found)]
    series = {names[name]: [found.get((name, half)) for half in halves] for name in used}
    n = next(iter(found.values())).n
    who = "pupils" if n is None else pupils(n)
    alt = f"Percent of sessions missed by {who} there in every half-term, with 95% intervals. {_said(series, halves)}."
    places = [f"half-term {half}" for half in halves]
    what = f"{what}{_higher(series)}"
    return lines(f"{what}, {answer.context['school_name']}", alt, series, places, "percent of sessions missed")


def _higher(series: Mapping[str, list[Row | None]]) -> str:
    """': higher later in 4 of 6 half-terms', of the first two lines; nothing where a point is not there."""
    first, second = (*series.values(), (), ())[:2]
    pairs = [(a.value, b.value) for a, b in zip(first, second, strict=False) if a and b]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    return f": higher later in {sum(b > a for a, b in known)} of {len(known)} half-terms" if known else ""


def _said(series: dict[str, list[Row | None]], halves: list[str]) -> str:
    return "; ".join(
        f"{name}: "
        + ", ".join(f"half-term {half} {figure(row)}" for half, row in zip(halves, rows, strict=True) if row)
        for name, rows in series.items()
    )


def feeder_chart(answer: Answer, rows: tuple[Row, ...]) -> Chart | None:
    """The schools before the move against their number of pupils; none unless three or more can be drawn.

    Schools put together as smaller are no school, so they have no mark.
    """
    c = answer.context
    every = next((row for row in rows if not row.group), None)
    single = [row for row in rows if row.group not in ("", "feeder=smaller") and row.model == "by feeder"]
    items = [Dot(row.group, row) for row in single]
    if every is None or every.value is None or len(items) < 3:
        return None
    what = "points more than expected" if c["reference"] else "points of change"
    said = "; ".join(f"{figure(item.row)}, {pupils(item.row.n)}" for item in items)
    alt = f"Mean {what} over number of pupils, one mark a school before the move: {said}. All: {figure(every)}."
    title = f"Schools before the move, {c['before']} to {c['after']}, {c['school_name']}"
    return funnel(title, alt, items, what, centre=every.value, spread=float(c["spread"]))
