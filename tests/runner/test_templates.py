import json
from pathlib import Path

import pytest
from stub_trust import notebook, write_stub

from attendlib.errors import StudyError
from attendlib.intake.study import read_study
from attendlib.runner.lab import copy_notebooks, with_values
from attendlib.runner.templates import declared, templates


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_stub(tmp_path / "trust")


def parameters(source: str) -> dict:
    return notebook(("code", source, ["parameters"]))


def test_a_template_is_read_with_its_question_and_parameters(study) -> None:
    (template,) = templates(read_study(study))
    assert (template.name, template.question) == ("probe", "What does the probe say?")
    assert template.parameters == {"words": "two, or <three>"}
    assert template.pages == ("school",)


@pytest.mark.parametrize(
    ("given", "cell", "says"),
    [
        (
            "{wrods: a}",
            'school = "all"\nwords = "b"',
            "`wrods` is not a parameter of this notebook. Did you mean `words`?",
        ),
        ("{school: a}", 'school = "all"', "`school` is not a parameter"),
        ("{}", 'school = "all"\nwords: str', "`words` is missing"),
        ("{}", 'words = "b"', "does not set `school`"),
        ("{}", "school = ", "its parameters cell is not Python"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(study, given, cell, says) -> None:
    study.write_text(study.read_text().replace('{words: "two, or <three>"}', given))
    (study.parent / "probe.ipynb").write_text(json.dumps(parameters(cell)))
    with pytest.raises(StudyError) as refused:
        templates(read_study(study))
    assert says in str(refused.value)
    assert str(study.parent) not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no such notebook"),
        ("not json", "not a notebook that can be read"),
        ("[]", "not a notebook that can be read"),
        (json.dumps(notebook(("code", "x = 1"))), "no cell is tagged as its parameters"),
    ],
)
def test_a_file_that_is_no_notebook_is_refused(study, content, says) -> None:
    path = study.parent / "probe.ipynb"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(StudyError, match=says):
        templates(read_study(study))


def test_two_notebooks_of_one_name_are_refused(study) -> None:
    (study.parent / "more").mkdir()
    (study.parent / "more" / "probe.ipynb").write_bytes((study.parent / "probe.ipynb").read_bytes())
    study.write_text(study.read_text() + "  ./more/probe.ipynb: {words: x}\n")
    with pytest.raises(StudyError, match="two notebooks share the name probe"):
        templates(read_study(study))


def test_declared_names_and_whether_they_have_values() -> None:
    cell = parameters('school = "all"\nby: str | None = None\nwindow: str\n# nothing else')
    assert declared(cell, "probe.ipynb") == {"school": True, "by": True, "window": False}


@pytest.mark.parametrize(
    ("cell", "values", "expected"),
    [
        ('school = "all"  # whose page', {"school": "1"}, "school = '1'  # whose page"),
        ("a = [1,\n     2]\nb = 3", {"a": None, "b": {"from": "x"}}, "a = None\nb = {'from': 'x'}"),
        ('é: str = "é"  # é', {"é": "ü"}, "é: str = 'ü'  # é"),
        ("a = 1", {"b": 2}, "a = 1"),
    ],
)
def test_values_are_put_where_they_stood(cell, values, expected) -> None:
    assert with_values(cell, values) == expected


def test_copies_for_the_lab_are_never_overwritten(study, tmp_path) -> None:
    made, kept = copy_notebooks(read_study(study), "100001", tmp_path / "lab")
    assert ([path.name for path in made], kept) == (["probe.ipynb"], [])
    copy = json.loads(made[0].read_text())
    assert copy["cells"][1]["source"] == "school = '100001'\nwords: str = 'two, or <three>'  # how many"
    made[0].write_text("mine")
    assert copy_notebooks(read_study(study), "100001", tmp_path / "lab") == ([], [tmp_path / "lab" / "probe.ipynb"])
    assert (tmp_path / "lab" / "probe.ipynb").read_text() == "mine"
