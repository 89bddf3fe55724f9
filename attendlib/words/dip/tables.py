"""The tables of transition_dip."""

from collections.abc import Sequence

from attendlib.facts.labels import group_label
from attendlib.facts.moves import NationalMove, national_absence_moves, national_persistent_moves
from attendlib.records.answer import Answer, Row, Table
from attendlib.words.numbers import count, figure, interval, places_for, plain
from attendlib.words.tables import WITHHELD_NOTE, Line, estimates_table, shares_table

WHAT = {
    "dip_days": "Days a year beyond what was expected",
    "dip_window_days": "Days in the weeks compared, beyond what was expected",
    "dip": "Percentage points beyond what was expected",
    "expected_after": "Percent expected after",
    "double_difference": "Change less the change of the pupils compared with, points",
    "change_days": "Change in days a year",
    "change": "Change in percentage points",
    "absence_before": "Percent missed before",
    "absence_after": "Percent missed after",
}
RECORDING = {"L": "late, before registers close (L)", "U": "late, after registers close (U)", "B": "off site (B)"}


def main_period(answer: Answer) -> str:
    """'2023/24 to 2024/25'."""
    return f"{answer.context['before_academic_year']} to {answer.context['academic_year']}"


def headline_table(answer: Answer) -> Table:
    """One line for all pupils, each group, and all schools: before, after, expected, and days or points more."""
    c, period = answer.context, main_period(answer)
    name = "dip" if c["reference"] else "change"
    mains = [row for row in answer.select(name, period=period) if not row.model]
    days = {(row.scope, row.group): row for row in answer.select(f"{name}_days", period=period)}
    unit = "Days a year more" if days else "Points more"
    levels = ["absence_before", "absence_after", *(["expected_after"] if c["reference"] else [])]
    heads = (f"% missed, {c['before']}", f"% missed, {c['after']}", "% expected")[: len(levels)]
    cells = []
    for row in mains:
        found = days.get((row.scope, row.group), row)
        each = [answer.row(level, scope=row.scope, group=row.group, period=period) for level in levels]
        label = group_label(row.group) + ("" if row.scope == "school" else ", all schools")
        more = row.withheld or plain(found.value or 0, places_for(found))
        cells.append((label, row.withheld or count(row.n), *map(_value, each), more, row.withheld or interval(found)))
    note = f"{unit} than expected." if c["reference"] else f"{unit} than before."
    hidden = f" {WITHHELD_NOTE}" if any(row.withheld for row in mains) else ""
    columns = ("Group", "Pupils", *heads, unit, "95% interval")
    return Table(
        f"Absence in {c['before']} and {c['after']}, the same pupils", columns, tuple(cells), columns[1:], note + hidden
    )


def _value(row: Row | None) -> str:
    return "–" if row is None else row.withheld or plain(row.value or 0)


def every_figure_table(answer: Answer) -> Table:
    """Every figure of the headline with its interval: all, each group, and all schools."""
    c, period = answer.context, main_period(answer)
    rows = [row for row in answer.rows if row.estimate in WHAT and row.period == period and not row.model]
    lines = [
        Line(f"{WHAT[row.estimate]}, {group_label(row.group)}{'' if row.scope == 'school' else ', all schools'}", row)
        for row in rows
    ]
    caption = f"Absence in {c['before']} and {c['after']}, the same pupils, 95% intervals"
    return estimates_table(caption, "Figure and pupils", "Value", lines)


def persistent_table(answer: Answer) -> Table:
    """Persistent absence before and after, all and each group."""
    before = answer.select("persistent_before", scope="school")
    after = answer.select("persistent_after", scope="school")
    pairs = [(group_label(one.group), (one, other)) for one, other in zip(before, after, strict=True)]
    caption = "Pupils who missed 10% or more of their possible sessions over the weeks compared"
    return shares_table(caption, "Pupils", (answer.context["before"], answer.context["after"]), pairs)


def expected_shares(answer: Answer) -> tuple[Table, ...]:
    """Shares seen beside shares expected, or nothing without a reference."""
    cells = []
    for name, words in (("fell", "Attendance fell by a point or more"), ("persistent", "Missed 10% or more")):
        seen, expected, more = (
            answer.row(f"share_{name}{end}", scope="school") for end in ("", "_expected", "_beyond")
        )
        if seen is None or expected is None or more is None:
            return ()
        counts = seen.withheld or f"{count(seen.numerator)} of {count(seen.n)} ({plain(seen.value or 0, 0)}%)"
        rest = ("c", "c") if seen.withheld else (_percent(expected), f"{figure(more, 0)}")
        cells.append((words, counts, *rest))
    columns = ("Pupils", "Seen", "Expected", "Points more than expected")
    caption = f"What shares of pupils would be expected anyway, {answer.context['after']}"
    return (Table(caption, columns, tuple(cells), columns[1:], _hidden(cells)),)


def _percent(row: Row) -> str:
    return f"{plain(row.value or 0, 0)}% ({plain(row.low or 0, 0)}% to {plain(row.high or 0, 0)}%)"


def _hidden(cells: Sequence[tuple[str, ...]]) -> str:
    return WITHHELD_NOTE if any("c" in line for line in cells) else ""


def parts_table(answer: Answer) -> Table:
    """Change, and dip, in each part of the year."""
    rows = [r for r in answer.rows if r.estimate in ("dip", "change") and r.period.startswith("half-term")]
    lines = [Line(f"{row.period}: {WHAT[row.estimate].lower()}", row) for row in rows]
    return estimates_table("Parts of the year, 95% intervals", "Part and figure", "Points", lines)


def next_step_table(answer: Answer) -> Table:
    """The step after the move, of the pupils one year ahead, by sex."""
    c = answer.context
    rows = answer.select("next_step_change", scope="school")
    lines = [Line(group_label(row.group.rpartition(";")[0]), row) for row in rows]  # all are of one year group
    caption = f"Change from {c['after']} to the year after, over the same two years, pupils one year ahead, points"
    return estimates_table(caption, "Group", "Points", lines)


def who_table(answer: Answer) -> Table:
    """For each group: points beyond what was expected, and the gap at equal earlier absence."""
    dips = [row for row in answer.rows if row.estimate == "dip" and row.model.startswith("by ") and row.group]
    gaps = answer.select("gap", scope="school")
    lines = [
        Line(f"{group_label(row.group)}: beyond what was expected", row) for row in dips if row.model != "by feeder"
    ]
    lines += [
        Line(f"{group_label(row.group)}: how much further beyond than the commonest group", row)
        for row in answer.select("dip_gap", scope="school")
    ]
    lines += [Line(f"{group_label(row.group)}: {row.method.partition(',')[0]}", row) for row in gaps]
    caption = f"Who missed more in {answer.context['after']}: percentage points, 95% intervals"
    note = "Equal earlier absence means equal in the statistical model, not the same pupils. This school's pupils."
    return estimates_table(caption, "Group", "Points", lines, note)


def carries_table(answer: Answer) -> Table:
    """What share of pupils, of sessions missed and of persistently absent pupils each group is."""
    names = ("share_of_pupils", "share_of_absence", "share_of_persistent")
    groups = [row.group for row in answer.select(names[0])]
    lines = [
        (group_label(group), [row for name in names if (row := answer.row(name, group=group)) is not None])
        for group in groups
    ]
    heads = ("Of pupils", "Of sessions missed", "Of pupils missing 10% or more")
    caption = f"What share of all absence in {answer.context['after']} each group carries: three shares of three totals"
    return shares_table(caption, "Group", heads, lines)


def feeder_table(answer: Answer, rows: tuple[Row, ...]) -> Table:
    """Each feeder's mean, and drawn towards all where there are enough feeders."""
    lines = [Line(feeder_name(answer, row), row) for row in rows]
    note = "One school's pupils of one year: a feeder outside the limits is a question to ask, not a finding."
    return estimates_table("By school before the move, percentage points", "School", "Points", lines, note)


def feeder_name(answer: Answer, row: Row) -> str:
    """The school's name; feeders put together are named so."""
    school = row.group.partition("=")[2]
    name = answer.context.get(f"feeder_{school}", "")
    drawn = ", drawn towards the mean" if row.model == "by feeder, pooled" else ""
    return ("all pupils" if not school else "schools sending fewer than 10" if school == "smaller" else name) + drawn


def linkage_table(answer: Answer) -> Table:
    """Those kept beside those who could not be: shares of each kind."""
    kept = {row.group.replace("linked=1", ""): row for row in answer.select("kept_share")}
    rest = {row.group.replace("linked=0", ""): row for row in answer.select("not_kept_share")}
    lines = [(group_label(key.strip(";")), [kept[key], rest[key]]) for key in kept if key in rest]
    caption = "Pupils compared, and pupils on roll who are left out, as they are now"
    return shares_table(caption, "Of those", ("Compared", "Left out"), lines)


def recording_table(answer: Answer) -> Table:
    """How much L, U and B are used before and after."""
    c = answer.context
    lines = [
        Line(f"{RECORDING[row.estimate[-1]]}, {c[row.period]}", row)
        for row in answer.rows
        if row.estimate.startswith("use_of_")
    ]
    return estimates_table("Codes that schools use differently", "Code and year", "Percent of sessions", lines)


def again_table(answer: Answer) -> Table:
    """The headline again, each other reasonable way of counting."""
    name = "dip" if answer.context["reference"] else "change"
    names = ("dip", "change")
    main = [row for row in answer.select(name, scope="school", group="", period=main_period(answer)) if not row.model]
    others = [
        row
        for row in answer.rows
        if row.estimate in names and row.model and not row.group and not row.model.startswith("by ")
        and "cohort" not in row.model
    ]  # fmt: skip
    lines = [Line("as above", row) for row in main] + [Line(row.model, row) for row in others]
    return estimates_table("Counted another way, percentage points", "Way of counting", "Points", lines)


def cohorts_table(answer: Answer) -> Table:
    """Each cohort, and all together."""
    rows = [row for row in answer.rows if "cohort" in row.model]
    lines = [Line(f"{row.period}: {WHAT[row.estimate].lower()}", row) for row in rows]
    return estimates_table("Cohort by cohort", "Cohort and figure", "Points", lines)


def national_tables(answer: Answer) -> tuple[Table, ...]:
    """Published steps for England of the same year groups; none for others."""
    before, after = (int(answer.context[f"{when}_year_group"]) for when in ("before", "after"))
    linked = national_absence_moves(before, after)
    persistent = [each for each in national_persistent_moves(before, after) if not each.group.startswith("sex=")]
    tables = []
    if linked:
        tables.append(_national("Percent of sessions missed in England, the same pupils", linked))
    if persistent:
        tables.append(
            _national("Percent of enrolments missing 10% or more in England, not the same pupils", persistent)
        )
    return tuple(tables)


def _national(caption: str, moves: Sequence[NationalMove]) -> Table:
    columns = ("Years and pupils", "Before", "After", "Points more")
    cells = tuple(
        (
            f"{each.earlier} to {each.year}, {group_label(each.group)}",
            f"{each.before_pct:.1f}%",
            f"{each.after_pct:.1f}%",
            plain(each.after_pct - each.before_pct),
        )
        for each in moves
    )
    return Table(caption, columns, cells, columns[1:], f"Source: {moves[0].source}.")
