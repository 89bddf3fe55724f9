"""Results files of earlier studies, as `attend run` would have written them."""

from dataclasses import dataclass, replace
from pathlib import Path

from attendlib.export.entry import Entry
from attendlib.export.results import results_parts
from attendlib.questions.common import word_row
from attendlib.records.answer import Row


@dataclass(frozen=True)
class Found:
    """What one study published: days a year fewer by main and check, standard errors, pupils, what it made of them."""

    study: str
    value: float = 1.0
    se: float = 1.0
    check: float | None = 1.0
    n: int = 120
    verdict: str = "Cannot tell"
    intervention: str = "tutor calls"
    failed: int = 0
    withheld: str = ""
    df: float | None = 60.0


def rows_of(found: Found) -> list[Row]:
    """The rows of the page of all schools that matter, between others that do not."""
    base = Row("days_fewer", "all", outcome="absence", period="6 January 2025 to 22 July 2025", model="adjusted",
               df=found.df, confidence_pct=95.0, unit="days a year", n=found.n, n_groups=6,
               withheld=found.withheld)  # fmt: skip
    rows = [_figure(base, found.value, found.se), replace(_figure(base, 99.0, 1.0), outcome="authorised absence")]
    decides = Row("decides", "all", group="as=main", model="adjusted", value=2.0, n=found.n, method=found.intervention)
    rows += [_figure(replace(base, model="raw"), -50.0, 1.0), decides]
    if found.check is not None:
        rows.append(_figure(replace(base, model="check"), found.check, found.se))
        rows.append(replace(decides, group="as=check", model="check"))
    rows.append(Row("checks_failed", "all", value=float(found.failed), unit="checks", n=found.n))
    return [*rows, word_row("verdict", "all", found.verdict, found.n)]


def _figure(row: Row, value: float, se: float) -> Row:
    return replace(row, value=value, low=value - 1.96 * se, high=value + 1.96 * se, se=se)


def write(folder: Path, found: Found, rows: list[Row] | None = None) -> Path:
    """The study's results.csv in a folder of its name."""
    entries = [
        Entry("attainment_link", "all", "All schools", "Q?", "done", rows=(Row("decides", "all", value=7.0, n=9),)),
        Entry("intervention_impact", "all", "All schools", "Q?", "done", rows=tuple(rows or rows_of(found))),
    ]
    path = folder / found.study / "results.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(results_parts(found.study, entries)), encoding="utf-8")
    return path
