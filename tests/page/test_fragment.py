"""A story as HTML: parsed strictly, captions and scopes in place, nothing unescaped."""

import html5lib

from attendlib.page.fragment import fragment
from attendlib.records.answer import Chart, Section, Story, Table

STORY = Story(
    title="Absence < before & after",
    sentences=("First <b>sentence</b>.",),
    badge="Cannot tell",
    charts=(Chart("A chart", 'Alt with "quotes"', '<svg xmlns="http://www.w3.org/2000/svg" width="1"></svg>'),),
    tables=(Table("Caption", ("Group", "Value"), (("a", "1"), ("b", "c")), ("Value",), "c: withheld"),),
    caveats=("One.",),
    next_steps=("Two.",),
    sections=(Section("More < less", ("Three & four.",), tables=(Table("Inner", ("A", "B"), (("a", "1"),)),)),),
)


def test_parses_strictly_and_escapes() -> None:
    html = fragment(STORY, "story")
    html5lib.HTMLParser(strict=True).parseFragment(html)
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


def test_table_has_caption_scopes_and_a_region_that_scrolls() -> None:
    html = fragment(STORY, "story")
    assert html.count('scope="col"') == 4
    assert html.count('scope="row"') == 3
    assert '<caption id="story-table-1">Caption</caption>' in html
    assert 'role="region" tabindex="0" aria-labelledby="story-table-1"' in html


def test_figure_has_its_alternative_text() -> None:
    html = fragment(STORY, "story")
    assert 'role="img" aria-label="Alt with &quot;quotes&quot;"' in html
    assert "<figcaption>A chart</figcaption>" in html


def test_a_section_is_folded_and_escaped() -> None:
    html = fragment(STORY, "story")
    assert "<details><summary>More &lt; less</summary>\n<p>Three &amp; four.</p>" in html
    assert '<caption id="story-more-1-table-1">Inner</caption>' in html
