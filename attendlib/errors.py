"""What can go wrong, in the reader's words: each message names the file, the column, the count and the remedy."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a study or its data. `where` is a file's name, never a path; `count` is rows."""

    where: str
    what: str
    remedy: str
    column: str = ""
    count: int | None = None

    def __str__(self) -> str:
        place = f"{self.where}, column {self.column}" if self.column else self.where
        count = "" if self.count is None else f"{self.count:,} row{'' if self.count == 1 else 's'}: "
        return f"{place}: {count}{self.what}. {self.remedy}"


class AttendError(Exception):
    """The base of every error attendlib raises on purpose; its text is safe to print on a page."""


class ProblemsError(AttendError):
    """One or more problems found before anything was run; `problems` lists them all."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type["ProblemsError"], tuple[tuple[Problem, ...]]]:
        """Copied with its problems, where another process hears of it."""
        return type(self), (self.problems,)


class StudyError(ProblemsError):
    """The study file is wrong: an unknown key, a value out of range, a school the data do not have."""


class DataError(ProblemsError):
    """The data are wrong: a missing table, a code that does not exist, duplicate pupils."""


class QuestionError(AttendError):
    """A question was asked in a way it cannot be answered; raised inside a notebook, shown by the index."""


class ReportError(AttendError):
    """A notebook did not hand back exactly one headline record of the agreed form."""
