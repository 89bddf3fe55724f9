"""What is kept of a notebook, what it handed back, and what must never be in a file."""

import csv
import io
import json
import random
from base64 import b64encode
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import quote

import pytest

from attendlib.disclosure import LIMITS
from attendlib.errors import ReportError
from attendlib.export.clean import clean, to_text
from attendlib.export.entry import Entry
from attendlib.export.handed import FEWEST, check_gated, handed_back
from attendlib.export.results import COLUMNS, results_parts
from attendlib.export.scan import scan, secrets
from attendlib.records.answer import Row
from attendlib.records.report import RECORD_MIME

RECORD = {"question": "q", "headline": True, "status": "done", "title": "T", "sentences": ["S."]}


def code(source: str, *outputs: dict, **more) -> dict:
    return {
        "cell_type": "code",
        "source": source,
        "outputs": list(outputs),
        "metadata": {},
        "execution_count": 3,
    } | more


def ours(**record) -> dict:
    data = {RECORD_MIME: RECORD | record, "text/html": "<p>", "text/plain": "S.", "image/png": "abc"}
    return {"output_type": "display_data", "data": data, "metadata": {"who": "me"}}


def test_only_our_outputs_stay() -> None:
    template = {"cells": [code("a = 1", metadata={"tags": ["parameters"], "scrolled": True}), code("show()")]}
    stream = {"output_type": "stream", "name": "stdout", "text": "/home/someone"}
    error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]}
    picture = {"output_type": "display_data", "data": {"image/png": "x"}, "metadata": {}}
    injected = code("a = 2", metadata={"tags": ["injected-parameters"]})
    executed = {"cells": [code("a = 1"), injected, code("show()", stream, error, picture, ours())]}
    saved, left_out = clean(template, executed)
    assert left_out == 3
    assert saved["cells"] == [
        {
            "cell_type": "code",
            "id": "cell-1",
            "metadata": {"tags": ["parameters"]},
            "source": "a = 1",
            "outputs": [],
            "execution_count": None,
        },
        {
            "cell_type": "code",
            "id": "cell-2",
            "metadata": {},
            "source": "show()",
            "outputs": [
                {
                    "output_type": "display_data",
                    "data": {RECORD_MIME: RECORD, "text/html": "<p>", "text/plain": "S."},
                    "metadata": {},
                }
            ],
            "execution_count": None,
        },
    ]
    assert set(saved["metadata"]) == {"kernelspec", "language_info"}
    assert to_text(saved) == to_text(clean(template, executed)[0])


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        ([], "0 headline records"),
        ([ours(headline=False)], "0 headline records"),
        ([ours(), ours()], "2 headline records"),
        ([ours(status="fine")], "not of the agreed form, at status"),
        ([ours(sentences=[])], "not of the agreed form, at sentences"),
        ([ours(rows=[{"estimate": "e", "scope": "pupil-17"}])], "at rows.0.scope"),
        ([ours(rows=[{"estimate": "e", "scope": "school"}])], "a figure of a single school"),
    ],
)
def test_what_is_handed_back_is_checked(outputs, says) -> None:
    with pytest.raises(ReportError, match=says) as refused:
        handed_back({"cells": [code("", *outputs)]}, "all")
    assert "pupil-17" not in str(refused.value)


def test_results_have_the_agreed_columns_and_numbers() -> None:
    assert "".join(results_parts("s", [])) == (
        "study,scope,school,notebook,estimate,outcome,group,period,model,value,low,high,se,df,p,confidence_pct,unit,n,"
        "n_groups,numerator,withheld,method\n"
    )
    row = Row("days", "school", value=1 / 3, low=-2.0, p=1e-20, confidence_pct=95, n=40, method='a "b", c')
    hidden = Row("share", "school", value=0.5, n=3, numerator=1, withheld="c")
    everyone = Row("days", "all", value=2.0, n=400)
    entries = [
        Entry("link", "1", "A", "Q", "done", rows=(row, everyone)),
        Entry("link", "2", "B", "Q", "done", rows=(hidden, everyone)),
    ]
    lines = "".join(results_parts("s", entries)).splitlines()[1:]
    assert lines == [
        's,school,1,link,days,,,,,0.3333333333,-2,,,,1e-20,95,,40,,,,"a ""b"", c"',
        "s,all,,link,days,,,,,2,,,,,,,,400,,,,",
        "s,school,2,link,share,,,,,,,,,,,,,,,,c,",
    ]
    assert all(line.count(",") >= len(COLUMNS) - 1 for line in lines)


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("a.html", "<p>A1234567</p>", 1),
        ("a.html", "<p>a1234567</p>", 1),
        ("a.html", "pupil_A1234567 row-A1234567-x A&#49;234567", 3),
        ("a.html", "XA1234567 A12345678", 0),
        ("a.svg", "12.345678 345678.5 L 345678 2", 1),
        ("a.json", '{"x": "\\nA1234567"}', 1),
        ("a.json", '{"A1234567": 345678}', 2),
        ("a.json", "broken A1234567", 1),
        ("a.csv", "short 12345", 0),
        ("a.txt", "/home/someone/data x/home/someone file:///home/someone </home/someone>", 2),
        ("a.txt", "/home/someoneelse", 1),  # anybody's home folder
        ("a.txt", "C:\\Users\\someone and /srv/homes", 2),
        ("a.html", "<p>in C:\\Trust\\data\\pupils.csv</p>", 1),
        ("a.json", json.dumps({"from": "\\\\server01\\share\\pupils.xlsx"}), 1),
        ("a.html", "<li>/srv/trust/pupils.csv, ~/trust/pupils.csv; /tmp/x (/mnt/d/y)</li>", 4),
        ("a.html", "and/or, n/a, </var/>, https://x.org/tmp/a ~5 about: a\\b 'a:\\n' '\\\\d+' content:'\\201C'", 0),
        ("a.txt", "id k9-x4 K9X4", 1),  # four characters that mix letters and digits can be told
        ("a.html", "<p>A12<b>345</b>67</p>", 1),
        ("a.html", '<a href="data:text/csv,x%0AA1234567">', 1),
        ("a.html", f'<a href="data:text/csv;base64,{b64encode(b"x,A1234567").decode()}">', 1),
        ("a.html", "Ada O’Brien-Lee; obrien-lee, ada; Ada Lovelace", 1),
        ("a.csv", "x,O'Brien-Lee,Ada", 1),
        ("a.csv", "ada,obrien", 0),
        ("a.csv", "row,B823429313001", 1),  # shaped like a unique pupil number
        ("a.csv", "B82342931300,I823429313001,1B823429313001", 0),
        ("a.txt", "postgres://me:hunter2@host and https://host/a:b", 1),
        ("a.json", '{"password": "x", "api_key": "abcdef123"}', 0),
        ("a.txt", "api_key = abcdef123", 1),
        ("a.txt", "-----BEGIN RSA PRIVATE KEY-----", 1),
        ("a.json", '{"p": "/home/someone"}', 1),
    ],
)
def test_what_a_scan_finds(tmp_path, name, text, count) -> None:
    names = [("Ada", "O'Brien-Lee")]
    forbidden = secrets(["A1234567", "345678", "12345", "k9x4"], [Path("/home/someone"), Path("/")], names)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_text(text, encoding="utf-8")
    findings = scan(tmp_path, forbidden)
    assert sum(finding.count for finding in findings) == count
    assert {finding.file for finding in findings} <= {f"in/{name}"}
    assert "1234567" not in "".join(str(finding) for finding in findings)


PLACES = {
    "text.html": "<p>Pupils: {}.</p>",
    "attribute.html": '<svg aria-label="Pupils {}"></svg>',
    "link.html": '<a href="data:text/csv;charset=utf-8,{}">',
    "cell.csv": "a,{},b",
    "value.json": "{}",
}


def planted(folder: Path, count: int) -> tuple[set[str], set[str]]:
    """Writes each of `count` identifiers among ordinary figures; returns those planted, and as many that are not."""
    draw = random.Random(20260901)
    names = [f"{draw.choice('PQR')}{number:07d}{draw.choice('xyz')}" for number in draw.sample(range(10**7), 2 * count)]
    there, absent = names[:count], names[count:]
    for place, (file, line) in enumerate(PLACES.items()):
        mine = there[place :: len(PLACES)]
        said = [f"{name} 12.5" for name in mine]
        if file.endswith(".json"):
            text = json.dumps({name: [name.lower(), 1.5] for name in mine[::2]} | {"x": mine[1::2]})
        else:
            text = "\n".join(line.format(quote(each, safe="") if "data:" in line else each) for each in said)
        (folder / file).write_text(text, encoding="utf-8")
    return set(there), set(absent)


def all_are_found(folder: Path, count: int) -> None:
    there, absent = planted(folder, count)
    found = scan(folder, secrets(there, []))
    each = count // len(PLACES)
    counts = {finding.file: finding.count for finding in found}
    # A link is read as it stands and unpacked; in the JSON file every other one is both a key and a value.
    assert counts == dict.fromkeys(PLACES, each) | {"link.html": 2 * each, "value.json": each + each // 2}
    assert scan(folder, secrets(absent, [])) == ()


def test_every_planted_identifier_is_found_and_no_other(tmp_path) -> None:
    all_are_found(tmp_path, 2_000)


@pytest.mark.prove
def test_all_of_a_hundred_thousand_planted_identifiers_are_found(tmp_path) -> None:
    all_are_found(tmp_path, 100_000)


@pytest.mark.parametrize(
    ("identifier", "text", "count"),
    [
        ("Amy Jones", "<p>of AMY  jones, and Amy&nbsp;Jones</p>", 2),
        ("Amy Jones", "<p>Amy met Jones; Jones Amy</p>", 0),
        ("2024/00123", "row,2024/00123,x", 1),
        ("2024/00123", "M 2024 00123 L 2024/001234", 0),
        ("José1234", "<p>Jose\u0301 is not Jose\u03011234</p>", 1),
        ("Jose\u03011234", "<p>JOSÉ1234</p>", 1),
        ("Zoë O’Neill", "Zoe\u0308 O’Neill", 1),
        ("#12345", "12345 and #12345", 1),
        ("12-34 56", "path 12 34 56 but 12-34 56", 1),
    ],
)
def test_identifiers_of_several_words_marks_and_accents(tmp_path, identifier, text, count) -> None:
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    assert sum(finding.count for finding in scan(tmp_path, secrets([identifier], []))) == count


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.html", "3.5ab1234"),
        ("page.html", "<b>2.5</b>ab<i>1234</i>"),
        ("notes.json", '{"a": "AB1<b>234</b>", "b": "if x <a and y"}'),
        ("page.html", "A12345678901B\N{COMBINING ACUTE ACCENT}"),
        ("page.html", "/data/pupils\N{COMBINING ACUTE ACCENT}"),
    ],
)
def test_a_quick_look_passes_over_nothing(name, text) -> None:
    """Texts that one look at all words together would call free of them."""
    assert sum(found.count for found in secrets(["ab1234"], [Path("/data/pupils")]).findings(name, text)) == 1


@pytest.mark.parametrize(
    ("folder", "text"),
    [
        ("/data/x ", "in /data/x  zz yy ww vv"),
        ("/data/x\t", "in /data/x\t r"),
        ("/data/two words", "in /data/two words"),
        ("/daten/straße", "in /daten/straße\u0301"),
        ("/Data/X", "<p>in /Data/X</p>"),
    ],
)
def test_a_folder_is_found_as_it_is_written(folder, text) -> None:
    """Its blanks and capitals and all, whatever the text around it is made of."""
    assert [finding.count for finding in secrets([], [Path(folder)]).findings("a.html", text)] == [1]


def test_files_looked_at_together_are_told_apart() -> None:
    texts = {"a.html": "<p>nobody</p>", "b.json": '{"x": "A1234567"}', "c.csv": "A1234567,A1234567"}
    found = secrets(["A1234567"], []).findings_in(texts)
    assert [(finding.file, finding.count) for finding in found] == [("b.json", 1), ("c.csv", 2)]


def test_a_figure_about_all_schools_is_written_once_and_a_report_is_a_part() -> None:
    everyone = Row("days", "all", value=2.0, n=400)
    entries = [Entry("link", str(n), "A", "Q", "done", rows=(everyone, Row("days", "school", n=n))) for n in (7, 8)]
    header, *parts = results_parts("s", entries)
    assert header.startswith("study,scope")
    assert [part.count("\n") for part in parts] == [2, 1]


def test_a_text_cell_is_no_formula_and_a_number_is_none(tmp_path) -> None:
    rows = (Row("=1+1", "school", outcome="@x", group="\tsex=F", period="-1 to 1", model="+", value=-1.5, n=40),)
    entry = Entry("probe", "1", "One", "q", "done", rows=rows, title="T")
    cells = next(csv.DictReader(io.StringIO("".join(results_parts("s", [entry])))))
    told = [cells[name] for name in ("estimate", "outcome", "group", "period", "model", "value")]
    assert told == ["'=1+1", "'@x", "'\tsex=F", "'-1 to 1", "'+", "-1.5"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"value": float("nan"), "n": 40}, "no number"),
        ({"value": 1.0, "low": float("-inf"), "n": 40}, "no number"),
        ({"value": 1.0, "n": 4}, "fewer than 5"),
        ({"value": 1.0}, "fewer than 5"),
        ({"value": 1.0, "n": 40, "numerator": 38}, "fewer than 5"),
        ({"value": 1.0, "n": 40, "numerator": 20}, ""),
        ({"withheld": "c"}, ""),
    ],
)
def test_figures_that_are_none_or_on_too_few_are_refused(row, says) -> None:
    assert FEWEST == LIMITS
    saved = {"cells": [{"outputs": [ours(rows=[{"estimate": "days", "scope": "school"} | row])]}]}
    with pytest.raises(ReportError, match=says) if says else nullcontext():
        check_gated(handed_back(saved, "1"), "internal")


def test_a_count_may_be_withheld_beside_another_of_the_same_pupils_only() -> None:
    """The gate withholds a count a few from another: its figure stays, a share's numerator does not."""
    counted, bare = {"estimate": "days", "scope": "school", "n": 40}, {"estimate": "early", "scope": "school"}
    for rows, refused in (
        ([counted, bare | {"value": 1.0}], False),
        ([counted, bare | {"value": 1.0, "group": "sex=F"}], True),
        ([counted, bare | {"value": 50.0, "numerator": 20}], True),
        ([counted, bare | {"value": 1.0, "df": 2.0}], True),
    ):
        saved = {"cells": [{"outputs": [ours(question="transition_dip", rows=rows)]}]}
        with pytest.raises(ReportError, match="without their number") if refused else nullcontext():
            check_gated(handed_back(saved, "1"), "internal")


def test_in_a_record_of_ones_own_a_count_speaks_for_its_own_estimate_only() -> None:
    """Nobody knows whether another estimate is of the same pupils: three left out may have a mean of their own."""
    counted, mean = {"estimate": "days", "scope": "school", "value": 2.0, "n": 40}, {"scope": "school", "value": 41.67}
    for name, refused in (("days", False), ("days_of_the_three_left_out", True)):
        saved = {"cells": [{"outputs": [ours(question="probe", rows=[counted, mean | {"estimate": name}])]}]}
        with pytest.raises(ReportError, match="without their number") if refused else nullcontext():
            check_gated(handed_back(saved, "1"), "internal")
