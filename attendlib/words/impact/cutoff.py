"""A comparison at a line in words: pupils just at or above it beside those just below it."""

from attendlib.records.answer import Answer, Chart, Row, Story, Table
from attendlib.words.charts import Bin, Dot, at_threshold, dots
from attendlib.words.impact.manner import Manner
from attendlib.words.impact.ways import spread_over, ways_title
from attendlib.words.numbers import count, days_and_lessons, figure, interval_words, plain, pupils, than
from attendlib.words.tables import Line, estimates_table

MAIN = "cutoff"
MODELS = {
    MAIN: "Main: at the line, bias-corrected",
    "rule": "Check: at the line, whoever was referred",
    "plain": "At the line, lines as drawn",
    "before_after": "Warning: own change of those above, nobody beside them",
}
CAVEATS = (
    "It tells of pupils near the line only; those far above it may differ.",
    "Pupils just above and just below are alike only if nobody moved a mark, or a pupil, across the line.",
    "Few pupils are near a line, so only a large difference would be seen.",
)
METHOD = (
    "Whoever missed at least so many sessions was referred, so pupils just above and just below the line differ in"
    " little else. A straight line is drawn through each side's absence afterwards; the step between them is read off.",
    "A pupil counts within seven sessions of the line, the nearer the more. The main figure is corrected for what a"
    " straight line leaves out; its interval is wider for it.",
    "Where a few exceptions were made, the step in absence is divided by the step in who was referred. Where many were,"
    " the page says so and gives no figure. On a page of several schools pupils are held alike by school.",
)
CHOICES = {
    "reach=half": "half the reach",
    "reach=double": "twice the reach",
    "reach=mserd": "the reach that errs least by rdrobust's rule",
    "order=2": "parabolas, not lines",
    "kernel=uniform": "all within reach count alike",
    "kernel=epanechnikov": "weights falling off more slowly",
    "hole=one_session": "without those within a session of the line",
    "homes=apart": "without pupils whose brother or sister was referred",
    "alike=nothing": "schools not held alike",
    "alike=baseline": "the earlier baseline alike too",
    "spread=school": "clustered by school, not bias-corrected",
}
PLACEBOS = {
    "outcome=earlier_absence": "Absence before pupils were chosen (points fewer)",
    "outcome=possible_sessions": "Sessions that could be attended (percent fewer)",
    "outcome=year_group": "Year group (years lower)",
    "outcome=fsm6": "Free school meals in the last six years (points fewer)",
}


def first(answer: Answer) -> str:
    """What those at or above the line missed beside those just below it, with n and interval."""
    c = answer.context
    row = answer.row("days_fewer_in_window", model=MAIN)
    assert row is not None
    assert row.value is not None
    who, beside = f"referred to {c['intervention']} at {c['line']} absence", f"just below {c['line']}"
    if c["kept"] != "exactly":
        who, beside = f"whose referral to {c['intervention']} the line of {c['line']} settled", "whom it left out"
    return (
        f"{c['school_name']}: over about {c['window_days']} school days, pupils {who} missed"
        f" {days_and_lessons(row)} {than(row)} pupils"
        f" {beside} (95% interval {interval_words(row, 'more', 'fewer')}; {pupils(row.n)} within {c['reach']} points of"
        " the line)."
    )


def more(answer: Answer) -> tuple[str, ...]:
    """How many stand on each side, and how far those above came back by themselves or otherwise."""
    return tuple(sentence for sentence in (_sides(answer), _back(answer)) if sentence)


def _sides(answer: Answer) -> str:
    above, below = (answer.row("pupils_in_reach", group=f"side={side}") for side in ("above", "below"))
    if above is None or below is None or above.n is None or below.n is None:
        return ""
    kept = "The line was kept exactly" if answer.context["kept"] == "exactly" else "The line was mostly kept"
    return f"{kept}; {count(above.n)} pupils at or above it and {count(below.n)} below are near enough to count."


def _back(answer: Answer) -> str:
    row = answer.row("days_fewer_in_window", model="before_after")
    if row is None or row.value is None:
        return ""
    word = "fewer" if row.value >= 0 else "more"
    return (
        f"With nobody set beside them, those at or above the line missed {plain(abs(row.value))} days {word} than their"
        " absence when chosen would make over as many days: a return toward the usual is to be expected of any such"
        " group."
    )


def details(answer: Answer) -> Story:
    """The line drawn, other ways of fitting, placebos, bunching, codes."""
    charts = (_line_chart(answer), _choices_chart(answer))
    tables = (_bins(answer), _choices(answer), _placebos(answer), _codes(answer), _referral(answer))
    return Story(
        "Behind the verdict",
        spread_over(answer, "of fitting") or ("The figures are withheld.",),
        charts=tuple(chart for chart in charts if chart is not None),
        tables=tuple(table for table in tables if table.cells),
    )


def _line_chart(answer: Answer) -> Chart | None:
    bins = [Bin(place, row) for place, row in _placed(answer)]
    ends = {row.group: row.value for row in answer.select("local_line")}
    if not bins or None in ends.values():
        return None
    c = answer.context
    line, reach = float(c["line"].rstrip("%")), float(c["reach"])
    at = {side: ends.get(f"at=line;side={side}") for side in ("below", "above")}
    title = (
        f"At {c['line']} the lines meet at {at['below']:.1f}% missed afterwards from below and {at['above']:.1f}% from"
        f" above, {c['school_name']}"
    )
    said = "; ".join(f"{_span(row)}: {row.value:.1f}% of {pupils(row.n)}" for _, row in _placed(answer))
    alt = (
        f"Percent of sessions missed afterwards by percent missed when chosen, means of pupils. {said}. The local lines"
        f" meet the line at {at['below']:.1f}% from below and {at['above']:.1f}% from above."
    )
    segments = []
    for side, far in (("below", max(0.0, line - reach)), ("above", line + reach)):
        start, end = ends[f"at=line;side={side}"], ends[f"at=end;side={side}"]
        assert start is not None
        assert end is not None
        segments.append(((line, start), (far, end)))
    names = ("% of sessions missed when chosen (pupils of each group above)", "% missed afterwards")
    return at_threshold(title, alt, bins, segments, line, names)


def _placed(answer: Answer) -> list[tuple[float, Row]]:
    """Published bins with their midpoints, in order: a mean of whole sessions would tell what was merged.

    The open one, with no midpoint, is in the table only.
    """
    found = []
    for row in answer.select("binned_outcome"):
        if row.value is not None and "-" in row.group:
            low, high = row.group.partition("=")[2].split("-")
            found.append(((float(low) + float(high)) / 2, row))
    return sorted(found, key=lambda each: each[0])


def _span(row: Row) -> str:
    low, dash, high = row.group.partition("=")[2].partition("-")
    return f"{low}% to under {high}%" if dash else f"{low.rstrip('+')}% or more"


def _choice_name(row: Row) -> str:
    return next((name for made, name in CHOICES.items() if made in row.group.split(";")), "the main way")


def _choices_chart(answer: Answer) -> Chart | None:
    rows = answer.select("choice")
    values = [row.value for row in rows if row.value is not None]
    if len(values) < 2:
        return None
    title = ways_title(answer)
    said = "; ".join(f"{_choice_name(row)}: {figure(row)}" for row in rows)
    alt = f"{rows[0].unit.capitalize()} fewer, 95% intervals. {said}."
    return dots(title, alt, [Dot(_choice_name(row), row) for row in rows], f"fewer {rows[0].unit}", zero_line=True)


def _choices(answer: Answer) -> Table:
    rows = answer.select("choice")
    unit = rows[0].unit if rows else "days"
    lines = [Line(_choice_name(row), row) for row in rows]
    note = "One thing changed at a time. The pupils are all analysed; each way uses those of them within its own reach."
    return estimates_table("Other ways of fitting the step", "Way", f"Fewer {unit}", lines, note)


def _bins(answer: Answer) -> Table:
    lines = [Line(_span(row), row) for row in answer.select("binned_outcome")]
    caption = "Percent of sessions missed afterwards, by percent missed when chosen"
    note = (
        "Neighbouring groups of few pupils are put together, never across the line. Means of pupils."
        " A last group with no upper end is not drawn."
    )
    return estimates_table(caption, "When chosen", "Percent missed", lines, note)


def _placebos(answer: Answer) -> Table:
    lines = [Line(PLACEBOS[row.group], row) for row in answer.select("placebo")]
    for row in answer.select("placebo_cutoff"):
        where = "below" if row.group.endswith("below") else "above"
        lines.append(Line(f"{row.method[:1].upper()}{row.method[1:]}, {where} the real one (points fewer)", row))
    lines += [Line("Pupils just above the line to those foretold (times)", row)
              for row in answer.select("density_ratio")]  # fmt: skip
    note = "The last would be 1 if nobody was moved across the line; the others 0."
    return estimates_table("Where no step should be", "What", "Difference", lines, note)


def _codes(answer: Answer) -> Table:
    rows = [row for row in answer.select("days_fewer_in_window") if row.outcome.endswith("ed absence")]
    note = "One up and the other down by as much would be a change of code, not of attendance."
    lines = [Line(row.outcome.capitalize(), row) for row in rows]
    return estimates_table("By kind of absence: fewer days in the window", "Kind", "Difference", lines, note)


def _referral(answer: Answer) -> Table:
    names = {"side=above": "Referred of those at or above the line (%)", "side=below": "Referred of those below it (%)"}
    lines = [Line(names[row.group], row) for row in answer.select("referred_share")]
    lines += [Line("Step in the share referred, at the line (0 to 1)", row) for row in answer.select("referral_jump")]
    lines += [Line("Its strength (F; under 10 is refused)", row) for row in answer.select("first_stage_f")]
    return estimates_table("Who was referred near the line", "What", "Figure", lines)


MANNER = Manner(MAIN, MODELS, first, more, CAVEATS, METHOD, details)
