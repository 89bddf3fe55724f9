"""The frozen plan: the same twice, never overwritten, and a page that says whether it was kept to."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from published import Found, write
from trust import Trust

from attendlib.errors import StudyError
from attendlib.intake.load import Pupils
from attendlib.intake.protocol import (
    changes,
    departures,
    freeze,
    plan_of,
    protocol_digest,
    protocol_path,
    read_protocol,
)
from attendlib.intake.study import StudyFile, read_study
from attendlib.questions.impact.asked import outcome_from
from attendlib.questions.kept import protocol_check

WRITTEN = """study: a-study
title: A study
data: data
academic_year: "2024/25"
notebooks:
  intervention_impact:
    intervention: calls
    smallest_worthwhile_days: 2.0
    certainty_pct: {certainty}
    outcome: {{from: 2025-01-06, to: 2025-07-22}}
"""


def written(folder: Path, certainty: int = 75, more: str = "") -> Path:
    path = folder / "a-study.yml"
    path.write_text(WRITTEN.format(certainty=certainty) + more, encoding="utf-8")
    return path


def test_a_plan_is_frozen_once_with_a_hash(tmp_path: Path) -> None:
    study = read_study(written(tmp_path))
    path = freeze(study, "2024-12-20")
    first = path.read_bytes()
    assert path == tmp_path / "a-study.protocol.json"
    frozen = read_protocol(study)
    assert frozen is not None
    assert frozen.untouched
    assert (frozen.data_to, frozen.plan) == ("2024-12-20", plan_of(study))
    assert frozen.plan["notebooks"]["intervention_impact"]["certainty_pct"] == 75
    freeze(study, "2025-07-22")
    assert path.read_bytes() == first


def test_another_plan_is_refused_and_named(tmp_path: Path) -> None:
    freeze(read_study(written(tmp_path)), "")
    with pytest.raises(StudyError, match="certainty_pct: 75 when frozen, 80 now"):
        freeze(read_study(written(tmp_path, certainty=80)), "")


def test_the_study_may_name_the_file(tmp_path: Path) -> None:
    study = read_study(written(tmp_path, more="protocol: plans/first.json\n"))
    assert protocol_path(study) == tmp_path / "plans" / "first.json"
    assert read_protocol(study) is None
    assert protocol_digest(study) == ""


def test_an_edited_plan_is_noticed(tmp_path: Path) -> None:
    study = read_study(written(tmp_path))
    path = freeze(study, "2024-12-20")
    held = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(held | {"data_to": "2024-09-01"}), encoding="utf-8")
    frozen = read_protocol(study)
    assert frozen is not None
    assert not frozen.untouched
    with pytest.raises(StudyError, match="edited after it was frozen"):
        freeze(study, "2024-12-20")


@pytest.mark.parametrize("text", ["", "[]", '{"plan": {}}', "not json"])
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    study = read_study(written(tmp_path))
    protocol_path(study).write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match="not a frozen plan"):
        read_protocol(study)


def test_changes_go_all_the_way_down() -> None:
    found = list(changes({"a": {"b": 1, "c": [2]}, "d": None}, {"a": {"b": 2, "c": [2]}, "d": "x", "e": 1}))
    assert found == [
        "a.b: 1 when frozen, 2 now",
        'd: nothing when frozen, "x" now',
        "e: nothing when frozen, 1 now",
    ]


def test_a_notebook_of_ones_own_is_frozen_by_name_and_file(tmp_path: Path) -> None:
    """Its folder is nobody's to read; a plan frozen by an older attendlib named it by path, without its file."""
    own = tmp_path / "ours" / "probe.ipynb"
    own.parent.mkdir()
    own.write_text("{}", encoding="utf-8")
    study = read_study(written(tmp_path, more=f"  {own}:\n    threshold: 10\n"))
    path = freeze(study, "")
    assert str(tmp_path) not in path.read_text(encoding="utf-8")
    plan = plan_of(study)
    assert plan["notebooks"]["probe"] == {"threshold": 10, "notebook file": hashlib.sha256(b"{}").hexdigest()}
    older = plan | {"notebooks": {"intervention_impact": plan["notebooks"]["intervention_impact"],
                                  str(own): {"threshold": 12}}}  # fmt: skip
    assert list(departures(older, plan)) == ["notebooks.probe.threshold: 12 when frozen, 10 now"]
    freeze(read_study(written(tmp_path, more="  ./ours/probe.ipynb:\n    threshold: 10\n")), "")
    own.write_text("{ }", encoding="utf-8")
    with pytest.raises(StudyError, match=r"probe\.notebook file: file [0-9a-f]{8} when frozen, file [0-9a-f]{8} now"):
        freeze(study, "")


DRAW = "randomise: {{trial: t2, arms: [calls, usual], block: [{block}]}}\n"


def test_how_a_trial_is_drawn_is_frozen_too(tmp_path: Path) -> None:
    freeze(read_study(written(tmp_path, more=DRAW.format(block="school"))), "")
    with pytest.raises(StudyError, match=r'randomise\.block: \["school"\] when frozen, \["sex"\] now'):
        freeze(read_study(written(tmp_path, more=DRAW.format(block="sex"))), "")
    with pytest.raises(StudyError, match=r"randomise: .* when frozen, nothing now"):
        freeze(read_study(written(tmp_path)), "")


EARLIER = WRITTEN.split("    certainty_pct")[0].replace("title:", "studies: [{names}]\ntitle:")


def hub(folder: Path, *names: str) -> StudyFile:
    """A study that puts these earlier ones together."""
    path = folder / "hub.yml"
    text = EARLIER.format(names=", ".join(names)) + "    design: several_studies\n"
    path.write_text(text, encoding="utf-8")
    return read_study(path)


def test_which_earlier_studies_are_put_together_is_frozen_by_name_and_file(tmp_path: Path) -> None:
    for name in ("north", "south", "east"):
        write(tmp_path, Found(name))
    freeze(hub(tmp_path, "north", "south"), "")
    freeze(hub(tmp_path, "south", "north"), "")  # in another order they are the same
    with pytest.raises(StudyError, match=r"studies\.east: nothing when frozen, file [0-9a-f]{8} now"):
        freeze(hub(tmp_path, "north", "south", "east"), "")
    with pytest.raises(StudyError, match=r"studies\.south: file [0-9a-f]{8} when frozen, nothing now") as error:
        freeze(hub(tmp_path, "north", "east"), "")
    assert str(tmp_path) not in str(error.value)
    write(tmp_path, Found("south", 9.0))
    with pytest.raises(StudyError, match=r"studies\.south: file [0-9a-f]{8} when frozen, file [0-9a-f]{8} now"):
        freeze(hub(tmp_path, "north", "south"), "")


def test_a_study_named_before_it_sent_its_file_may_send_it(tmp_path: Path) -> None:
    write(tmp_path, Found("north"))
    freeze(hub(tmp_path, "north", "south"), "")
    write(tmp_path, Found("south"))
    freeze(hub(tmp_path, "north", "south"), "")
    with pytest.raises(StudyError, match=r'studies\.south: "awaited" when frozen, nothing now'):
        freeze(hub(tmp_path, "north", "elsewhere/results.csv"), "")


def test_files_of_one_label_are_compared_as_a_set(tmp_path: Path) -> None:
    for place, name in enumerate(("a", "b", "c")):
        write(tmp_path / name, Found("out", float(place)))
    freeze(hub(tmp_path, "a/out", "b/out", "d/out"), "")
    freeze(hub(tmp_path, "b/out", "d/out", "a/out"), "")  # in another order they are the same
    freeze(hub(tmp_path, "c/out", "b/out", "a/out"), "")  # one was awaited, and may be held
    with pytest.raises(StudyError) as error:
        freeze(hub(tmp_path, "c/out", "b/out", "d/out"), "")
    assert str(error.value).count("when frozen") == 1
    assert re.search(r"studies\.out: file [0-9a-f]{8} when frozen, file [0-9a-f]{8} now", str(error.value))


def test_a_folder_named_after_somebody_is_not_in_the_plan(tmp_path: Path) -> None:
    for place, name in enumerate(("home_jane.smith", "Jo Li")):
        write(tmp_path, Found(name, float(place)))
    study = hub(tmp_path, "home_jane.smith", "Jo Li")
    path = freeze(study, "")
    assert set(json.loads(path.read_text(encoding="utf-8"))["plan"]["studies"]) == {"study 1", "study 2"}
    freeze(hub(tmp_path, "Jo Li", "home_jane.smith"), "")
    older = {"study 1": "home_jane.smith", "study 2": "Jo Li"}  # as plans were written before
    plan = plan_of(study)
    held = {older[name]: file for name, file in plan["studies"].items()}
    assert list(departures(plan | {"studies": held}, plan)) == []


def test_a_plan_without_earlier_studies_holds_none_of_them(tmp_path: Path) -> None:
    assert "studies" not in plan_of(read_study(written(tmp_path)))


def test_the_page_says_which_earlier_studies_were_held_and_what_changed(
    trust: Trust, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pupils = trust.pupils("all", monkeypatch)

    def page(*names: str) -> str:
        return said(replace(pupils, study_file=hub(tmp_path, *names)))

    freeze(hub(tmp_path, "north", "south"), "")
    assert "Files of 0 of 2 earlier studies were held then: none could have been read here. The run kept" in page(
        "north", "south"
    )
    write(tmp_path, Found("north"))
    assert "The run kept to it" in page("north", "south")
    protocol_path(hub(tmp_path, "north", "south")).unlink()
    freeze(hub(tmp_path, "north", "south"), "")
    write(tmp_path, Found("north", 7.0))
    text = page("north", "south")
    assert "Files of 1 of 2 earlier studies were held then: those could have been read." in text
    assert "Changed since: studies.north: file" in text


def said(pupils: Pupils) -> str:
    """What the page says of the plan."""
    return protocol_check(pupils, "intervention_impact", outcome_from).text


def test_the_page_says_whether_the_plan_was_kept_to(
    trust: Trust, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a study file of its own: a plan beside the trust's would be found by every other test."""
    own = tmp_path / "study.yml"
    own.write_text(trust.study.read_text(encoding="utf-8"), encoding="utf-8")
    pupils = replace(trust.pupils("all", monkeypatch), study_file=read_study(own))
    path = protocol_path(pupils.study_file)
    assert "No plan was frozen" in said(pupils)
    freeze(pupils.study_file, "2024-12-20")
    text = said(pupils)
    assert "before the outcome began" in text
    assert "kept to it" in text
    path.unlink()
    freeze(pupils.study_file, "2025-07-18")
    assert "outcomes could have been read" in said(pupils)
    later = tmp_path / "later.yml"
    changed = own.read_text(encoding="utf-8").replace("days: 2.0", "days: 1.0")
    later.write_text(f"{changed}protocol: {path}\n", encoding="utf-8")
    text = said(replace(pupils, study_file=read_study(later)))
    assert "smallest_worthwhile_days: 2.0 when frozen, 1.0 now" in text
