"""Results of earlier studies: what is read of a file somebody sent, and every reason not to."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from published import Found, rows_of, write

from attendlib.errors import StudyError
from attendlib.intake.earlier import earlier_digest, earlier_studies
from attendlib.intake.study import StudyFile, read_study

KEYS = "intervention: tutor_calls\n    smallest_worthwhile_days: 2.0\n    design: several_studies"


def study(folder: Path, *names: str, keys: str = KEYS) -> StudyFile:
    text = f'study: hub\ntitle: A hub\ndata: .\nacademic_year: "2024/25"\nstudies: [{", ".join(names)}]\n'
    path = folder / "hub.yml"
    path.write_text(f"{text}notebooks:\n  intervention_impact:\n    {keys}\n", encoding="utf-8")
    return read_study(path)


def test_the_rows_that_decide_are_read_and_no_others(tmp_path: Path) -> None:
    write(tmp_path, Found("north", 3.0, 1.5, 2.0, verdict="Probably helped", failed=1))
    write(tmp_path, Found("south", -1.0, 0.5, None))
    north, south = earlier_studies(study(tmp_path, "north", "south/results.csv"))
    assert north.main is not None
    assert north.check is not None
    assert (north.main.value, north.main.se, north.main.n, north.check.value) == (3.0, 1.5, 120, 2.0)
    assert north.main.df == north.check.df == 60.0
    assert (north.intervention, north.delta, north.verdict, north.failed) == ("tutor calls", 2.0, "Probably helped", 1)
    assert south.main is not None
    assert (south.main.value, south.check) == (-1.0, None)


def test_a_study_without_a_figure_is_kept_without_one(tmp_path: Path) -> None:
    write(tmp_path, Found("north", withheld="c"))
    path = write(tmp_path, Found("south"))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "intervention_impact" not in line), encoding="utf-8")
    north, south = earlier_studies(study(tmp_path, "north", "south"))
    assert (north.main, north.withheld) == (None, "c")
    assert (south.main, south.withheld, south.study) == (None, "x", "south")


def without(estimate: str) -> Callable[[str], str]:
    return lambda text: "".join(line for line in text.splitlines(keepends=True) if f",{estimate}," not in line)


SPOILT: list[tuple[Callable[[str], str], str]] = [
    (lambda text: text.replace("days a year", "days in the window"), "is not in days a year"),
    (without("days_fewer"), "is not in days a year"),
    (lambda text: text.replace(",absence,", ",suspensions,"), "is not in days a year"),
    (without("decides"), "it does not say which estimate decides"),
    (without("checks_failed"), "how many of its checks failed"),
    (lambda text: text.replace("Cannot tell", "It worked wonders"), "it holds no verdict"),
    (lambda text: text.replace("tutor calls", "<script>alert(1)</script>"), "not one attendlib writes"),
    (lambda text: text.replace("tutor calls", "Jane Smith /srv/pupils.csv"), "not one attendlib writes"),
    (lambda text: text.replace("6 January 2025 to 22 July 2025", "Jane Smith in Year 9"), "not one attendlib writes"),
    (lambda text: text.replace("south,all,,intervention", "Tom's <b>,all,,intervention"), "the results of one study"),
    (lambda text: text.replace("south,all,,intervention", "east,all,,intervention"), "and holds those of 2"),
    (lambda text: text.replace("adjusted,1.25,", "adjusted,1e999,"), "`value` of its days_fewer is not a number"),
    (lambda text: text.replace("adjusted,1.25,", "adjusted,88,"), "outside its own interval"),
    (lambda text: text.replace("value,low", "worth,low"), "columns are missing"),
    (lambda text: text.replace(",df,", ",freedom,"), "columns are missing"),
    (lambda text: text.replace("adjusted,1.25,", "adjusted,1.25,,,,,,"), "more or fewer cells"),
    (lambda text: "", "columns are missing"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), SPOILT)
def test_a_file_that_cannot_be_used_is_refused_by_name(tmp_path: Path, spoil: Callable[[str], str], said: str) -> None:
    write(tmp_path, Found("north"))
    path = write(tmp_path, Found("south", 1.25))
    text = path.read_text(encoding="utf-8")
    assert spoil(text) != text
    path.write_text(spoil(text), encoding="utf-8")
    with pytest.raises(StudyError, match="studies, entry 2 \\(south\\)") as error:
        earlier_studies(study(tmp_path, "north", "south"))
    assert said in str(error.value)
    assert str(tmp_path) not in str(error.value)


def test_missing_and_counted_twice(tmp_path: Path) -> None:
    write(tmp_path, Found("north"))
    with pytest.raises(StudyError, match="entry 2 \\(south\\): there is no such file"):
        earlier_studies(study(tmp_path, "north", "south"))
    write(tmp_path / "copy", Found("north"))
    with pytest.raises(StudyError, match="the study north would be counted twice"):
        earlier_studies(study(tmp_path, "north", "copy/north"))
    write(tmp_path, Found("hub"))
    with pytest.raises(StudyError, match="the study hub would be counted twice, or is this one"):
        earlier_studies(study(tmp_path, "north", "hub"))


@pytest.mark.parametrize(
    ("names", "keys", "said"),
    [
        ((), KEYS, "`studies` names 0"),
        (("north",), KEYS, "`studies` names 1"),
        (("north", "north/results.csv"), KEYS, "`studies` names 1"),
        (("a", "b", "a"), KEYS, "names a file twice"),
        (("north", "south"), KEYS.replace("several_studies", "adjusted"), "is read by `design: several_studies`"),
        (("north", "south"), f"{KEYS}\n    outcome: {{from: 2025-01-06, to: 2025-07-22}}", "does not use `outcome`"),
    ],
)
def test_keys_that_do_not_fit(tmp_path: Path, names: tuple[str, ...], keys: str, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        study(tmp_path, *names, keys=keys)


def test_a_changed_file_changes_the_digest(tmp_path: Path) -> None:
    for name in ("north", "south"):
        write(tmp_path, Found(name))
    first = earlier_digest(study(tmp_path, "north", "south"))
    rows = [replace(row, numerator=3) for row in rows_of(Found("south"))]
    write(tmp_path, Found("south"), rows)
    assert earlier_digest(study(tmp_path, "north", "south")) != first
    assert earlier_digest(replace(study(tmp_path, "north", "south"), results=())) == ""
