"""What transition_dip folds away: the year in parts, who, feeders, linkage, other ways of counting, England."""

from attendlib.records.answer import Answer, Section, Table
from attendlib.words.dip import tables
from attendlib.words.dip.charts import ahead_chart, feeder_chart
from attendlib.words.numbers import figure, share


def sections(answer: Answer) -> tuple[Section, ...]:
    """Every section that has something to say."""
    made = (_year(answer), _who(answer), _feeders(answer), _linkage(answer), _again(answer), _england(answer))
    return tuple(section for section in made if section.tables)


def _shown(*found: Table) -> tuple[Table, ...]:
    return tuple(table for table in found if table.cells)


def _first_part(answer: Answer) -> tuple[str, ...]:
    """The first half-term apart from the rest."""
    name = "dip" if answer.context["reference"] else "change"
    rows = [row for row in answer.select(name, scope="school") if row.period.startswith("half-term")]
    shown = [f"{row.period}: {figure(row)}" for row in rows if row.value is not None]
    what = "beyond what was expected" if answer.context["reference"] else "of change"
    return (f"Points {what}, {'; '.join(shown)}.",) if len(shown) > 1 else ()


def _year(answer: Answer) -> Section:
    chart = ahead_chart(answer)
    c = answer.context
    words = (
        *_first_part(answer),
        f"{c['after']} tends to start low and climb, so the first half-term stands apart and no verdict rests on it.",
        "Nationally the next step is as large as the move itself, and girls' absence passes boys' from there on.",
    )
    return Section(
        "Through the year, and the year after",
        words,
        (chart,) if chart else (),
        _shown(tables.parts_table(answer), tables.next_step_table(answer)),
    )


def _who(answer: Answer) -> Section:
    words = ("The three shares have three totals: pupils, sessions missed, and pupils missing 10% or more.",)
    return Section("Who", words, (), _shown(tables.who_table(answer), tables.carries_table(answer)))


def _feeders(answer: Answer) -> Section:
    rows = tuple(row for row in answer.rows if row.model in ("by feeder", "by feeder, pooled"))
    if sum(row.value is not None for row in rows) < 2:
        return Section("Schools before the move")
    chart = feeder_chart(answer, rows)
    words = ("Small numbers swing widely: a school inside the curved limits is where chance alone would put it.",)
    return Section(
        "Schools before the move",
        words if chart else (),
        (chart,) if chart else (),
        _shown(tables.feeder_table(answer, rows)),
    )


def _linkage(answer: Answer) -> Section:
    matched = answer.row("matched")
    words = []
    if matched is not None and matched.value is not None:
        c = answer.context
        words.append(f"Found in {c['before']} of those now on roll in {c['after']}: {share(matched)}.")
    kept, rest = (answer.row(f"{name}_absence_after") for name in ("kept", "not_kept"))
    if kept is not None and rest is not None and kept.value is not None and rest.value is not None:
        words.append(f"Percent missed this year: {figure(kept)} of those compared, {figure(rest)} of those left out.")
    if answer.context["weights"]:
        words.append(f"{answer.context['weights'][:1].upper()}{answer.context['weights'][1:]}.")
    return Section(
        "Who could be followed, and how registers differ",
        tuple(words),
        (),
        _shown(tables.linkage_table(answer), tables.recording_table(answer)),
    )


def _again(answer: Answer) -> Section:
    found = tables.again_table(answer)
    return Section(
        "Would another reasonable choice change it?",
        (),
        (),
        _shown(
            *((found,) if len(found.cells) > 1 else ()),
            tables.cohorts_table(answer),
            tables.every_figure_table(answer),
        ),
    )


def _england(answer: Answer) -> Section:
    words = ("These are other pupils, years and ways of counting: a sense of size, not a standard.",)
    return Section("Beside it: England", words, (), tables.national_tables(answer))
