"""A trust of seven invented schools and a notebook of the user's own that behaves differently in each."""

import json
from pathlib import Path

# What the template of kernels need hold for notebooks that use nothing of ours: it starts in a third of the time.
LIGHT = ("attendlib.runner.quiet_start", "attendlib.runner.preload")
PUPIL = "PUPIL90001"  # an identifier of the data, which school 100005's page gives away
SCHOOLS = {
    "100001": "Ash & Elm <Primary>",
    "100002": "Beech",
    "100003": "Cedar",
    "100004": "Dogwood",
    "100005": "Elder",
    "100006": "Fir",
    "100007": "Gorse",
}
STUDY = """\
study: stub
title: Seven schools & a stub
data: ../data
key_file: ../key
audience: internal
academic_year: "2024/25"
seed: 1
exclude_dates:
  - {date: 2025-05-01, reason: strike}
notebooks:
  ./probe.ipynb: {words: "two, or <three>"}
"""
BEHAVIOUR = """
import sys, os, warnings
from IPython.display import HTML, display

RECORD = "application/vnd.attendlib.record+json"
HEADER = "application/vnd.attendlib.header+json"


def figure(scope, value, **more):
    return {"estimate": "days", "scope": scope, "value": value, "unit": "days", "n": 40, **more}


def show(headline=True, status="done", html="<h3>Detail</h3><p>A & B</p>".replace("&", "&amp;"), rows=()):
    record = {"schema": 1, "question": "probe", "headline": headline, "status": status, "verdict": "No clear link",
              "title": "Finding of " + school, "sentences": ["Sentence one of " + school + ".", "Sentence <two>."],
              "next_steps": ["Look again."], "rows": list(rows)}
    display({RECORD: record, "text/html": html, "text/plain": "Sentence one."}, raw=True)


class QuestionError(Exception):
    pass


display({HEADER: {"school": school, "school_name": "Name of " + school, "study_title": "Seven schools & a stub",
                   "academic_year": "2024/25", "data_to": "2025-07-18", "audience": "internal"},
         "text/html": "<dl><dt>never shown</dt></dl>", "text/plain": "header"}, raw=True)
pupil = "PUPIL9" + "0001"  # never written out: the saved notebook holds this source too
shared_rows = [figure("all", 1 / 3, n=400)]
if school == "100002":
    raise KeyError(pupil)
elif school == "100003":
    show(status="too_few", rows=[figure("school", 2.5, withheld="c")])
elif school == "100004":
    show()
    show()
elif school == "100005":
    show(html=f"<p>{pupil}</p>")
elif school == "100006":
    raise QuestionError("There is no such outcome as maths9.")
elif school == "100007":
    print(os.getcwd())
    print("error", file=sys.stderr)
    warnings.warn("a warning")
    display(HTML("<p>own output of the notebook</p>"))
    show(rows=[figure("school", 7.0), *shared_rows])
    show(headline=False, rows=[figure("school", 8.0, group="fsm6=1", low=1e-12, high=123456.789012345)])
else:
    show(rows=[figure("school", 1.0), *shared_rows])
"""


def notebook(*cells: tuple[str, str] | tuple[str, str, list[str]]) -> dict:
    """A notebook of (kind, source, tags) cells."""
    made = []
    for number, (kind, source, *tags) in enumerate(cells):
        cell = {"cell_type": kind, "id": f"c{number}", "metadata": {"tags": tags[0] if tags else []}, "source": source}
        made.append(cell | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def probe() -> dict:
    return notebook(
        ("markdown", "# What does the *probe* say?\n\nFor those who test.\n\n## Question"),
        ("code", 'school = "all"\nwords: str = "one"  # how many', ["parameters"]),
        ("code", BEHAVIOUR),
        ("markdown", "## Method\n\nNone."),
    )


def write_stub(folder: Path) -> Path:
    """Writes data, study file and notebook under `folder`; returns the study file."""
    data, params = folder / "data", folder / "params"
    data.mkdir(parents=True)
    params.mkdir()
    schools = "".join(f'{urn},"{name}",primary\n' for urn, name in SCHOOLS.items())
    (data / "schools.csv").write_text("school,name,phase\n" + schools, encoding="utf-8")
    pupils = [(f"PUPIL9{number:04}", urn) for number, urn in enumerate(SCHOOLS, start=1)]
    (data / "pupils.csv").write_text(
        "pupil,school,academic_year,year_group\n" + "".join(f"{p},{s},2024/25,3\n" for p, s in pupils), encoding="utf-8"
    )
    (data / "attendance.csv").write_text(
        "pupil,school,academic_year,period,possible,authorised,unauthorised\n"
        + "".join(f"{p},{s},2024/25,1,70,3,1\n" for p, s in pupils),
        encoding="utf-8",
    )
    (params / "stub.yml").write_text(STUDY, encoding="utf-8")
    (params / "probe.ipynb").write_text(json.dumps(probe()), encoding="utf-8")
    return params / "stub.yml"


def tree(out: Path) -> dict[str, bytes]:
    """What a run promises to be the same: pages, notebooks, results, index, by place."""
    files = (path for path in out.rglob("*") if path.is_file() and ".attend" not in path.parts)
    return {str(path.relative_to(out)): path.read_bytes() for path in files if path.name != "manifest.json"}
