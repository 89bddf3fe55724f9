"""What is kept of a notebook, what it handed back, and what must never be in a file."""

from pathlib import Path

import pytest

from attendlib.errors import ReportError
from attendlib.export.clean import clean, to_text
from attendlib.export.entry import Entry
from attendlib.export.handed import handed_back
from attendlib.export.results import COLUMNS, results_csv
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
    assert results_csv("s", []) == (
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
    lines = results_csv("s", entries).splitlines()[1:]
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
        ("a.txt", "/home/someoneelse", 0),
        ("a.json", '{"p": "/home/someone"}', 1),
    ],
)
def test_what_a_scan_finds(tmp_path, name, text, count) -> None:
    forbidden = secrets(["A1234567", "345678", "12345"], [Path("/home/someone"), Path("/")])
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_text(text, encoding="utf-8")
    findings = scan(tmp_path, forbidden)
    assert sum(finding.count for finding in findings) == count
    assert {finding.file for finding in findings} <= {f"in/{name}"}
    assert "1234567" not in "".join(str(finding) for finding in findings)
