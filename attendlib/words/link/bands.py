"""The gradient and the levels of attainment_link: chart, tables, and the words for a band or a percent."""

from collections.abc import Sequence

from attendlib.records.answer import Answer, Chart, Row, Table
from attendlib.words.charts import Dot, dots
from attendlib.words.numbers import days_of, figure, pupils, rounded
from attendlib.words.tables import Line, estimates_table


def gradient_chart(answer: Answer) -> Chart:
    """Results by band of absence, a dot and an interval each."""
    rows, c = _bands(answer), answer.context
    shown = [f"{band_words(row)} {figure(row)}, {pupils(row.n)}" for row in rows if row.value is not None]
    unit = "percent reaching it" if rows and rows[0].unit == "percent" else c["unit"]
    title = f"{capital(c['outcome'])} by absence{_ends(rows)}, {c['school_name']}, {c['academic_year']}"
    alt = (
        f"{capital(c['outcome'])} ({unit}) by absence band, dot and 95% interval. {'; '.join(shown) or 'All withheld'}."
    )
    return dots(title, alt, [Dot(_dot_label(row), row) for row in rows], f"{capital(c['outcome'])}, {unit}")


def _ends(rows: Sequence[Row]) -> str:
    """': 55 at 0% to under 5%, 20 at 50% or more': the first and the last band that may be told."""
    known = [(row, row.value) for row in rows if row.value is not None]
    if len(known) < 2:
        return ""
    return ": " + ", ".join(f"{rounded(value)} at {band_words(row)}" for row, value in (known[0], known[-1]))


def band_table(answer: Answer) -> Table:
    """Results by band of absence, and of all pupils."""
    rows, total = _bands(answer), answer.row("result_by_band", scope="school", group="")
    lines = [Line(band_words(row), row) for row in rows] + ([Line("All pupils", total)] if total else [])
    never = answer.row("result_never_absent", scope="school", group="missed=none")
    if never:
        lines.append(Line("Of these, no session missed", never))
    c = answer.context
    what = (
        f"{capital(c['outcome'])}, mean" if rows and rows[0].unit != "percent" else f"{capital(c['outcome'])}, percent"
    )
    caption = f"{capital(c['outcome'])} by absence band, {c['academic_year']}: not adjusted, 95% intervals"
    return estimates_table(caption, "Absence", what, lines, "Neighbouring bands are joined where pupils are few.")


def level_table(answer: Answer) -> tuple[Table, ...]:
    """What pupils alike had at 2, 5, 10 and 20% absence."""
    rows = answer.select("result_at", scope="school")
    if not rows:
        return ()
    c = answer.context
    who = "pupils otherwise alike" if rows[0].model == "adjusted" else "all pupils, nothing held alike"
    rest = c["unit"] if c["unit"] == "in every 100 pupils" else "mean"
    what = f"{capital(c['outcome'])}, {rest}"
    same = rows[0].n if len({row.n for row in rows}) == 1 else None
    of_all = f"; read off one curve of {pupils(same)}" if same else ""
    caption = f"{capital(c['outcome'])} at each percent of absence: {who}{of_all}"
    note = (
        "A percent that few pupils reach is left out. The chart above has each band's own pupils, nothing held alike."
    )
    lines = [Line(_percent(row, c["year_days"]), row) for row in rows]
    return (estimates_table(caption, "Absence", what, lines, note, "" if same else "Pupils"),)


def band_words(row: Row) -> str:
    """'10% to under 15%', '20% or more'; a band of everyone is 'all'."""
    low, _, high = row.group.partition("=")[2].partition("-")
    return f"{low}% or more" if high == "100" and low != "0" else f"{low}% to under {high}%" if high != "100" else "all"


def capital(text: str) -> str:
    """'Maths' for 'maths', at the start of a title."""
    return text[:1].upper() + text[1:]


def _percent(row: Row, year_days: str) -> str:
    percent = row.group.partition("=")[2]
    return f"{percent}%, {days_of(float(percent), int(year_days))}"


def _dot_label(row: Row) -> str:
    words = band_words(row)
    return "all pupils" if words == "all" else f"{words} absent"


def _bands(answer: Answer) -> list[Row]:
    return [row for row in answer.select("result_by_band", scope="school") if row.group]
