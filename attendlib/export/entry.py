"""What is known of one report once it was tried: the content of its sidecar, from which all summaries are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from attendlib.records.answer import Row
from attendlib.records.report import Outcome

FAILING: tuple[Outcome, ...] = ("failed", "timed_out", "over_memory", "quarantined")
STATUS_WORDS: Mapping[Outcome, str] = {
    "done": "Done",
    "too_few": "Too few pupils",
    "not_applicable": "Does not apply",
    "failed": "Failed",
    "timed_out": "Took too long",
    "over_memory": "Ran out of memory",
    "quarantined": "Held back: it would have shown what must stay private",
    "not_run": "Not run yet",
}


@dataclass(frozen=True, slots=True)
class Known:
    """One report but for its figures.

    `school` is a URN or `all`; `files` maps each file's name to its sha256, empty where none was made.

    `title`, `sentence` and `verdict` are the headline record's; `reason` says why there is no page; `stale` is set
    when the report was made from an earlier study, data or code; `left_out` counts a notebook's own outputs (prints,
    tables not from the library) that the page does not carry.
    """

    notebook: str
    school: str
    school_name: str
    question: str
    status: Outcome
    key: str = ""
    page_key: str = ""
    title: str = ""
    sentence: str = ""
    verdict: str = ""
    reason: str = ""
    left_out: int = 0
    seconds: float = 0.0
    stale: bool = False
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """The page's place under OUT, or nothing where there is none."""
        name = f"{self.notebook}.html"
        return f"{self.school}/{name}" if name in self.files else ""


@dataclass(frozen=True, slots=True)
class Entry(Known):
    """One report with its figures, which take most of the time that reading a sidecar takes."""

    rows: tuple[Row, ...] = ()
