"""Earlier studies' results, as each was sent: one file of published, gated figures, whatever they say.

The files come from others. Every text taken from one is checked against what it may be, every number is finite, and a
file that cannot be used is refused by name before anything is run.
"""

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

from attendlib.errors import Problem, StudyError
from attendlib.intake.study import StudyFile
from attendlib.records.answer import NOT_AVAILABLE, Row

FILE = "results.csv"
NOTEBOOK: Final = "intervention_impact"
SCOPE: Final = "all"
UNIT = "days a year"
VERDICTS = ("Clear benefit", "Probably helped", "Probably no useful difference", "May have done harm", "Cannot tell")
_COLUMNS = {"study", "scope", "notebook", "estimate", "outcome", "group", "period", "model", "value", "low", "high",
            "se", "df", "confidence_pct", "unit", "n", "n_groups", "withheld", "method"}  # fmt: skip
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_NAME = re.compile(r"[\w .,:;&+'()-]{1,120}")
_DAY = r"\d{1,2} [A-Z][a-z]{2,8} \d{4}"
_DATES = re.compile(rf"{_DAY} to {_DAY}|each (?:study|school)'s own dates")  # the latter of several put together
_AGAIN = "Ask for the file `attend run` writes, as it is; with an older attendlib, run the study again."
NAMELESS = "study"  # how a file is labelled whose own name may say more than a reader should know
AWAITED = "awaited"  # of a plan frozen before a study sent its file
Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class Earlier:
    """One study's page of all schools: its main and check difference (days a year, fewer positive), or why it has none.

    `main` is None where no figure is published: `withheld` then is c (small numbers) or x (none was made). `delta` is
    the study's own smallest worthwhile difference, `failed` how many of its own checks failed.
    """

    study: str
    main: Row | None = None
    check: Row | None = None
    intervention: str = ""
    delta: float | None = None
    failed: int = 0
    verdict: str = ""
    withheld: str = ""


class _Unusable(Exception):
    """What is wrong with a file, and what to do about it."""


def earlier_studies(study_file: StudyFile) -> tuple[Earlier, ...]:
    """Every study that `studies` names, in order. Raises StudyError listing each file that cannot be put together."""
    found: list[Earlier] = []
    problems: list[Problem] = []
    for place, path in enumerate(study_file.results, 1):
        try:
            found.append(_earlier(_rows(path)))
        except _Unusable as error:
            problems.append(Problem(f"studies, entry {place} ({_label(path, place)})", str(error), _AGAIN))
    names = [study_file.study.study, *(each.study for each in found)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        what = f"the study {', '.join(twice)} would be counted twice, or is this one"
        problems.append(Problem("studies", what, "Name each study once; two that share a name must be told apart."))
    if problems:
        raise StudyError(problems)
    return tuple(found)


def earlier_digest(study_file: StudyFile) -> str:
    """sha256 of the earlier studies' files, in order, once they are known to be usable; nothing where none is named.

    Raises StudyError as `earlier_studies`.
    """
    if not study_file.results:
        return ""
    earlier_studies(study_file)
    each = (hashlib.sha256(path.read_bytes()).digest() for path in study_file.results)
    return hashlib.sha256(b"".join(each)).hexdigest()


def earlier_files(study_file: StudyFile) -> dict[str, str]:
    """The sha256 of each earlier study's file by its label, in order; AWAITED where there is none yet.

    Of a label that several share, all but the first are numbered by their place in the study file: `shared_label`.
    """
    found: dict[str, str] = {}
    for place, path in enumerate(study_file.results, 1):
        label = _label(path, place)
        name = f"{label}, entry {place}" if label in found else label
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else AWAITED
    return found


def shared_label(name: str) -> str:
    """The label of a name that `earlier_files` gives, without its number: what does not change with the order."""
    label = name.partition(", entry ")[0]
    return label if _may_be_shown(label) else NAMELESS


def _label(path: Path, place: int) -> str:
    """The name a reader knows the file by: its folder's where it is called results.csv. Never a path.

    Only what could name a study: another name, which may be a person's, gives way to its place.
    """
    label = path.parent.name if path.name == FILE else path.name
    return label if _may_be_shown(label) else f"{NAMELESS} {place}"


def _may_be_shown(label: str) -> bool:
    return _SLUG.fullmatch(label.removesuffix(".csv")) is not None


def _rows(path: Path) -> list[Cells]:
    if not path.is_file():
        raise _Unusable(f"there is no such file ({FILE} of that folder)")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not set(reader.fieldnames or ()) >= _COLUMNS:
                raise _Unusable("not a file of attendlib's results: columns are missing")
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error):
        raise _Unusable("not a file of attendlib's results: it cannot be read as CSV") from None
    if any(None in row or None in row.values() for row in rows):
        raise _Unusable("not a file of attendlib's results: a line has more or fewer cells than the header")
    return rows


def _earlier(rows: Sequence[Cells]) -> Earlier:
    names = {row["study"] for row in rows}
    if len(names) != 1 or not _SLUG.fullmatch(name := next(iter(names))):
        raise _Unusable(f"it must hold the results of one study, and holds those of {len(names)}")
    own = [row for row in rows if (row["notebook"], row["scope"]) == (NOTEBOOK, SCOPE)]
    asked = {row["group"]: row for row in own if row["estimate"] == "decides"}
    if not own:
        return Earlier(name, withheld=NOT_AVAILABLE)
    if "as=main" not in asked:
        raise _Unusable("it does not say which estimate decides")
    first = asked["as=main"]
    if first["withheld"]:
        return Earlier(name, withheld="c")
    rest = {"intervention": _text(first["method"]), "delta": _number(first, "value"), "verdict": _verdict(own)}
    main = _difference(own, first["model"])
    check = _difference(own, asked["as=check"]["model"]) if "as=check" in asked else None
    marks = [row.withheld for row in (main, check) if row is not None and row.withheld]
    if marks:
        return Earlier(name, withheld=marks[0], **rest)  # type: ignore[arg-type]
    return Earlier(name, main, check, failed=_failed(own), **rest)  # type: ignore[arg-type]


def _difference(rows: Sequence[Cells], model: str) -> Row:
    """The difference in days a year by `model`, or its withheld row."""
    of_model = [row for row in rows if row["model"] == model and not row["group"]]
    found = [row for row in of_model if row["estimate"] == "days_fewer" and row["outcome"] == "absence"]
    if len(found) != 1 or found[0]["unit"] != UNIT:
        raise _Unusable(f"its difference in absence is not in {UNIT}: the outcome is too short for a year, or another")
    row = found[0]
    if row["withheld"]:
        return Row("days_fewer", SCOPE, withheld="c" if row["withheld"] == "c" else NOT_AVAILABLE)
    value, low, high, se = (_number(row, name) for name in ("value", "low", "high", "se"))
    df = _number(row, "df") if row["df"] else None  # none published is few: what is put together says so
    n, period, groups = _number(row, "n"), _text(row["period"], _DATES), row["n_groups"] and _number(row, "n_groups")
    if se <= 0 or n < 1:
        raise _Unusable("its difference has no standard error, or is of nobody")
    if not low <= value <= high:
        raise _Unusable("its difference lies outside its own interval")
    return Row(
        "days_fewer", SCOPE, outcome="absence", period=period, value=value, low=low, high=high, se=se, df=df,
        confidence_pct=_number(row, "confidence_pct"), unit=UNIT, n=int(n), n_groups=int(groups) if groups else None,
        method="as published",
    )  # fmt: skip


def _number(row: Cells, name: str) -> float:
    try:
        value = float(row[name])
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise _Unusable(f"`{name}` of its {row['estimate']} is not a number")
    return value


def _text(text: str, kind: re.Pattern[str] = _NAME) -> str:
    if not kind.fullmatch(text):
        raise _Unusable("a name or date in it is not one attendlib writes")
    return text


def _verdict(rows: Sequence[Cells]) -> str:
    said = next((row["method"] for row in rows if row["estimate"] == "verdict"), "")
    if said not in VERDICTS:
        raise _Unusable("it holds no verdict")
    return said


def _failed(rows: Sequence[Cells]) -> int:
    found = [row for row in rows if row["estimate"] == "checks_failed"]
    if len(found) != 1:
        raise _Unusable("it does not say how many of its checks failed")
    return int(_number(found[0], "value"))
