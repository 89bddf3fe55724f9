"""Every kind of page in a real browser: no fault by axe, nothing asked of any host, all of it reached by keyboard."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import invented
import pytest
from axe import faults_of

from attendlib.export.pdf import pdf_text, write_pdf
from attendlib.export.scan import scan, secrets
from attendlib.page.fragment import table_html
from attendlib.records.answer import Table

A4 = (0, 0, 595, 842)  # in points
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One page of each kind, where a study would have them."""
    out = tmp_path_factory.mktemp("out")
    texts = {
        "index": invented.index(),
        "999901/three": invented.page(invented.three_charts()),
        "999901/every": invented.page(invented.every_chart()),
        "999901/few": invented.page(status="too_few"),
    }
    (out / "999901").mkdir()
    for name, text in texts.items():
        (out / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: out / f"{name}.html" for name in texts}


KINDS = ["index", "999901/three", "999901/every", "999901/few"]


@pytest.fixture(scope="module")
def tab(browser: Any) -> Any:
    """One tab for tests that load a page of their own anyway: a tab costs as much as the page in it."""
    return browser.new_page()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_fault_and_no_request(tab: Any, files: dict[str, Path], kind: str, colours: str, size: Any) -> None:
    tab.set_viewport_size(size)
    tab.emulate_media(color_scheme=colours)
    asked: list[str] = []
    tab.on("request", listen := lambda request: asked.append(request.url))
    tab.goto(files[kind].as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert faults_of(tab) == {}
    assert asked == [files[kind].as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") <= size["width"]
    tab.remove_listener("request", listen)


@pytest.mark.parametrize("kind", KINDS)
def test_the_keyboard_reaches_everything(browser: Any, files: dict[str, Path], kind: str) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(files[kind].as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    wanted = page.evaluate(
        """() => [...document.querySelectorAll("a[href], summary, input, select, [tabindex='0']")]
               .map((each, place) => { each.dataset.stop = place; return String(place) })"""
    )
    reached = []
    for _ in range(len(wanted)):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.dataset.stop"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", "focus must be seen"
    assert reached == wanted
    page.close()


def test_alternative_texts_are_there_differ_and_hold_figures(browser: Any, files: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(files["999901/every"].as_uri())
    texts = page.evaluate("[...document.querySelectorAll('svg, img')].map(each => each.getAttribute('aria-label'))")
    assert len(texts) == len(set(texts)) == 10
    assert all(re.search(r"\d", text) and "No description" not in text for text in texts)
    named = page.evaluate("[...document.querySelectorAll('svg')].map(each => each.getAttribute('role'))")
    assert set(named) == {"img"}
    page.close()


def test_print_shows_what_is_folded_and_cuts_no_row(browser: Any, files: dict[str, Path], tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(files["999901/three"].as_uri())
    page.emulate_media(media="print")
    heights = page.evaluate(
        "[...document.querySelectorAll('details > :not(summary)')].map(each => each.getBoundingClientRect().height)"
    )
    assert heights
    assert min(heights) > 0
    assert page.evaluate("getComputedStyle(document.querySelector('tr')).breakInside") == "avoid"
    page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    assert (tmp_path / "page.pdf").read_bytes()[:5] == b"%PDF-"
    page.close()


def test_a_printed_page_is_tagged_a4_and_cuts_no_short_table(browser: Any, tmp_path: Path) -> None:
    """As `attend run --pdf` prints it; the pages of the print are read by poppler, which is not ours."""
    tables = [table(number, 8) for number in range(9)] + [table(9, 60)]
    (tmp_path / "page.html").write_text(invented.page().replace("</main>", f"{''.join(tables)}</main>"), "utf-8")
    write_pdf(tmp_path / "page.html", tmp_path / "page.pdf")
    data = (tmp_path / "page.pdf").read_bytes()
    assert {tuple(map(round, map(float, box.split()))) for box in re.findall(rb"/MediaBox \[([\d. ]+)\]", data)} == {A4}
    assert b"/StructTreeRoot" in data, "tagged, so that it can be read aloud"
    assert b"/Lang (en-GB)" in data
    assert {"Ageing is part of the change.", "Paired."} <= set(pdf_text(data).splitlines()), "folded text is printed"
    if shutil.which("pdftotext") is None:
        pytest.skip("Which page a table's rows are on was not looked at: apt install poppler-utils")
    read = subprocess.run(["pdftotext", "-layout", tmp_path / "page.pdf", "-"], capture_output=True, check=True)
    pages = read.stdout.decode().split("\f")
    for number in range(9):
        lines = [f"Table {number} of ten", *(f"row {number}-{row} " for row in range(8))]
        assert len({page for line in lines for page, text in enumerate(pages) if line in text}) == 1, number
    held = [text for text in pages if "row 9-" in text]
    assert len(held) > 1, "sixty rows need two pages"
    assert all("Head of nine" in text for text in held), "a long table repeats its head"


def table(number: int, rows: int) -> str:
    """A table of a page."""
    columns = ("Head of nine" if number == 9 else "Group", "Days")
    cells = tuple((f"row {number}-{row} ", "1.0") for row in range(rows))
    return table_html(Table(f"Table {number} of ten", columns, cells, ("Days",)), f"printed-{number}")


def test_a_scan_reads_the_text_of_a_pdf(browser: Any, tmp_path: Path) -> None:
    said = "<p>Pupil <i>A12</i>34567, Ada Lovelace – “quoted” 6.5 <b>office</b></p>"
    (tmp_path / "page.html").write_text(f"<!DOCTYPE html><meta charset=utf-8><title>x</title>{said}", encoding="utf-8")
    write_pdf(tmp_path / "page.html", tmp_path / "page.pdf")
    assert "office" in pdf_text((tmp_path / "page.pdf").read_bytes())
    forbidden = secrets(["a1234567"], [], [("Ada", "Lovelace")])
    found = {finding.what for finding in scan(tmp_path, forbidden, ["page.pdf"])}
    assert found == {"pupil identifiers or pseudonyms", "pupils' full names"}
    assert scan(tmp_path, secrets(["b1234567"], []), ["page.pdf"]) == ()


def test_a_table_can_be_saved_without_a_network(browser: Any, files: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(files["999901/three"].as_uri())
    with page.expect_download() as saving:
        page.locator("a.csv").first.click()
    assert saving.value.suggested_filename == "transition-dip-school-table-1.csv"
    text = saving.value.path().read_text(encoding="utf-8-sig")
    assert text.splitlines()[0] == "Pupils,Days,95% interval,Pupils"
    assert text.splitlines()[3] == "Other pupils,c,c,c"
    page.close()


def test_the_index_searches_and_sorts_where_a_script_may_run(browser: Any, files: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(files["index"].as_uri())
    shown = "[...document.querySelectorAll('#reports tbody tr')].filter(r => !r.hidden).map(r => r.dataset.name)"
    assert len(page.evaluate(shown)) == 5
    page.fill("#name", "moor")
    assert page.evaluate(shown) == ["moor & dale 999901"]
    page.fill("#name", "")
    page.select_option("#sort", "status")
    assert [name.split()[-1] for name in page.evaluate(shown)] == ["999903", "999901", "999904", "all", "999902"]
    page.select_option("#phase", "primary")
    assert page.evaluate(shown) == ["elm 999903"]
    assert page.text_content("#found") == "1 of 5 reports shown"
    page.close()


def test_the_index_is_whole_without_a_script(browser: Any, files: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(files["index"].as_uri())
    assert page.locator("#reports tbody tr").count() == 5
    assert not page.locator("#find").is_visible()
    context.close()


def test_a_fault_would_be_found(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text(
        "<!DOCTYPE html><title>x</title><img src='y.png'><p style='color:#ccc'>Hard to read"
    )
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "bad.html").as_uri())
    assert {"html-has-lang", "image-alt", "color-contrast", "landmark-one-main"} <= set(faults_of(page))
    assert len(asked) == 2
    page.close()
