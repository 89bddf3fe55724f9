"""Each notebook's own page, made of the synthetic trust: strict HTML, no word of cause, no fault in the browser."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import html5lib
import invented
import nbformat
import pytest
from axe import faults_of
from trust import Trust

from attendlib.export.cells import tags
from attendlib.export.page import page_html
from attendlib.intake.load import STUDY_VARIABLE
from attendlib.page import show
from attendlib.words.rule import causal_words

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def page_of(name: str, school: str) -> str:
    """The page a notebook makes for a school: its cells are run here, what they display is kept."""
    cells: list[Any] = []
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patched:
        for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells:
            if cell.cell_type == "markdown":
                cells.append(cell.source)
                continue
            kept: list[Any] = []
            patched.setattr(show, "display", lambda data, raw, kept=kept: kept.append(data))
            exec(cell.source, names)
            if "parameters" in tags(cell):
                names["school"] = school
            cells.append(kept)
    return page_html(invented.notebook(cells), name, school, "A school")


@pytest.mark.parametrize(
    ("name", "school"),
    [("attainment_link", "999005"), ("attainment_link", "999001"), ("transition_dip", "999005"),
     ("intervention_impact", "999005"), ("intervention_impact", "all")],
)  # fmt: skip
def test_the_page_of_a_notebook(
    browser: Any, trust: Trust, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, school: str
) -> None:
    monkeypatch.setenv(STUDY_VARIABLE, str(trust.study))
    text = page_of(name, school)
    parsed = html5lib.HTMLParser(strict=True).parse(text)
    ids = Counter(element.get("id") for element in parsed.iter() if element.get("id"))
    assert [each for each, count in ids.items() if count > 1] == []
    alts = [e.get("aria-label") for e in parsed.iter() if str(e.tag).endswith("}svg")]
    assert len(alts) == len(set(alts))
    assert all(alt and (re.search(r"\d", alt) or "withheld" in alt.lower()) for alt in alts)
    assert causal_words(" ".join(parsed.itertext())) == ()
    assert len(text.encode()) < 200_000
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    for size, colours in (({"width": 1280, "height": 900}, "light"), ({"width": 320, "height": 640}, "dark")):
        page = browser.new_page(viewport=size, color_scheme=colours)
        page.goto((tmp_path / "page.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        assert faults_of(page) == {}
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        page.close()
