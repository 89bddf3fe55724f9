"""Pages as PDF beside them, printed after a run and looked over as the pages were."""

from collections.abc import Iterable
from pathlib import Path

from attendlib.errors import ReportError
from attendlib.export.entry import Known
from attendlib.export.pdf import find_chromium, pdf_text, write_pdf
from attendlib.runner.identifiers import forbidden
from attendlib.runner.plan import Plan

MISSING = "The pages are there, their PDF files are not: that needs Chromium or Chrome, which was not found."


def print_pages(plan: Plan, entries: Iterable[Known], out: Path) -> list[str]:
    """Prints each page that has no PDF yet; returns a line for each that has none now, or one where none can be made.

    A report that is made anew loses its PDF first, so one that is there is its page's.
    """
    pages = [(entry, out / entry.page) for entry in entries if entry.page]
    wanted = [(entry, page) for entry, page in pages if not page.with_suffix(".pdf").exists()]
    if not wanted:
        return []
    if find_chromium() is None:
        return [MISSING]
    secrets, said = forbidden(plan.study_file, out), []
    for entry, page in wanted:
        pdf = page.with_suffix(".pdf")
        try:
            write_pdf(page, pdf)
            findings = secrets.findings(pdf.name, pdf_text(pdf.read_bytes()))
        except ReportError as error:
            findings = ()
            said.append(f"{entry.school} {entry.notebook}: {error}")
        if findings:
            pdf.unlink()
            said += [f"Removed, it must not be shared: {entry.school}/{finding}" for finding in findings]
    return said
