"""What is out of date, and only that: by data in scope, by a question's parameters, by the pages' template."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from published import Found, write
from stub_trust import SCHOOLS, notebook, write_stub

from attendlib.export.entry import Entry
from attendlib.intake.study import read_study
from attendlib.runner import keys
from attendlib.runner.batch import todo
from attendlib.runner.plan import Plan, make_plan
from attendlib.runner.state import put, write_entry

OWN = ("parameters", "own-school")


def two_notebooks(folder: Path) -> Path:
    """The stub study with two notebooks: `own` rests on its school's data alone, `trust` on everyone's."""
    study = write_stub(folder)
    for name, tags in (("own", [*OWN]), ("trust", ["parameters"])):
        made = notebook(("code", 'school = "all"\nwords = "x"', tags), ("code", "pass"))
        (study.parent / f"{name}.ipynb").write_text(json.dumps(made), encoding="utf-8")
    text = study.read_text(encoding="utf-8")
    written = "  ./own.ipynb: {words: one}\n  ./trust.ipynb: {words: one}\n"
    study.write_text(text[: text.index("  ./probe.ipynb")] + written, encoding="utf-8")
    return study


def all_done(plan: Plan, out: Path) -> None:
    """Every report as if it had been made."""
    for job in plan.jobs:
        names = (f"{job.name}.html", f"{job.name}.ipynb")
        files = {name: put(out, f"{job.school}/{name}", f"{job}") for name in names}
        entry = Entry(job.name, job.school, job.school_name, "Q?", "done", job.key, job.page_key, files=files)
        write_entry(out, job, entry)


def needed(study: Path, out: Path) -> dict[str, set[str]]:
    """The schools that each notebook must be run for, or only its page made again."""
    found: dict[str, set[str]] = {}
    for item in todo(make_plan(read_study(study)).jobs, out):
        if item.need != "nothing":
            found.setdefault(f"{item.job.name} {item.need}", set()).add(item.job.school)
    return found


@pytest.fixture
def done(tmp_path) -> tuple[Path, Path]:
    study, out = two_notebooks(tmp_path / "trust"), tmp_path / "out"
    all_done(make_plan(read_study(study)), out)
    assert needed(study, out) == {}
    return study, out


def test_one_schools_data_age_its_own_pages_and_all_that_rest_on_the_study(done) -> None:
    study, out = done
    table = study.parent.parent / "data" / "attendance.csv"
    table.write_text(
        table.read_text().replace("PUPIL90003,100003,2024/25,1,70,3,1", "PUPIL90003,100003,2024/25,1,70,9,1")
    )
    assert needed(study, out) == {"own run": {"100003"}, "trust run": set(SCHOOLS)}


def test_one_questions_parameter_ages_that_question(done) -> None:
    study, out = done
    study.write_text(study.read_text().replace("trust.ipynb: {words: one}", "trust.ipynb: {words: two}"))
    assert needed(study, out) == {"trust run": set(SCHOOLS)}


def test_a_template_of_pages_is_put_on_again_without_running(done, monkeypatch) -> None:
    study, out = done
    real = keys._sources
    other = lambda parts, inside: "another template" if parts == ("export",) else real(parts, inside)  # noqa: E731
    monkeypatch.setattr(keys, "_sources", other)
    assert needed(study, out) == {"own export": set(SCHOOLS), "trust export": set(SCHOOLS)}


def test_the_same_data_in_another_order_age_nothing_of_a_school(done) -> None:
    study, out = done
    table = study.parent.parent / "data" / "attendance.csv"
    header, *lines = table.read_text().splitlines()
    table.write_text("\n".join([header, *reversed(lines)]) + "\n")
    assert "own run" not in needed(study, out)


def test_a_frozen_plan_ages_what_may_quote_it(done) -> None:
    study, out = done
    (study.parent / "stub.protocol.json").write_text('{"plan": {}, "data_to": "", "sha256": "x"}')
    assert needed(study, out) == {"own run": set(SCHOOLS), "trust run": set(SCHOOLS)}


def test_a_changed_file_of_earlier_results_ages_every_page(done, tmp_path) -> None:
    study = replace(read_study(done[0]), results=(write(tmp_path, Found("north")),))
    first, again = make_plan(study), make_plan(study)
    write(tmp_path, Found("north", 2.0))
    changed = make_plan(study)
    for one, same, other in zip(first.jobs, again.jobs, changed.jobs, strict=True):
        assert one.key == same.key != other.key
    assert str(tmp_path) not in str(changed.provenance)
