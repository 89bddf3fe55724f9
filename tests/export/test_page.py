"""The page and the index are valid, self-contained and accessible in the ways a program can tell."""

import base64
import hashlib
import itertools
import re
from collections import Counter
from xml.etree.ElementTree import Element

import html5lib
import nbformat
import pytest
from nbconvert.exporters import HTMLExporter

from attendlib.export.entry import Entry
from attendlib.export.glossary import TERMS
from attendlib.export.index import by_chance, index_html
from attendlib.export.page import page_html
from attendlib.export.style import TEMPLATES, page_css
from attendlib.page.fragment import SOURCE_HERE
from attendlib.records.answer import Row
from attendlib.records.report import HEADER_MIME, PROVENANCE_MIME, RECORD_MIME
from attendlib.records.study import Study
from attendlib.words.rule import causal_words

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


def index(with_phases: bool = True) -> str:
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
        study,
        entries,
        {"link": {"outcome": {"from": "2024-09-01", "to": None}, "adjust_for": ["a", "b"]}},
        phases={"100001": "secondary"} if with_phases else None,
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
    scripts = [element.text or "" for element in page.iter(f"{H}script")]
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert policy == [CSP + "".join(f"; script-src 'sha256-{each}'" for each in hashes)]
    assert not any(re.search(r"https?:|fetch|XMLHttp|import", script) for script in scripts)
    assert not list(page.iter(f"{H}link"))
    for element in page.iter():
        assert not any(str(name).startswith("on") for name in element.attrib)
        assert not element.get("src", "").startswith(("http", "//"))
    assert not re.search(r"url\(|@import|https?://", page_css())


def test_tables_have_captions_and_scopes_and_scroll_in_a_focusable_region() -> None:
    page = parsed(index())
    tables = list(page.iter(f"{H}table"))
    regions = [e for e in page.iter(f"{H}div") if e.get("role") == "group"]
    assert len(tables) == len(regions) == 2
    for table, region in zip(tables, regions, strict=True):
        assert table.find(f"{H}caption").text
        assert all(cell.get("scope") in ("col", "row") for cell in table.iter(f"{H}th"))
        assert (region.get("tabindex"), table in list(region)) == ("0", True)


def test_the_page_says_first_what_was_found_and_says_it_once() -> None:
    text = page_html(saved(), "link", "100001", "Fallback")
    assert "<title>How sure is that? – Ash &amp; Elm</title>" in text
    assert "<h1>How sure is that?</h1>" in text
    order = [
        "<h1>",
        'class="summary"',
        "Results &amp; &lt;attendance&gt;",
        "First &amp; foremost.",
        "8 July 2025",
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


def test_sections_are_named_listed_and_the_method_folded() -> None:
    text = page_html(saved(), "link", "100001", "Fallback")
    assert '<details class="part" id="part-1-method">\n<summary><h2>Method</h2></summary>' in text
    assert "A <code>word</code>" in text
    extra = {"cell_type": "markdown", "id": "cell-4", "metadata": {}, "source": "## What *then*?\n\nMore."}
    both = page_html({**saved(), "cells": [*saved()["cells"], extra]}, "link", "100001", "Fallback")
    assert '<li><a href="#part-2-what-then">What then?</a></li>' in both
    assert '<section aria-labelledby="part-2-what-then">\n<h2 id="part-2-what-then">What then?</h2>' in both


def test_a_badge_that_says_what_the_title_says_is_left_out() -> None:
    page = saved()
    page["cells"][1]["outputs"][1]["data"][RECORD_MIME] = {**RECORD, "verdict": RECORD["title"]}
    assert 'class="verdict"' not in page_html(page, "link", "100001", "")
    assert 'class="verdict">Clear link<' in page_html(saved(), "link", "100001", "")


def test_words_used_are_explained_and_no_others() -> None:
    page = saved()
    page["cells"][0]["source"] += "\n\nWith a 95% interval."
    text = page_html(page, "link", "100001", "")
    assert "<dt>95% interval</dt>" in text
    assert "<dt>Severely absent</dt>" not in text
    assert [causal_words(term.meaning) for term in TERMS] == [()] * len(TERMS)


def test_a_table_names_its_source_and_the_summary_holds_five_sentences() -> None:
    page = saved()
    many = tuple(f"Sentence {number}." for number in range(7))
    bundle = page["cells"][1]["outputs"][1]["data"]
    bundle[RECORD_MIME] = {**RECORD, "sentences": many}
    bundle["text/html"] = "".join(f"<p>{each}</p>" for each in many) + f'<p class="note">{SOURCE_HERE}</p>'
    text = page_html(page, "link", "100001", "")
    assert '<p class="note">Source: A &lt;study&gt;, the schools’ own records, up to 8 July 2025.</p>' in text
    assert [text.count(each) for each in many] == [1] * 7
    assert text.index("Sentence 4.") < text.index("</section>") < text.index("Sentence 5.")


def test_the_template_serves_nbconvert_too(tmp_path) -> None:
    notebook = nbformat.from_dict(saved())
    notebook.metadata.title = "Standing alone"
    exporter = HTMLExporter(extra_template_basedirs=[str(TEMPLATES)], template_name="attendlib")
    text, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": "x"}})
    assert "<title>Standing alone – Ash &amp; Elm</title>" in text
    assert "Results &amp; &lt;attendance&gt;" in text
    assert "secret_code" not in text
    assert CSP in text


def test_a_drawing_keeps_its_letters_in_their_case() -> None:
    assert 'viewBox="0 0 1 1"' in page_html(saved(), "link", "100001", "")


def test_the_index_stands_by_name_and_links_what_exists() -> None:
    text = index()
    names = [re.sub(r"\s*<small>.*", "", name) for name in re.findall(r'<th scope="row">(.*)</th>\n<td>', text)]
    assert names == ["All schools", "Ash &amp; Elm", "Moor", "Zeal"]
    assert re.findall(r'href="([^"#]+)"', text) == ["100001/link.html", "100003/link.html"]
    assert "It stopped &lt;here&gt;." in text
    assert "Made from an earlier study file" in text
    assert "from 2024-09-01" in text
    assert "secret/place" not in text


def test_the_index_sorts_by_name_phase_and_status_and_nothing_else() -> None:
    sorts = re.search(r'<select id="sort".*?</select>', index())
    assert sorts
    assert re.findall(r'value="(\w+)"', sorts.group()) == ["order", "phase", "status"]
    assert set(re.findall(r"data-(\w+)=", index())) == {"order", "name", "phase", "status"}


def test_an_index_without_phases_offers_none() -> None:
    assert "secondary" in index()
    assert 'id="phase"' not in index(with_phases=False)
    assert ">Phase<" not in index(with_phases=False)


def test_the_index_says_how_many_verdicts_chance_alone_would_give() -> None:
    found = Row("days", "school", value=1.0, confidence_pct=95.0, n=30)
    verdicts = [Entry("link", str(n), "S", "Q?", "done", verdict="Clear", rows=(found,)) for n in range(60)]
    others = [Entry("link", "x", "S", "Q?", "too_few", verdict="Too few"), Entry("link", "y", "S", "Q?", "done")]
    counted, expected = by_chance([*verdicts, *others])  # type: ignore[misc]
    assert (counted, round(expected, 9)) == (60, 3.0)
    assert by_chance(others) is None


def test_the_stylesheet_is_small_and_knows_print_and_dark() -> None:
    css = page_css()
    assert len(css) < 10_000
    assert "@media print" in css
    assert "prefers-color-scheme: dark" in css
