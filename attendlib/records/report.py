"""What leaves a kernel: the record beside the HTML, and what the header and the provenance say."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from attendlib.records.answer import Row, Status, Step, Table
from attendlib.records.study import Strict

RECORD_MIME = "application/vnd.attendlib.record+json"
HEADER_MIME = "application/vnd.attendlib.header+json"
PROVENANCE_MIME = "application/vnd.attendlib.provenance+json"
MIMES = (RECORD_MIME, HEADER_MIME, PROVENANCE_MIME)

Outcome = Status | Literal["failed", "timed_out", "over_memory", "quarantined", "not_run"]


class _FromKernel(Strict):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, serialize_by_alias=True, populate_by_name=True)


class Report(_FromKernel):
    """The record of one `al.show`: exactly one of a notebook's records is the headline.

    `title` is the page's finding, `sentences` the plain answer (the first is also the index's headline), `rows` go
    to results.csv, `tables` are those printed, `counts_lost` the pupils left out at each step.
    """

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    question: str
    headline: bool
    status: Status
    verdict: str = ""
    title: str
    sentences: Annotated[tuple[str, ...], Field(min_length=1)]
    next_steps: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    tables: tuple[Table, ...] = ()
    counts_lost: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()


class Header(_FromKernel):
    """What the top of a page says: whose page it is, which data, up to when, for whom."""

    school: str
    school_name: str
    study_title: str
    academic_year: str
    data_to: str
    audience: str


REPORT = TypeAdapter(Report)
