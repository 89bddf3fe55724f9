"""Proves that written files hold no pupil's identifier or pseudonym, and no place on this machine."""

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHORTEST = 6  # a shorter identifier cannot be told from an ordinary number
_TOKEN = re.compile(r"\d+(?:\.\d+)+|\w+(?:-\w+)*")  # decimals stay whole: 12.345678 holds no pupil 345678
_JOINT = re.compile(r"[-_]")
_JSON = (".json", ".ipynb")


@dataclass(frozen=True, slots=True)
class Finding:
    """A file, by its place under the folder scanned, and what it holds; the identifier itself is never repeated."""

    file: str
    what: str
    count: int

    def __str__(self) -> str:
        return f"{self.file}: {self.count:,} {self.what}"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What no file may hold: casefolded identifiers of pupils, and a pattern for folders of this machine."""

    identifiers: frozenset[str]
    folders: re.Pattern[str] | None

    def findings(self, file: str, text: str) -> tuple[Finding, ...]:
        """What one file's text holds of them."""
        texts = list(_texts(file, text))
        pupils = sum(token in self.identifiers for part in texts for token in _tokens(part))
        folders = sum(len(self.folders.findall(part)) for part in texts) if self.folders else 0
        found = ((pupils, "pupil identifiers or pseudonyms"), (folders, "paths of this machine"))
        return tuple(Finding(file, what, count) for count, what in found if count)


def secrets(identifiers: Iterable[str], folders: Iterable[Path]) -> Secrets:
    """Identifiers of six characters or more, and folders other than a file system's root."""
    names = sorted({str(folder) for folder in folders if len(folder.parts) > 1})
    pattern = "|".join(re.escape(name) for name in names)
    return Secrets(
        frozenset(name.casefold() for name in identifiers if len(name) >= SHORTEST),
        re.compile(rf"(?<![\w<.-])(?:{pattern})(?![\w-])") if names else None,
    )


def scan(out: Path, forbidden: Secrets, only: Iterable[str] = ()) -> tuple[Finding, ...]:
    """Every finding in every file under `out`, or in those named, by file name."""
    names = sorted(only) or sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    found: list[Finding] = []
    for name in names:
        found += forbidden.findings(name, (out / name).read_text(encoding="utf-8", errors="replace"))
    return tuple(found)


def _texts(file: str, text: str) -> Iterator[str]:
    """The text as its reader sees it: JSON's values one by one, else the file with its entities as characters."""
    if file.endswith(_JSON):
        try:
            yield from (html.unescape(part) for part in _values(json.loads(text)))
            return
        except ValueError:
            pass
    yield html.unescape(text)


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *_values(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    else:
        yield str(value)


def _tokens(text: str) -> Iterator[str]:
    """Whole tokens, and the parts of those joined by hyphens or underscores."""
    for match in _TOKEN.finditer(text.casefold()):
        token = match.group()
        parts = _JOINT.split(token)
        yield from (token, *parts) if len(parts) > 1 else parts
