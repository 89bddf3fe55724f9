"""The page and the index are valid, self-contained and accessible in the ways a program can tell."""

import itertools
import re
from collections import Counter
from xml.etree.ElementTree import Element

import html5lib
import pytest

from attendlib.export.entry import Entry
from attendlib.export.index import index_html
from attendlib.export.page import page_html
from attendlib.export.style import page_css
from attendlib.records.report import HEADER_MIME, PROVENANCE_MIME, RECORD_MIME
from attendlib.records.study import Study

H = "{http://www.w3.org/1999/xhtml}"
CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
RECORD = {
    "schema": 1,
    "question": "attainment_link",
    "headline": True,
    "status": "done",
    "verdict": "Clear link",
    "title": "Results & <attendance>",
    "sentences": ["First & foremost.", "Second."],
    "next_steps": ["Look at <who>."],
    "rows": [],
}
FRAGMENT = (
    "<h3>Results &amp; more</h3><p>First &amp; foremost.</p><p>Second.</p><p>Only here.</p>"
    '<figure><svg viewBox="0 0 1 1" role="img" aria-label="A line"><path d="M0 0"/></svg></figure>'
    "<h4>What to do next</h4><ul><li>Look at &lt;who&gt;.</li></ul>"
)
HEADER = {
    "school": "100001",
    "school_name": "Ash & Elm",
    "study_title": "A <study>",
    "academic_year": "2024/25",
    "data_to": "2025-07-08",
    "audience": "internal",
}


def shown(mime: str, data: object, html: str) -> dict:
    bundle = {mime: data, "text/html": html, "text/plain": "x"}
    return {"output_type": "display_data", "data": bundle, "metadata": {}}


def saved() -> dict:
    outputs = [
        shown(HEADER_MIME, HEADER, "<p>not shown twice</p>"),
        shown(RECORD_MIME, RECORD, FRAGMENT),
        shown(PROVENANCE_MIME, {}, "<p>Versions</p>"),
    ]
    return {
        "cells": [
            {
                "cell_type": "markdown",
                "id": "cell-1",
                "metadata": {},
                "source": "# How *sure* is that?\n\nProse & more.",
            },
            {
                "cell_type": "code",
                "id": "cell-2",
                "metadata": {},
                "source": "secret_code = 1",
                "outputs": outputs,
                "execution_count": None,
            },
            {"cell_type": "markdown", "id": "cell-3", "metadata": {}, "source": "## Method\n\nA `word` [here](#main)."},
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "x", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def index() -> str:
    study = Study.model_validate(
        {
            "study": "s",
            "title": "A <title>",
            "data": "../secret/place",
            "academic_year": "2024/25",
            "notebooks": {"x": {}},
        }
    )
    entries = [
        Entry("link", "100002", "Zeal", "Q?", "failed", reason="It stopped <here>."),
        Entry(
            "link", "100001", "Ash & Elm", "Q?", "done", sentence="A & B.", verdict="Clear", files={"link.html": "1"}
        ),
        Entry("link", "all", "All schools", "Q?", "not_run"),
        Entry("link", "100003", "Moor", "Q?", "too_few", stale=True, sentence="Few.", files={"link.html": "1"}),
    ]
    return index_html(
        study, entries, {"link": {"outcome": {"from": "2024-09-01", "to": None}, "adjust_for": ["a", "b"]}}
    )


PAGES = {"page": lambda: page_html(saved(), "link", "100001", "Fallback"), "index": index}


@pytest.fixture(params=PAGES)
def text(request: pytest.FixtureRequest) -> str:
    return PAGES[request.param]()


def parsed(text: str) -> Element:
    return html5lib.HTMLParser(strict=True).parse(text)


def test_it_is_valid_with_ids_that_stand_once(text) -> None:
    page = parsed(text)
    ids = Counter(element.get("id") for element in page.iter() if element.get("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    targets = {e.get("href")[1:] for e in page.iter(f"{H}a") if e.get("href", "").startswith("#")}
    labels = {name for e in page.iter() for name in (e.get("aria-labelledby") or "").split()}
    assert targets | labels <= set(ids)


def test_it_has_one_heading_one_main_a_language_a_title_and_a_skip_link(text) -> None:
    page = parsed(text)
    assert page.get("lang") == "en-GB"
    assert len(list(page.iter(f"{H}h1"))) == len(list(page.iter(f"{H}main"))) == 1
    assert page.find(f".//{H}title").text
    first = page.find(f"{H}body")[0]
    assert (first.get("class"), first.get("href")) == ("skip", "#main")


def test_headings_never_skip_a_level(text) -> None:
    levels = [int(e.tag[-1]) for e in parsed(text).iter() if re.fullmatch(rf"{H}h[1-6]", str(e.tag))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_nothing_is_run_or_fetched(text) -> None:
    page = parsed(text)
    policy = [e.get("content") for e in page.iter(f"{H}meta") if e.get("http-equiv") == "Content-Security-Policy"]
    assert policy == [CSP]
    assert not list(page.iter(f"{H}script"))
    assert not list(page.iter(f"{H}link"))
    for element in page.iter():
        assert not any(str(name).startswith("on") for name in element.attrib)
        assert not element.get("src", "").startswith(("http", "//"))
    assert not re.search(r"url\(|@import|https?://", page_css())


def test_tables_have_captions_and_scopes_and_scroll_in_a_focusable_region() -> None:
    page = parsed(index())
    (table,) = page.iter(f"{H}table")
    assert table.find(f"{H}caption").text
    assert all(cell.get("scope") in ("col", "row") for cell in table.iter(f"{H}th"))
    (region,) = [e for e in page.iter(f"{H}div") if e.get("role") == "region"]
    assert (region.get("tabindex"), table in list(region)) == ("0", True)


def test_the_page_says_first_what_was_found_and_says_it_once() -> None:
    text = page_html(saved(), "link", "100001", "Fallback")
    assert "<title>How sure is that? – Ash &amp; Elm</title>" in text
    assert "<h1>How sure is that?</h1>" in text
    order = [
        "<h1>",
        "8 July 2025",
        'class="summary"',
        "Results &amp; &lt;attendance&gt;",
        "Prose &amp; more",
        "<h3>Results",
    ]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    for once in (
        "First &amp; foremost.",
        "Second.",
        "Look at &lt;who&gt;.",
        "Only here.",
        "Versions",
        "staff of the school",
    ):
        assert text.count(once) == 1, once
    for never in ("secret_code", "not shown twice", "Fallback", "In["):
        assert never not in text


def test_a_drawing_keeps_its_letters_in_their_case() -> None:
    assert 'viewBox="0 0 1 1"' in page_html(saved(), "link", "100001", "")


def test_the_index_groups_by_name_and_links_what_exists() -> None:
    text = index()
    assert [text.index(name) for name in ("<h2>All schools", "<h2>Ash &amp; Elm", "<h2>Moor", "<h2>Zeal")] == sorted(
        text.index(name) for name in ("<h2>All schools", "<h2>Ash &amp; Elm", "<h2>Moor", "<h2>Zeal")
    )
    assert re.findall(r'href="([^"#]+)"', text) == ["100001/link.html", "100003/link.html"]
    assert "It stopped &lt;here&gt;." in text
    assert "Made from an earlier study file" in text
    assert "from 2024-09-01" in text
    assert "secret/place" not in text


def test_the_stylesheet_is_small_and_knows_print_and_dark() -> None:
    css = page_css()
    assert len(css) < 10_000
    assert "@media print" in css
    assert "prefers-color-scheme: dark" in css
