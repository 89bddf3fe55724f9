"""intervention_impact at length: what would have happened anyway, balance, other choices, placebos, claims, checks."""

from attendlib.records.answer import Answer, Row, Story, Table
from attendlib.words.impact.designs import MANNERS
from attendlib.words.impact_charts import balance_chart, choices_chart, half_terms_chart
from attendlib.words.intervention_impact import SIDES, of_schools
from attendlib.words.numbers import count, figure, plain, share
from attendlib.words.tables import WITHHELD_NOTE, Line, checks_table, estimates_table, shares_table

MEASURES = {
    "window": "Absence when chosen (%)",
    "baseline": "Absence in the earlier baseline (%)",
    "fsm6-1": "Free school meals in the last six years",
    "sen-K": "SEN support",
    "sen-E": "Education, health and care plan",
    "sex-F": "Girls",
    "eal-1": "First language not English",
}
STAGES = {"eligible": "Met the rule", "referred": "Referred", "started": "Started", "stayed": "Did not leave early",
          "finished": "Finished"}  # fmt: skip


def tell(answer: Answer) -> Story:
    """Everything behind the verdict, in the order a doubter would ask for it."""
    if manner := MANNERS.get(answer.context["design"]):
        story = manner.details(answer)
        return Story("Behind the verdict", story.sentences, charts=story.charts,
                     tables=(*story.tables, checks_table(answer.checks)))  # fmt: skip
    charts = (half_terms_chart(answer), choices_chart(answer), balance_chart(answer, MEASURES))
    tables = (
        _anyway(answer), _codes(answer), _pairs(answer), _flow(answer), _balance(answer), _doubts(answer),
        _bounds(answer), _claims(answer), checks_table(answer.checks),
    )  # fmt: skip
    return Story(
        title="Behind the verdict",
        sentences=(*_expected(answer), *_spread(answer), *_strength(answer)) or ("The figures are withheld.",),
        charts=tuple(chart for chart in charts if chart is not None),
        tables=tuple(table for table in tables if table is not None and table.cells),
    )


def _expected(answer: Answer) -> tuple[str, ...]:
    seen = answer.row("absence_outcome", group="referred=1")
    names = {"untreated": "pupils not referred", "earlier_cohort": "the year before's pupils by the same rule"}
    rows = [(names[row.model], row) for row in answer.select("expected_absence") if row.value is not None]
    if seen is None or seen.value is None or not rows:
        return ()
    said = ", ".join(f"{row.value:.1f}% by {name}" for name, row in rows)
    return (
        f"Referred pupils were absent for {seen.value:.1f}% of sessions afterwards; to be expected anyway: {said}.",
    )


def _spread(answer: Answer) -> tuple[str, ...]:
    rows = [row for row in answer.select("choice") if row.value is not None]
    if not rows:
        return ()
    values = [row.value for row in rows if row.value is not None]
    above = sum(row.low is not None and row.low > 0 for row in rows)
    ends = " to ".join(f"{plain(abs(end))} {'fewer' if end >= 0 else 'more'}" for end in (min(values), max(values)))
    return (
        f"{len(rows)} ways of comparing that could be defended give {ends} {rows[0].unit}; {above or 'none'} of their"
        f" intervals {'lies' if above == 1 else 'lie'} wholly on the side of fewer.",
    )


def _strength(answer: Answer) -> tuple[str, ...]:
    row, limit, found = (
        answer.row("robustness"),
        answer.row("robustness_at_limit"),
        answer.row("points_fewer", model="adjusted"),
    )
    if row is None or row.value is None or not _stands_out(found):
        return ()
    ends = "" if limit is None or not limit.value else f", and {limit.value:.0f}% would bring its interval to 0"
    hidden = answer.row("hidden_as_strong", group="as=baseline;times=1")
    beside = "" if hidden is None else f" Something as telling as the earlier baseline would leave {_days(hidden)}."
    return (
        f"Something unseen would undo the main difference if it shared {row.value:.0f}% of what is left unexplained,"
        f" both of who was referred and of absence{ends}.{beside}",
    )


def _stands_out(row: Row | None) -> bool:
    """Whether its interval leaves 0 out: where it holds no difference there is none to undo."""
    return row is not None and row.low is not None and row.high is not None and not row.low <= 0 <= row.high


def _days(row: Row) -> str:
    return f"{figure(row)} {row.unit} fewer"


def _anyway(answer: Answer) -> Table:
    whens = {"baseline": "earlier baseline", "window": "when chosen", "outcome": "after the start"}
    lines = [
        Line(f"{SIDES[row.group].capitalize()}, {when}: {answer.context[name]}", row)
        for name, when in whens.items()
        for row in answer.select(f"absence_{name}")
    ]
    names = {
        "untreated": "Referred, after the start: expected from pupils not referred",
        "earlier_cohort": "Referred, after the start: expected from the year before's pupils",
    }
    lines += [Line(names[row.model], row) for row in answer.select("expected_absence")]
    rule = answer.context["rule"]
    note = f"The rule: {rule} when chosen." if rule else "The study gives no rule by which pupils were chosen."
    caption = "Percent of possible sessions missed, and what was to be expected anyway"
    return estimates_table(caption, "Group and time", "Percent missed", lines, note)


def _codes(answer: Answer) -> Table:
    rows = [row for row in answer.select("days_fewer_in_window") if row.outcome.endswith("ed absence")]
    lines = [Line(row.outcome.capitalize(), row) for row in rows]
    lines += [Line("Rate of sessions missed, referred to compared (ratio)", row) for row in answer.select("rate_ratio")]
    note = "One up and the other down by as much would be a change of code, not of attendance."
    return estimates_table("By kind of absence: fewer days in the window", "Kind", "Difference", lines, note)


def _pairs(answer: Answer) -> Table:
    names = {"improved": "Missed less after the start than when chosen",
             "persistent_absence": "Persistently absent (10% or more) after the start"}  # fmt: skip
    pairs = [(name, [answer.row(estimate, group=side) for side in SIDES]) for estimate, name in names.items()]
    lines = [
        (f"{name}{of_schools(answer, rows[0])}", tuple(row for row in rows if row is not None))
        for name, rows in pairs
        if all(rows)
    ]
    return shares_table("Shares of pupils: never one group without the other", "Share", ("Referred", "Compared"), lines)


def _flow(answer: Answer) -> Table:
    rows = answer.select("flow")
    cells = tuple((STAGES[row.group.rpartition("-")[2]], row.withheld or count(row.n)) for row in rows)
    hidden = any(row.withheld for row in rows)
    caption = "From meeting the rule to finishing, pupils analysed"
    return Table(caption, ("Stage", "Pupils"), cells, ("Pupils",), WITHHELD_NOTE if hidden else "")


def _balance(answer: Answer) -> Table:
    cells = []
    for row in answer.select("balance", model="raw"):
        weighted = answer.row("balance", model="weighted", group=row.group)
        name = MEASURES[row.group.partition("=")[2]]
        cells.append((name, _sd(row), "–" if weighted is None else _sd(weighted)))
    worth = answer.row("effective_n")
    note = (
        "Standard deviations of the referred; 0 is alike, over 0.25 is far apart. Compared pupils more or less absent"
        " when chosen than any referred are left out: what is found holds for pupils as absent as those referred."
    )
    if worth is not None and worth.value is not None:
        note += f" The {count(worth.n)} compared pupils count for {worth.value:.0f} once weighted ({worth.method})."
    columns = ("What is known before the start", "As found", "Weighted")
    return Table("How alike the groups were", columns, tuple(cells), columns[1:], note)


def _sd(row: Row) -> str:
    return row.withheld or ("–" if row.value is None else plain(row.value, 2))


def _doubts(answer: Answer) -> Table:
    names = {"earlier_absence": "Absence before pupils were chosen (points fewer)",
             "possible_sessions": "Sessions that could be attended (percent fewer)"}  # fmt: skip
    lines = [Line(names[row.group.partition("=")[2]], row) for row in answer.select("placebo")]
    caption = "What the support could not have moved: these should hold no difference"
    return estimates_table(caption, "Placebo outcome", "Difference", lines)


def _bounds(answer: Answer) -> Table:
    rows = answer.select("did_bounds")
    lines = [Line(f"Drawing apart at most {row.group.partition('=')[2]} times as fast as before", row) for row in rows]
    breakdown = answer.row("breakdown_m")
    note = (
        "All half-terms after beside the last one before. The gap may move between half-terms by so many times its"
        " largest move before, always the same way."
    )
    if breakdown is not None and breakdown.value is not None:
        note += f" The interval first holds no difference at {breakdown.value:.2f} times."
    return estimates_table(
        "If the groups were drawing apart anyway: points fewer absent", "If", "Difference", lines, note
    )


def _claims(answer: Answer) -> Table:
    cells = []
    for row in answer.select("claim"):
        says = answer.context.get(f"claim_{row.group.partition('=')[2]}", "")
        cells.append((says, _claim(row), row.period or "–", row.method.partition(":")[0]))
    columns = ("Claim", "From the data", "Period", "Result")
    hidden = any(row.withheld for row in answer.select("claim"))
    return Table("What has been said, re-derived", columns, tuple(cells), (), WITHHELD_NOTE if hidden else "")


def _claim(row: Row) -> str:
    what = row.method.partition(": ")[2]
    if row.withheld or row.value is None:
        return row.withheld or what
    if row.numerator is not None:
        return f"{what}: {share(row)}"
    return f"{what}: {row.value:.1f}%"
