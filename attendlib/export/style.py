"""Where the templates are, and the one stylesheet of pages and index alike."""

from functools import cache
from pathlib import Path

TEMPLATES = Path(__file__).parent / "template"


@cache
def page_css() -> str:
    """The stylesheet's text, written into every page."""
    return (TEMPLATES / "attendlib" / "page.css").read_text(encoding="utf-8").strip()
