"""A story as HTML: parsed strictly, captions and scopes in place, nothing unescaped."""

import csv
import io
import re
from dataclasses import replace
from urllib.parse import unquote

import html5lib

from attendlib.page.download import csv_text
from attendlib.page.fragment import SOURCE_HERE, fragment, table_html
from attendlib.records.answer import OWN_RECORDS, Chart, Section, Story, Table
from attendlib.words.tables import estimates_table

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
    assert 'role="group" tabindex="0" aria-labelledby="story-table-1"' in html


def test_figure_has_its_alternative_text() -> None:
    html = fragment(STORY, "story")
    assert 'role="img" aria-label="Alt with &quot;quotes&quot;"' in html
    assert re.search(r'<figcaption id="(f\w{8})">A chart</figcaption>.*aria-labelledby="\1"', html)


def test_a_section_is_folded_and_escaped() -> None:
    html = fragment(STORY, "story")
    assert "<details><summary>More &lt; less</summary>\n<p>Three &amp; four.</p>" in html
    assert '<caption id="story-more-1-table-1">Inner</caption>' in html


def test_each_table_can_be_saved_from_the_page_itself() -> None:
    links = re.findall(r'href="data:text/csv;charset=utf-8,([^"]+)"', fragment(STORY, "story"))
    assert [unquote(link) for link in links] == [
        "\ufeffGroup,Value\r\na,1\r\nb,c\r\n",
        "\ufeffA,B\r\na,1\r\n",
    ]


def test_no_cell_of_a_saved_table_is_a_formula() -> None:
    table = Table("T", ("A", "B"), (("=cmd()", "−1.5"), ("@x", "+2"), ("-x", "−y")))
    cells = list(csv.reader(io.StringIO(csv_text(table))))[1:]
    assert cells == [["'=cmd()", "-1.5"], ["'@x", "'+2"], ["'-x", "−y"]]


def test_how_sure_comes_after_the_tables_and_before_what_it_cannot_show() -> None:
    checks = Table("Checks of the comparison", ("Check", "Result"), (("One", "passed"),))
    html = fragment(replace(STORY, tables=(checks, *STORY.tables), sure=("Fairly sure.",)), "story")
    order = ["<caption id=\"story-table-2\">Caption", "How sure are we?", "Fairly sure.", "Checks of the comparison",
             "What this cannot show", "What to do next", "<details>"]  # fmt: skip
    assert [html.index(part) for part in order] == sorted(html.index(part) for part in order)


def test_only_a_table_of_the_studys_own_records_says_so() -> None:
    own, other = replace(STORY.tables[0], source=OWN_RECORDS), replace(STORY.tables[0], source="DfE <2025>")
    assert SOURCE_HERE in table_html(own, "t")
    assert SOURCE_HERE not in table_html(other, "t")
    assert "Source: DfE &lt;2025&gt;" in table_html(other, "t")
    assert "ource" not in table_html(STORY.tables[0], "t").replace("sourced", "")
    assert estimates_table("C", "A", "B", []).source == OWN_RECORDS
