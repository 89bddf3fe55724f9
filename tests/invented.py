"""One fixed invented school as a saved notebook, for golden pages and the browser: no data, no clock, no kernel.

`python tests/invented.py` writes the golden pages again, after a change of the page that was meant.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attendlib.export.entry import Entry
from attendlib.export.index import index_html
from attendlib.export.page import page_html
from attendlib.page.fragment import fragment
from attendlib.records.answer import Chart, Row, Step, Story
from attendlib.records.report import HEADER_MIME, RECORD_MIME, Header, Report
from attendlib.records.study import Study
from attendlib.words.charts import (
    Dot,
    balance,
    bars,
    dots,
    event_study,
    flow,
    funnel,
    heat_table,
    lines,
    specification_curve,
    three_bars,
)
from attendlib.words.tables import Line, checks_table, estimates_table, steps_table

GOLDEN = Path(__file__).parent / "export" / "golden"
HEADER = Header(
    school="999901", school_name="Moor & Dale", study_title="A study of <nobody>", academic_year="2024/25",
    data_to="2025-07-18", audience="internal",
)  # fmt: skip
PLAIN = Chart(
    "Absence rose after the move", "Days missed a year: 4.0 before, 6.5 after, 60 pupils.",
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20" viewBox="0 0 60 20"><path d="M0 9L60 4"/></svg>',
)  # fmt: skip


def row(value: float, low: float, high: float, n: int = 30) -> Row:
    """A figure with its interval."""
    return Row("days", "school", value=value, low=low, high=high, confidence_pct=95.0, unit="days", n=n)


GAP = Row("days", "school", unit="days", withheld="c")
ROWS = (row(2.0, 1.0, 3.1, 60), row(-1.0, -2.4, 0.3, 24), GAP)
LABELS = ("All pupils", "Free school meals in the last six years", "Other pupils")
STEPS = (Step("pupils in Year 7", 0, 72), Step("no record of Year 6", 12, 60))


def story(charts: Sequence[Chart]) -> Story:
    """A story with every part of a page."""
    table = estimates_table(
        "Change in days missed a year", "Pupils", "Days", [Line(*pair) for pair in zip(LABELS, ROWS, strict=True)]
    )
    return Story(
        title="Absence rose from Year 6 to Year 7",
        sentences=("Pupils missed 2 days more in Year 7 (95% interval 1.0 to 3.1; 60 pupils).", "This school only."),
        badge="Clear rise",
        charts=tuple(charts),
        tables=(table, checks_table(()), steps_table(STEPS)),
        caveats=("Ageing is part of the change.",),
        next_steps=("Look at who missed most, and ask what stands in their way.",),
        sure=("The interval is narrow enough to rule out no change.",),
    )


def saved(charts: Sequence[Chart] = (PLAIN,), status: str = "done") -> dict[str, Any]:
    """The saved notebook of that story, or of a school with too few pupils."""
    told = story(charts)
    if status != "done":
        said = "Too few pupils to tell: fewer than 5 pupils moved up."
        told = Story("Too few pupils to tell", (said,), "Too few pupils to tell", next_steps=("Put years together.",))
    report = Report(
        question="transition_dip", headline=True, status=status, verdict=told.badge, title=told.title,
        sentences=told.sentences, next_steps=told.next_steps, rows=ROWS if status == "done" else (),
    )  # fmt: skip
    outputs = [
        {HEADER_MIME: HEADER.model_dump(mode="json"), "text/html": "<dl></dl>"},
        {RECORD_MIME: report.model_dump(mode="json"), "text/html": fragment(told, "transition-dip-school")},
    ]
    return notebook(
        ["# How far does attendance dip?\n\nFor those who greet Year 7.", "## Answer", outputs, "## Method\n\nPaired."]
    )


def notebook(cells: Sequence[str | list[dict[str, Any]]]) -> dict[str, Any]:
    """A saved notebook: a text is a Markdown cell, a list holds the outputs of a code cell."""
    return {
        "cells": [_cell(number, cell) for number, cell in enumerate(cells, 1)],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(number: int, cell: str | list[dict[str, Any]]) -> dict[str, Any]:
    common = {"id": f"cell-{number}", "metadata": {}}
    if isinstance(cell, str):
        return common | {"cell_type": "markdown", "source": cell}
    outputs = [{"output_type": "display_data", "data": data, "metadata": {}} for data in cell]
    return common | {"cell_type": "code", "source": "al.show(dip)", "execution_count": None, "outputs": outputs}


def page(charts: Sequence[Chart] = (PLAIN,), status: str = "done") -> str:
    """The page of that notebook."""
    return page_html(saved(charts, status), "transition_dip", "999901", "Moor & Dale")


def index() -> str:
    """An index with a report of every kind."""
    study = Study.model_validate(
        {"study": "nobody", "title": "A study of <nobody>", "data": ".", "academic_year": "2024/25",
         "notebooks": {"transition_dip": {"before_year_group": 6, "after_year_group": 7}}}
    )  # fmt: skip
    asked = "How far does attendance dip?"
    files = {"transition_dip.html": "0"}
    said = "Pupils missed 2 days more in Year 7 (95% interval 1.0 to 3.1; 60 pupils)."
    entries = [
        Entry("transition_dip", "999901", "Moor & Dale", asked, "done", sentence=said, verdict="Clear rise",
              rows=ROWS, files=files),
        Entry("transition_dip", "999902", "Ash", asked, "too_few", sentence="Too few pupils to tell.", files=files),
        Entry("transition_dip", "999903", "Elm", asked, "not_applicable", sentence="No Year 7.", files=files,
              stale=True),
        Entry("transition_dip", "999904", "Oak", asked, "failed", reason="It took <too> much memory."),
        Entry("transition_dip", "all", "All schools", asked, "not_run"),
    ]  # fmt: skip
    return index_html(study, entries, {"transition_dip": {"before_year_group": 6, "after_year_group": 7}},
                      phases={"999901": "secondary", "999902": "secondary", "999903": "primary"},
                      provenance={"attendlib": "0.1.0", "Digest of the data": "ab" * 32})  # fmt: skip


def three_charts() -> tuple[Chart, ...]:
    """What a page usually holds."""
    items = [Dot(*pair) for pair in zip(LABELS, ROWS, strict=True)]
    halves = [f"half-term {number}" for number in range(1, 7)]
    curve = {"Year 6, 2023/24": [row(4 + x / 3, 3, 6) for x in range(6)],
             "Year 7, 2024/25": [row(5 + x / 3, 4, 7) for x in range(6)]}  # fmt: skip
    return (
        dots("Absence rose most for all pupils together", "Days missed: 2.0 more (1.0 to 3.1), 60 pupils.", items,
             "days", zero_line=True),
        lines("Year 7 lay above Year 6 in every half-term", "Percent missed: from 4 to 6 in Year 6, 5 to 7 in Year 7.",
              curve, halves, "percent of sessions missed", marks={2.5: "new codes"}),
        bars("Other pupils are too few to show", "Days missed: 2.0 more of all, 1.0 fewer with free meals.", items,
             "days"),
    )  # fmt: skip


def every_chart() -> tuple[Chart, ...]:
    """Each kind of chart once."""
    halves = [f"half-term {number}" for number in range(1, 7)]
    cells = [[row(x + 5 * y, 0, 9) for x in range(4)] + [GAP] for y in range(3)]
    return (
        *three_charts(),
        event_study("The groups ran alike until the start", "Days fewer: 0 before, 2.2 after.",
                    [row(0.2, -1, 1), row(-0.3, -1, 1), GAP, row(1.5, 0, 3), row(2, 1, 3), row(2.2, 1, 3)], halves,
                    "days fewer", start=2.5),
        heat_table("Year 9 missed most", "Percent missed: from 0 in Year 7 to 13 in Year 9.",
                   ["Year 7", "Year 8", "Year 9"], ["0–5%", "5–10%", "10–15%", "15–20%", "20% and over"], cells),
        funnel("This school lies within the limits", "Days: 4.0 here, 3.0 in all, 40 pupils.",
               [Dot(f"S{n}", row(3 + n % 3, 0, 9, 20 + 9 * n)) for n in range(9)], "days", centre=3, spread=9,
               here="S4"),
        three_bars("Better is the likeliest", "Chances in 100: worse 5, none 15, better 80.", (25, 50, 25),
                   {"main": (5, 15, 80), "check": (10, 20, 70)}),
        balance("The groups were alike once adjusted", "Standard deviations: 0.6 as found, 0.04 adjusted.",
                {"Earlier absence": (0.62, 0.04), "Sex": (0.03, None)}),
        specification_curve("Every way of answering gives more than none", "Days: 1.0 to 3.2 in 6 ways.",
                            [Dot(str(n), row(1 + n / 3, n / 3, 3 + n / 3)) for n in range(6)],
                            {"same school": [True, False] * 3, "leavers kept": [True] * 6}, "days"),
        flow("60 of 72 pupils are counted", "72 in Year 7, 12 without a Year 6, 60 counted.", STEPS,
             {"Calls": STEPS, "Waiting list": STEPS}),
    )  # fmt: skip


def write_golden() -> None:
    """The golden pages as they are now."""
    GOLDEN.mkdir(exist_ok=True)
    for name, text in goldens().items():
        (GOLDEN / name).write_text(text, encoding="utf-8")


def goldens() -> dict[str, str]:
    """Every golden page by its file's name, without the style sheet."""
    pages = {"page.html": page(), "too_few.html": page(status="too_few"), "index.html": index()}
    return {name: re.sub(r"(?s)<style>.*?</style>", "<style></style>", text) for name, text in pages.items()}


if __name__ == "__main__":
    write_golden()
