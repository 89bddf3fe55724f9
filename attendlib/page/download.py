"""A table's CSV inside the page itself: a `data:` link, so that nothing is fetched and nothing lies beside the page."""

import csv
import io
from html import escape
from urllib.parse import quote

from attendlib.records.answer import Table

_FORMULA = ("=", "+", "@", "\t", "\r")  # a spreadsheet would run what begins so
_MINUS = "−"


def csv_text(table: Table) -> str:
    """The table as CSV: its columns, its cells as printed, an ASCII minus before figures, no cell a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_safe(column) for column in table.columns])
    for cells in table.cells:
        writer.writerow([_safe(cells[0]), *(_safe(cell) for cell in cells[1:])])
    return out.getvalue()


def csv_link(table: Table, name: str) -> str:
    """A link that saves the table as `name`.csv, in UTF-8 with the mark spreadsheets look for."""
    data = quote("\ufeff" + csv_text(table), safe="")
    return (
        f' <a class="csv" download="{escape(name)}.csv" href="data:text/csv;charset=utf-8,{data}">Download as CSV'
        f'<span class="hidden">: {escape(table.caption)}</span></a>'
    )


def _safe(cell: str) -> str:
    text = cell.replace(_MINUS, "-") if _figure(cell) else cell
    return f"'{text}" if text.startswith(_FORMULA) or (text.startswith("-") and not _figure(cell)) else text


def _figure(cell: str) -> bool:
    return cell[:1] == _MINUS and cell[1:].replace(".", "", 1).replace(",", "").isdigit()
