"""Pages as PDF: written by headless Chromium, and read back as text so that a scan sees what a reader sees."""

import re
import shutil
import subprocess
import tempfile
import unicodedata
import zlib
from collections.abc import Iterator
from pathlib import Path

from attendlib.errors import ReportError

SECONDS = 60
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--no-pdf-header-footer",
)  # fmt: skip
_WIDEST = 0.66  # of a letter's height: the usual width of a digit or letter, with something to spare
_STREAM = re.compile(rb"(\d+) 0 obj\b(?:(?!endobj).)*?stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_UNICODE = re.compile(rb"(\d+) 0 obj\b(?:(?!endobj).)*?/ToUnicode (\d+) 0 R", re.DOTALL)
_NAMED = re.compile(rb"/(F\d+) (\d+) 0 R")
_HEX = re.compile(rb"<([0-9A-Fa-f\s]+)>")
_RANGES = re.compile(rb"beginbf(char|range)(.*?)endbf", re.DOTALL)
_NUMBER = rb"(-?[\d.]+)"
_MARKS = re.compile(
    rb"/ActualText ?(?:<[^>]*>|\((?:\\.|[^\\()])*\))"  # what the glyphs after it say: they are read themselves
    rb"|/(F\d+) " + _NUMBER + rb" Tf|" + _NUMBER + rb" " + _NUMBER + rb" (T[md])\b"
    rb"|<([0-9A-Fa-f\s]+)>|\(((?:\\.|[^\\()])*)\)",
    re.DOTALL,
)  # fmt: skip


def find_chromium() -> str | None:
    """Where Chromium or a browser of its kind is, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def write_pdf(page: Path, pdf: Path) -> None:
    """Prints an HTML page to A4. Raises ReportError where Chromium is missing or cannot."""
    program = find_chromium()
    if program is None:
        raise ReportError("A PDF needs Chromium, which is not installed here. On Debian: sudo apt install chromium")
    with tempfile.TemporaryDirectory() as profile:
        command = [program, *_FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={pdf}", page.resolve().as_uri()]
        try:
            ran = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise ReportError(f"Chromium took more than {SECONDS} seconds to print a page.") from None
    if ran.returncode or not pdf.is_file():
        raise ReportError("Chromium could not print the page.")


def pdf_text(data: bytes) -> str:
    """The text of a PDF: each string as the font it is set in reads it, and all bytes, streams unpacked.

    Where a font cannot be found the string is read by every font of the file: too much text rather than too little.
    """
    streams = {int(number): _inflated(body) for number, body in _STREAM.findall(data)}
    tables = {number: table for number, stream in streams.items() if (table := _font_table(stream))}
    fonts = {name: tables[at] for name, at in _fonts(data) if at in tables}
    texts = [_shown(stream, fonts, list(tables.values())) for stream in streams.values() if b"BT" in stream]
    rest = _STREAM.sub(b"", data)
    return "\n".join([*texts, *(stream.decode("latin-1") for stream in (*streams.values(), rest))])


def _fonts(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Each font's name as pages use it, and the object that holds its table."""
    holds = {font: int(table) for font, table in _UNICODE.findall(data)}
    for name, font in _NAMED.findall(data):
        if font in holds:
            yield name, holds[font]


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return stream


def _font_table(stream: bytes) -> dict[int, str]:
    """Glyph to text, from a font's ToUnicode table."""
    table: dict[int, str] = {}
    for kind, body in _RANGES.findall(stream):
        codes = [re.sub(rb"\s", b"", found) for found in _HEX.findall(body)]
        step = 2 if kind == b"char" else 3
        for at in range(0, len(codes) - step + 1, step):
            first, last, text = codes[at], codes[at + step - 2], codes[at + step - 1]
            for shift, glyph in enumerate(range(int(first, 16), int(last, 16) + 1)):
                table[glyph] = _characters(text, shift)
    return table


def _characters(code: bytes, shift: int) -> str:
    text = bytes.fromhex(code.decode()).decode("utf-16-be", errors="replace")
    said = text[:-1] + chr(ord(text[-1]) + shift) if text else ""
    return unicodedata.normalize("NFKC", said)  # ﬃ, one glyph, is three letters


def _shown(stream: bytes, fonts: dict[bytes, dict[int, str]], every: list[dict[int, str]]) -> str:
    """The strings a page shows, one a line, then again with those joined that touch: a word may be shown in parts."""
    runs: list[str] = []
    joined: list[str] = []
    tables, size, x, y, end, line = every, 1.0, 0.0, 0.0, 0.0, 0.0
    for name, points, first, second, move, code, plain in _MARKS.findall(stream):
        if name:
            tables, size = [fonts[name]] if name in fonts else every, float(points)
        elif move:
            x, y = (x + float(first), y + float(second)) if move == b"Td" else (float(first), float(second))
        elif code or plain:
            said = "".join(_read(code, table) for table in tables) if code else plain.decode("latin-1")
            runs.append(said)
            joined.append(said if y == line and x < end else f"\n{said}")
            end, line = x + _WIDEST * size * len(said), y
    return "\n".join(runs) + "\n" + "".join(joined)


def _read(code: bytes, font: dict[int, str]) -> str:
    digits = re.sub(rb"\s", b"", code).decode()
    return "".join(font.get(int(digits[at : at + 4], 16), "") for at in range(0, len(digits), 4))
