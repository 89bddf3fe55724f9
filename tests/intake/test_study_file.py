"""The study file: what it means, and what each mistake is told."""

from pathlib import Path

import pytest
from smalltrust import STUDY, written

from attendlib.errors import StudyError
from attendlib.intake.study import DEEPEST, read_study
from attendlib.records.study import TransitionDip


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(StudyError) as refused:
        read_study(written(folder, text))
    return str(refused.value)


def test_paths_are_relative_to_the_study_file(tmp_path: Path) -> None:
    found = read_study(written(tmp_path, STUDY))
    assert found.data_folder == tmp_path / "data" / "small"
    assert found.store_folder == tmp_path / "data" / "small" / ".attend" / "small"
    assert found.key_file == tmp_path / "key" / "pseudonym.key"


def test_store_and_key_may_be_named_or_left_to_the_user_folder(tmp_path: Path) -> None:
    text = STUDY.replace("key_file: ../key/pseudonym.key", "store: ../kept")
    found = read_study(written(tmp_path, text))
    assert found.store_folder == tmp_path / "kept"
    assert found.key_file.parts[-2:] == ("attendlib", "pseudonym.key")


def test_notebooks_are_typed(tmp_path: Path) -> None:
    found = read_study(written(tmp_path, STUDY))
    expected = TransitionDip(before_year_group=6, after_year_group=7, by="fsm6")
    assert found.notebooks == {"transition_dip": expected}


def test_a_users_own_notebook_keeps_its_parameters(tmp_path: Path) -> None:
    text = STUDY + "  ./probe.ipynb: {threshold: 10}\n  other/look.ipynb:\n"
    found = read_study(written(tmp_path, text))
    assert (found.notebooks["./probe.ipynb"], found.notebooks["other/look.ipynb"]) == ({"threshold": 10}, {})


NOT_PLAIN = [  # a parameter of a notebook of one's own, and what the message says
    ("when: 2025-01-06", "small.yml: `notebooks.probe.ipynb.when` cannot be given to a notebook: it is a date"),
    ("when: 2025-01-06 10:00:00", "`notebooks.probe.ipynb.when` cannot be given to a notebook: it is a datetime"),
    ("raw: !!binary aGk=", "it is a bytes"),
    ("both: !!set {a, b}", "it is a set"),
    (
        "least: [1, .nan]",
        "`notebooks.probe.ipynb.least, entry 2` cannot be given to a notebook: it is no finite number",
    ),
    ("most: {a: .inf}", "`notebooks.probe.ipynb.most.a` cannot be given to a notebook: it is no finite number"),
    ("bands: {1: low, b: high}", "`notebooks.probe.ipynb.bands.1`: a key must be text. Write the key in quotes."),
    ("loop: &x [*x]", "`notebooks.probe.ipynb` holds itself"),
]


@pytest.mark.parametrize(("parameter", "message"), NOT_PLAIN)
def test_a_parameter_no_notebook_can_be_given_is_told(tmp_path: Path, parameter: str, message: str) -> None:
    told = refusal(tmp_path, STUDY + f"  {tmp_path}/probe.ipynb:\n    {parameter}\n")
    assert message in told
    assert "quotes" in told
    assert str(tmp_path) not in told


def test_plain_parameters_are_given_as_they_are_written(tmp_path: Path) -> None:
    text = 'a: [1, 2.5, yes, null], b: {c: "2025-01-06"}, d: text'
    found = read_study(written(tmp_path, STUDY + f"  ./probe.ipynb: {{{text}}}\n"))
    assert found.notebooks["./probe.ipynb"] == {"a": [1, 2.5, True, None], "b": {"c": "2025-01-06"}, "d": "text"}


def test_unquoted_dates_are_dates(tmp_path: Path) -> None:
    text = STUDY + "exclude_dates:\n  - {date: 2025-05-12, reason: SATs}\n"
    (exclusion,) = read_study(written(tmp_path, text)).study.exclude_dates
    assert [str(day) for day in exclusion.span()] == ["2025-05-12", "2025-05-12"]


CHAIN = "".join(f", &a{number} {{<<: *a{number - 1}}}" for number in range(1, 3000))  # each takes in the one before
REFUSALS = [  # what is changed, what the message says
    (("audience", "audience"), "audiance: internal", "small.yml: `audiance` is not a known key. Did you mean"
     " `audience`?"),
    (("title: Two small schools", ""), "", "`title` is missing"),
    (('"2024/25"', "2024"), "", "`academic_year` must be text. Write it as text, in quotes"),
    (('"2024/25"', '"2024/26"'), "", '`academic_year`: must be written as "2024/25"'),
    (("study: small", "study: Small Study"), "", "`study`: string should match pattern"),
    (("", ""), "schools: [999001]", "`schools.0` must be text"),
    (("", ""), "schools: most", "`schools`"),
    (("", ""), "audience: public", "`audience`: input should be 'internal' or 'shareable'"),
    (("", ""), "exclude_dates: [{date: 2025-05-12}]", "`exclude_dates.0.reason` is missing"),
    (("", ""), "exclude_dates: [{reason: snow}]", "`exclude_dates.0`: give either `date`, or `from` and `to`"),
    (("by: fsm6", "bye: fsm6"), "", "`notebooks.transition_dip.bye` is not a known key. Did you mean `by`?"),
    (("by: fsm6", "bye: fsm6"), "", "Allowed here: before_year_group, after_year_group, by,"),
    (("after_year_group: 7", "after_year_group: 17"), "", "`notebooks.transition_dip.after_year_group`: input"
     " should be"),
    (("before_year_group: 6, ", ""), "", "`notebooks.transition_dip.before_year_group` is missing"),
    (("transition_dip:", "transition_drop:"), "", "`notebooks.transition_drop` is not a known notebook. Did you mean"),
    (("study: small", "study: small\nstudy: big"), "", "the key `study` stands twice"),
    (("title: Two", "title: [Two"), "", "not a readable study file at line"),
    (("", ""), "exclude_dates: [{from: 2024-09-05, to: 2024-09-01, reason: x}]", "`exclude_dates.0`: `to` is before"),
    (("", ""), "exclude_dates: [{date: 2024-13-05, reason: x}]", "small.yml: it holds a date that does not exist."),
    (("", ""), "exclude_dates: [{date: 05/09/2024, reason: x}]", "`exclude_dates.0.date` is not a date. Write"),
    (("", ""), "? [a]\n: 2", "small.yml: not a readable study file at line 8: a key that is not a word."),
    (("", ""), f"a: {'[' * 2000}{']' * 2000}", "small.yml: it is nested too deeply."),
    (("", ""), f"a: {'[' * DEEPEST}{']' * DEEPEST}", "small.yml: it is nested too deeply."),
    (("", ""), f"a: {'[' * (DEEPEST - 1)}{']' * (DEEPEST - 1)}", "`a` is not a known key"),
    (("", ""), f"a: [&a0 {{q: 1}}{CHAIN}]\nb: *a2999", "small.yml: it is nested too deeply."),
    (("", ""), "seed: !!bool abc", "small.yml: a value is not what the `!!` before it says."),
    (("", ""), "seed: !!timestamp abc", "small.yml: a value is not what the `!!` before it says."),
    (("", ""), "seed: !!set [a]", "small.yml: a value is not what the `!!` before it says."),
    (("", ""), "seed: !!python/object/apply:os.getcwd []", "small.yml: not a readable study file at line 8"),
    (("", ""), "---\nstudy: b", "small.yml: not a readable study file at line 8"),
    ((STUDY, "- a"), "", "small.yml: holds no keys. Start from params/demo-trust.yml."),
]  # fmt: skip


@pytest.mark.parametrize(("change", "added", "message"), REFUSALS)
def test_each_mistake_is_told(tmp_path: Path, change: tuple[str, str], added: str, message: str) -> None:
    text = (STUDY.replace(*change) if change[0] else STUDY) + added + "\n"
    told = refusal(tmp_path, text)
    assert message in told
    assert str(tmp_path) not in told


def test_nested_keys_name_their_own_neighbours(tmp_path: Path) -> None:
    text = STUDY + (
        "  intervention_impact:\n    intervention: calls\n    smallest_worthwhile_days: 2\n"
        "    eligible: {absence_pct_at_least: 10, window: {from: 2024-09-01, til: 2024-12-20}}\n"
    )
    told = refusal(tmp_path, text)
    assert "`notebooks.intervention_impact.eligible.window.til` is not a known key" in told
    assert "Allowed here: from, to." in told
    assert "`notebooks.intervention_impact.eligible.window.to` is missing" in told


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    told = refusal(tmp_path, STUDY.replace("title: Two small schools", "titel: x") + "audience: public\n")
    assert told.count("small.yml") == 3


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_not_utf8(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, STUDY)
    path.write_bytes(STUDY.replace("Two", "Zwölf").encode(encoding))
    with pytest.raises(StudyError, match=r"small\.yml: not UTF-8 text\. Save it again as UTF-8\."):
        read_study(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"absent\.yml: there is no such study file"):
        read_study(tmp_path / "absent.yml")
