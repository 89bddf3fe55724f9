"""What a row of each table in the tidy folder is, and each column's kind and meaning."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "number", "date", "flag", "academic_year"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `flag` is 0 or 1; `allowed` lists the only values a text column may hold."""

    name: str
    kind: Kind = "text"
    required: bool = True
    may_be_empty: bool = False
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what a row is, the columns that together name it (`key`), and its columns in order."""

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)


def _also(name: str, kind: Kind = "text", allowed: tuple[str, ...] = ()) -> Column:
    return Column(name, kind, required=False, may_be_empty=True, allowed=allowed)


_PHASES = ("primary", "secondary", "all-through", "special", "alternative")
_STATUSES = ("eligible", "referred", "started", "finished", "left")
_YEAR = Column("academic_year", "academic_year")
_SESSIONS = (
    "late_before", "late_after", "illness", "offsite", "holiday", "unresolved", "no_mark", "not_possible", "spells",
)  # fmt: skip

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "schools", "a school", ("school",),
            (Column("school"), Column("name"), Column("phase", allowed=_PHASES), _also("local_authority"),
             _also("region"), _also("trust"), _also("hub"), _also("joined_hub", "date")),
        ),
        Table(
            "pupils", "a pupil enrolled in a school in an academic year", ("pupil", "school", "academic_year"),
            (Column("pupil"), Column("school"), _YEAR, Column("year_group", "integer"), _also("sex"),
             _also("fsm", "flag"), _also("fsm6", "flag"), _also("sen", allowed=("N", "K", "E")), _also("eal", "flag"),
             _also("ethnicity"), _also("idaci", "number"), _also("birth_month", "integer"), _also("entry_date", "date"),
             _also("leaving_date", "date"), _also("enrolment", allowed=("main", "subsidiary")),
             _also("first_choice", "flag"), _also("previous_school"), _also("class"), _also("household")),
        ),
        Table(
            "marks", "a pupil's session", ("pupil", "school", "date", "session"),
            (Column("pupil"), Column("school"), Column("date", "date"), Column("session", allowed=("AM", "PM")),
             Column("code", may_be_empty=True)),
        ),
        Table(
            "attendance", "a pupil's period in a school", ("pupil", "school", "academic_year", "period"),
            (Column("pupil"), Column("school"), _YEAR, Column("period"), Column("possible", "integer"),
             Column("authorised", "integer"), Column("unauthorised", "integer"),
             *(_also(name, "integer") for name in _SESSIONS), _also("first_date", "date"), _also("last_date", "date")),
        ),
        Table(
            "attainment", "a result", ("pupil", "academic_year", "measure"),
            (Column("pupil"), _YEAR, Column("measure"), Column("value", "number", may_be_empty=True),
             _also("date", "date"), _also("school"), _also("reason")),
        ),
        Table(
            "interventions", "a pupil, a year group or a school receiving something",
            ("intervention", "school", "pupil", "year_group"),
            (Column("intervention"), Column("school"), _also("pupil"), _also("year_group", "integer"),
             Column("start_date", "date", may_be_empty=True), _also("referred_date", "date"), _also("end_date", "date"),
             _also("end_reason"), _also("status", allowed=_STATUSES), _also("dose", "number")),
        ),
        Table(
            "allocation", "a pupil randomised", ("trial", "pupil"),
            (Column("trial"), Column("pupil"), Column("school"), Column("arm"), _also("block"), _also("cluster"),
             _also("randomised_on", "date"), _also("list_order", "integer")),
        ),
        Table(
            "calendar", "a half-term", ("school", "academic_year", "half_term"),
            (_YEAR, Column("half_term", "integer"), Column("start_date", "date"), Column("end_date", "date"),
             _also("school")),
        ),
        Table(
            "closures", "a day that does not count", ("school", "date"),
            (Column("date", "date"), Column("reason"), _also("school")),
        ),
    )
}  # fmt: skip
