"""What a question returns and what the words make of it: frozen, free of pandas, every figure in a `Row`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Scope = Literal["school", "all"]
Status = Literal["done", "too_few", "not_applicable"]
OWN_RECORDS = "own"  # the source of a table made from the study's own data
WITHHELD = "c"  # withheld to protect pupils
NOT_AVAILABLE = "x"  # z is not applicable
WAYS = ("choice", "placebo")  # figures whose group names a way of answering, not pupils


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: a row of results.csv without study, school and notebook, which the runner adds.

    `estimate` names it (docs/results.md), `group` is empty for all pupils or sorted `fsm6=1;sex=F`, `model` is raw,
    adjusted, check …. A withheld row has `withheld` set and every figure None. Never NaN: None is 'not there'.
    """

    estimate: str
    scope: Scope
    outcome: str = ""
    group: str = ""
    period: str = ""
    model: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    se: float | None = None
    df: float | None = None
    p: float | None = None
    confidence_pct: float | None = None
    unit: str = ""
    n: int | None = None
    n_groups: int | None = None
    numerator: int | None = None
    withheld: str = ""
    method: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Pupils left out at one step: why, how many went (None: withheld as small), how many stayed."""

    reason: str
    lost: int | None
    left: int | None


@dataclass(frozen=True, slots=True)
class Check:
    """Another reasonable choice, or a test of the design. `passed` None is for information only."""

    name: str
    passed: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A question's answer for one page, through the disclosure gate: `rows` hold every figure that may be shown.

    `context` holds the texts the words need (school's name, periods, labels); `reasons` say in plain words why a
    question does not apply, has too few pupils, or cannot tell.
    """

    question: str
    scope: Scope
    status: Status
    rows: tuple[Row, ...] = ()
    steps: tuple[Step, ...] = ()
    checks: tuple[Check, ...] = ()
    verdict: str = ""
    reasons: tuple[str, ...] = ()
    context: Mapping[str, str] = field(default_factory=dict)

    def row(self, estimate: str, **labels: str) -> Row | None:
        """The one row with this estimate and these labels (scope, group, model …), or None."""
        return next(iter(self.select(estimate, **labels)), None)

    def select(self, estimate: str, **labels: str) -> tuple[Row, ...]:
        """Every row with this estimate and these labels, in order."""
        return tuple(
            row
            for row in self.rows
            if row.estimate == estimate and all(getattr(row, name) == value for name, value in labels.items())
        )


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is printed: cells are finished text, `numeric` names the columns set to the right.

    `source` says where its figures come from: OWN_RECORDS (the page names study and date), or a text, or nothing.
    """

    caption: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    numeric: tuple[str, ...] = ()
    note: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart: inline SVG whose title states the finding, and the alternative text made from the numbers."""

    title: str
    alt: str
    svg: str


@dataclass(frozen=True, slots=True)
class Section:
    """Detail a page folds away under `title`: sentences, charts and tables for those who want to look closer."""

    title: str
    sentences: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """An answer in words and pictures. The first sentence answers the question; `sections` are folded.

    `sure` says how sure the answer is; without it the page says what intervals and checks say in general.
    """

    title: str
    sentences: tuple[str, ...]
    badge: str = ""
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    caveats: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    sure: tuple[str, ...] = ()
