"""Proves that written files hold no pupil's identifier, pseudonym or name, no place on this machine and no credential.

Every byte is looked at: text and attributes of HTML and SVG, values and keys of JSON, cells of CSV, what `data:` links
hold, and the text of PDF files.
"""

import base64
import binascii
import contextlib
import html
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from attendlib.export.pdf import pdf_text

_KINDS = (
    _PUPILS := "pupil identifiers or pseudonyms",
    _NAMES := "pupils' full names",
    _NUMBERS := "strings shaped like a unique pupil number",
    _PATHS := "paths of this machine",
    _KEYS := "credentials",
)
SHORTEST = 6  # a shorter identifier cannot be told from an ordinary number …
SHORTEST_MIXED = 4  # … unless it mixes letters and digits; shorter ones (h2, y7, ks2) are words of any page
_TOKEN = re.compile(r"\d+(?:\.\d+)+|\w+(?:-\w+)*")  # decimals stay whole: 12.345678 holds no pupil 345678
_JOINT = re.compile(r"[-_]")
_LONG = re.compile(rf"[^\W_]{{{SHORTEST_MIXED},}}")  # words with none of the marks that a token may hold
_AFTER_DECIMAL = re.compile(r"\.\d+([^\W\d_][^\W_]+)")  # a token of its own: 3.5ab1234 is 3.5 and ab1234
_MANY_DIGITS = re.compile(r"[^\W\d_]\d{11}")  # as a unique pupil number has, 13 characters long
_JSON = (".json", ".ipynb")
_DATA = re.compile(r"data:[\w/+.-]*((?:;[\w=-]+)*),([^\"'<>\s)]+)", re.IGNORECASE)
_INLINE = re.compile(r"</?(?i:a|abbr|b|code|em|i|mark|small|span|strong|sub|sup|tspan|u|wbr)\b[^>]*>")
_WORD_CHARACTER = re.compile(r"\w")
_UPN = re.compile(r"(?<![\w.])[A-HJ-NP-RT-Z]\d{11}[\dA-HJ-NP-RT-Z](?!\w)", re.IGNORECASE)
_HOMES = (
    r"(?<![\w<.-])/(?:home|Users|root|srv|mnt|media|opt|var|tmp)/[\w.-]+|(?<![\w~/.])~/[\w.]"
    r"|\b[A-Za-z]:\\+(?![nrt]\b)\w|(?<![\w:\\])\\{2,4}[A-Za-z0-9][\w.-]+\\{1,2}[\w$.-]{2,}|\bfile://+\w"
)
_CREDENTIALS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abp]-[\w-]{10,}"
    r"|\b[a-z][a-z+]*://[^/\s:@\"'<>]+:[^/\s:@\"'<>]+@"
    r"|(?ai:\b(?:password|passwd|api[_-]?key|access[_-]?token|secret[_-]?key)\b[\"']?\s*[=:]\s*[\"']?[^\s\"'<]{6,})"
)
# What each pattern cannot do without, in lower case and without a space: found in a hundredth of the patterns' time.
_HINTS = ("-----begin", "akia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xox", "password", "passwd",
          *(f"{one}{mark}{two}" for one, two in (("api", "key"), ("access", "token"), ("secret", "key"))
            for mark in ("", "_", "-")))  # fmt: skip
_LOGIN = re.compile(r"://[^/\s:@\"'<>]+:")  # what a login in an address begins with
_HOME_HINTS = ("/home/", "/users/", "/root/", "/srv/", "/mnt/", "/media/", "/opt/", "/var/", "/tmp/", "~/", ":\\",
               "\\\\", "file:/")  # fmt: skip
_BREAK = "\n\n"  # between parts of a file: nothing looked for goes across


@dataclass(frozen=True, slots=True)
class Finding:
    """A file, by its place under the folder scanned, and what it holds; the identifier itself is never repeated."""

    file: str
    what: str
    count: int

    def __str__(self) -> str:
        return f"{self.file}: {self.count:,} {self.what}"


@dataclass(frozen=True, slots=True)
class Several:
    """An identifier that is not one token: its words in order, and a pattern where those alone could be any numbers."""

    words: tuple[str, ...]
    written: str = ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What no file may hold: identifiers of one token, a pattern of folders, full names as words, either way round,
    and identifiers of several words (or with marks) by their first word. All as `_folded` has them, but `places`, the
    folders themselves as they are written."""

    identifiers: frozenset[str]
    folders: re.Pattern[str] | None
    names: frozenset[tuple[str, ...]] = frozenset()
    several: Mapping[str, tuple["Several", ...]] = field(default_factory=dict)
    places: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many identifiers are looked for."""
        return len(self.identifiers) + sum(map(len, self.several.values()))

    def findings(self, file: str, text: str) -> tuple[Finding, ...]:
        """What one file's text holds of them."""
        return self.findings_in({file: text})

    def findings_in(self, texts: Mapping[str, str]) -> tuple[Finding, ...]:
        """What several files' texts, by their names, hold of them; looked at together first, for they say the same."""
        parts = {file: Counter(_parts(file, text)) for file, text in texts.items()}  # rows say the same again and again
        if not self._may_hold(_BREAK.join(text for each in parts.values() for text in _seen_at_once(each))):
            return ()
        return tuple(finding for file, each in parts.items() for finding in self._found(file, each))

    def _found(self, file: str, parts: Counter[str]) -> tuple[Finding, ...]:
        found: Counter[str] = Counter()
        for part, times in parts.items():
            for seen in _seen(html.unescape(part)):
                for what, count in self._held(seen):
                    found[what] += times * count
        return tuple(Finding(file, what, found[what]) for what in _KINDS if found[what])

    def _may_hold(self, text: str) -> bool:
        """Whether a text must be looked at part by part. Never False of one that holds something: one look at each word
        takes a tenth of the time of all patterns, and nearly every text is free of them."""
        folded = _folded(" ".join({*text.split()}))  # a drawing says the same again and again
        words = {*_LONG.findall(folded), *_AFTER_DECIMAL.findall(folded)}
        return (
            not words.isdisjoint(self.identifiers)
            or (_marked(self.identifiers) and not self.identifiers.isdisjoint(_tokens(folded)))
            or any(len(word) > 12 and _MANY_DIGITS.search(word) for word in words)
            or any(place in text for place in self.places)
            or any(hint in folded for hint in (*_HOME_HINTS, *_HINTS))
            or _LOGIN.search(folded) is not None
            or (bool(self.several) and _several(_folded(text), self.several) > 0)
            or (bool(self.names) and _named(_folded(text), self.names) > 0)
        )

    def _held(self, text: str) -> Iterator[tuple[str, int]]:
        folded = _folded(text)
        single = sum(token in self.identifiers for token in _tokens(folded))
        yield _PUPILS, single + (_several(folded, self.several) if self.several else 0)
        yield _NAMES, _named(folded, self.names) if self.names else 0
        yield _NUMBERS, len(_UPN.findall(text))
        yield _PATHS, len(self.folders.findall(text)) if self.folders else 0
        yield _KEYS, len(_CREDENTIALS.findall(text))


def secrets(
    identifiers: Iterable[str], folders: Iterable[Path], names: Iterable[tuple[str, str]] = ()
) -> Secrets:  # fmt: skip
    """Identifiers of six characters or more, or of four or more that mix letters and digits; folders other than a file
    system's root; full names as (forename, surname). Numbers shaped like a UPN, home folders and credentials are always
    looked for."""
    places = sorted({str(folder) for folder in folders if len(folder.parts) > 1}, key=len, reverse=True)
    named = rf"(?<![\w<.-])(?:{'|'.join(re.escape(place) for place in places)})(?![\w-])|" if places else ""
    orders = [(f"{first} {last}", f"{last} {first}") for first, last in names if first and last]
    words = {tuple(_WORD.findall(_folded(order))) for both in orders for order in both}
    known = {folded for name in identifiers if _can_be_told(folded := _folded(name).strip())}
    single = {name for name in known if _TOKEN.fullmatch(name)}
    several: dict[str, tuple[Several, ...]] = {}
    for name in sorted(known - single):
        if parts := _PART.findall(name):
            several[parts[0]] = (*several.get(parts[0], ()), _as_several(name, tuple(parts)))
    return Secrets(frozenset(single), re.compile(named + _HOMES), frozenset(words), several, tuple(places))


def scan(out: Path, forbidden: Secrets, only: Iterable[str] = ()) -> tuple[Finding, ...]:
    """Every finding in every file under `out`, or in those named, by file name."""
    names = sorted(only) or sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    found: list[Finding] = []
    for name in names:
        found += forbidden.findings(name, _read(out / name))
    return tuple(found)


_WORD = re.compile(r"[^\W\d_]+")
_PART = re.compile(r"[^\W_]+")


def _folded(text: str) -> str:
    """The text without regard to case, each accented letter as one character: what looks alike is alike."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _as_several(name: str, words: tuple[str, ...]) -> Several:
    """Few characters, or digits alone, are looked for as written: 12/34/56 is not the numbers 12, 34 and 56."""
    joined = "".join(words)
    if len(joined) >= SHORTEST and any(letter.isalpha() for letter in joined):
        return Several(words)
    written = r"\s+".join(map(re.escape, name.split()))
    return Several(words, rf"(?<![\w.]){written}(?!\w)")


def _several(text: str, wanted: Mapping[str, tuple[Several, ...]]) -> int:
    """How often identifiers of several words stand in a folded text."""
    words = _PART.findall(text)
    found, as_written = 0, set()
    for place, word in enumerate(words):
        for each in wanted.get(word, ()):
            if tuple(words[place : place + len(each.words)]) != each.words:
                continue
            found += not each.written
            if each.written:
                as_written.add(each.written)
    return found + sum(len(re.findall(pattern, text)) for pattern in as_written)


def _can_be_told(name: str) -> bool:
    return len(name) >= SHORTEST or (
        len(name) >= SHORTEST_MIXED and any(map(str.isdigit, name)) and any(map(str.isalpha, name))
    )


def _read(path: Path) -> str:
    data = path.read_bytes()
    return pdf_text(data) if data.startswith(b"%PDF-") else data.decode("utf-8", errors="replace")


def _named(text: str, names: frozenset[tuple[str, ...]]) -> int:
    """How many of the names stand in the folded text."""
    words = _WORD.findall(text)
    read = (tuple(words[at : at + long]) for long in _lengths(names) for at in range(len(words) - long + 1))
    return len(names.intersection(read))


@cache
def _marked(identifiers: frozenset[str]) -> bool:
    """Whether some have a mark inside, which ordinary words do not: found once, not for every text."""
    return not all(map(str.isalnum, identifiers))


@cache
def _lengths(names: frozenset[tuple[str, ...]]) -> frozenset[int]:
    """How many words names have: found once, not for every text."""
    return frozenset(map(len, names))


def _seen(part: str) -> Iterator[str]:
    """A text as its reader sees it, then what it hides in links and between marks."""
    yield part
    if joined := _joined(part):
        yield joined
    for kind, data in _DATA.findall(part):
        yield _unpacked(kind, data)


def _seen_at_once(parts: Iterable[str]) -> Iterator[str]:
    """The same of many parts together, but for marks: one left open in a part would reach into the next."""
    whole = html.unescape(_BREAK.join(parts))
    yield whole
    yield _BREAK.join(_joined(html.unescape(part)) for part in parts if "<" in part or "&" in part)
    for kind, data in _DATA.findall(whole):
        yield _unpacked(kind, data)


def _parts(file: str, text: str) -> list[str]:
    """The whole of a file's text; of JSON, its keys and values one by one."""
    if file.endswith(_JSON):
        with contextlib.suppress(ValueError):
            return _values(json.loads(text))
    return [text]


def _joined(text: str) -> str:
    """The text without marks inside words, where taking them away joins two parts of one: A12<b>34</b>."""
    return _INLINE.sub("", text) if any(_touches(text, mark) for mark in _INLINE.finditer(text)) else ""


def _touches(text: str, mark: re.Match[str]) -> bool:
    """Whether a mark stands between two characters of words."""
    before, after = text[max(mark.start() - 1, 0) : mark.start()], text[mark.end() : mark.end() + 1]
    return bool(_WORD_CHARACTER.match(before) and _WORD_CHARACTER.match(after))


def _unpacked(kind: str, data: str) -> str:
    plain = unquote_to_bytes(data)
    if "base64" in kind.lower():
        with contextlib.suppress(binascii.Error, ValueError):
            plain = base64.b64decode(plain + b"=" * (-len(plain) % 4))
    return plain.decode("utf-8", errors="replace")


def _values(value: Any) -> list[str]:
    """Every key and value of a JSON document, in no order."""
    found: list[str] = []
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            found += each
            left += each.values()
        elif isinstance(each, list):
            left += each
        else:
            found.append(str(each))
    return found


def _tokens(text: str) -> Iterator[str]:
    """Whole tokens of a folded text, and the parts of those joined by hyphens or underscores."""
    for token in _TOKEN.findall(text):
        yield token
        if "-" in token or "_" in token:
            yield from _JOINT.split(token)
