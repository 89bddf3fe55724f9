"""The tables of a trial's page: effect sizes, means by arm, ratings."""

from collections.abc import Sequence

from attendlib.facts.labels import group_label
from attendlib.facts.trials import JUDGED_BY_REVIEWERS
from attendlib.records.answer import Answer, Row, Table
from attendlib.words.numbers import count, figure, plain, share
from attendlib.words.tables import WITHHELD_NOTE

NAMES = {
    "mdes": "smallest effect that could be found (MDES)",
    "icc": "intraclass correlation",
    "permutation_p": "permutation p",
}


def arm_name(arm: str) -> str:
    """'regular with aide' for regular_with_aide."""
    return arm.removeprefix("arm=").replace("_", " ")


def counted(answer: Answer) -> str:
    """What n counts: over several years a pupil once for each with an outcome."""
    return "Pupil-years" if " to " in answer.context["period"] else "Pupils"


def sizes_table(answer: Answer) -> Table:
    """Every effect size, the EEF's marked, with the standard deviation it divides by."""
    cells = tuple(
        (f"{arm_name(row.group)}: {row.model.replace('_', ' ')}", _two(row), row.method, _n(row))
        for row in answer.select("hedges_g")
    )
    columns = ("Arm and standard deviation", "Effect size", "How", counted(answer))
    note = _note(answer.select("hedges_g"))
    return Table("Effect sizes, 95% intervals", columns, cells, ("Effect size", columns[-1]), note)


def table_of(answer: Answer, estimates: Sequence[str], caption: str) -> Table:
    """Any estimates, one a line: what, figure, how, n."""
    rows = [row for name in estimates for row in answer.select(name)]
    cells = tuple((_label(row), _short(row), row.method, _n(row)) for row in rows)
    return Table(caption, ("What", "Figure", "How", "Pupils"), cells, ("Figure", "Pupils"), _note(rows))


def levels_table(answer: Answer) -> Table:
    """Mean, standard deviation and, for attendance, persistent absence in each arm."""
    rows = [*answer.select("mean"), *answer.select("sd"), *answer.select("persistent")]
    names = {"mean": "mean", "sd": "standard deviation", "persistent": "persistently absent"}
    cells = tuple(
        (f"{arm_name(row.group)}: {names[row.estimate]}", _level(row), row.unit, _n(row))
        for row in rows
    )  # fmt: skip
    columns = ("Arm", "Figure", "Unit", counted(answer))
    return Table("Each arm by itself", columns, cells, ("Figure", columns[-1]), _note(rows))


def padlock_table(answer: Answer) -> Table:
    """Padlocks by column with the reason, and the threats that only reviewers can judge, left blank."""
    cells = [
        (f"{arm_name(row.group)}: {row.model}", "–" if row.value is None else f"{row.value:.0f}", row.method)
        for row in answer.select("padlock")
    ]
    cells += [(f"threat: {threat}", "–", "for the reviewers to judge") for threat in JUDGED_BY_REVIEWERS]
    cost = answer.row("cost_per_pupil")
    if cost is not None and cost.value is not None:
        cells.append(("cost", f"£{cost.value:.0f} a pupil a year", cost.method))
    return Table("Indicative padlocks, of 5", ("Column", "Rating", "Why"), tuple(cells), ("Rating",))


def _level(row: Row) -> str:
    if row.estimate == "persistent":
        return share(row)
    return _two(row) if row.low is None else figure(row)


def characteristic(name: str) -> str:
    """'girls' for sex=F; a measure keeps its name."""
    return group_label(name) if "=" in name else name


NAMES = {
    "attrition": "lost",
    "mdes": "detectable effect",
    "icc": "intraclass correlation",
    "permutation_p": "permutation p",
}
STAGES = {"protocol": "at protocol", "randomisation": "at randomisation", "analysis": "at analysis", "adjusted": "",
          "differential": "more than in control", "analysed": "as analysed", "randomised": "as randomised"}  # fmt: skip


def _label(row: Row) -> str:
    what = characteristic(row.outcome) if row.estimate == "baseline_g" else NAMES.get(row.estimate, row.estimate)
    named = ", ".join(part for part in (what, STAGES.get(row.model, row.model)) if part)
    return f"{arm_name(row.group)}: {named}" if row.group else f"all: {named}" if row.estimate == "attrition" else named


def _short(row: Row) -> str:
    return plain(row.value, 3) if row.estimate == "permutation_p" and row.value is not None else _two(row)


def _two(row: Row) -> str:
    if row.value is None:
        return row.withheld or "–"
    return figure(row, 2) if row.low is not None else plain(row.value, 2)


def _n(row: Row) -> str:
    return row.withheld or count(row.n)


def _note(rows: Sequence[Row]) -> str:
    return WITHHELD_NOTE if any(row.withheld for row in rows) else ""
