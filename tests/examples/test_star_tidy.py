"""The Project STAR example: known counts of the public file, two sessions to a day, nothing lost unsaid."""

import csv
import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from shared import shared

from attendlib.intake.store import ensure_store
from attendlib.intake.study import read_study
from attendlib.records.tables import TABLES

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "star" / "make_tidy.py"
# Known sizes of the public-use file: 11,601 pupils in all; 6,325 in 79 schools in kindergarten.
PUPILS_BY_YEAR = {"1985/86": 6325, "1986/87": 6829, "1987/88": 6840, "1988/89": 6802}
KINDERGARTEN_ARMS = {"small": 1900, "regular": 2194, "regular_with_aide": 2231}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tidy", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def source() -> Path:
    return shared("star/star_attendance.csv")


@pytest.fixture(scope="module")
def folder(script: ModuleType, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("star")
    script.main([str(source), str(out)])
    return out


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pupil(script: ModuleType, **values: str) -> dict[str, str]:
    """A row of the public file with every needed column, empty unless given."""
    return dict.fromkeys(script.NEEDED, "") | {"stdntid": "1"} | values


def test_counts_are_those_of_the_public_file(folder: Path) -> None:
    pupils = rows(folder / "pupils.csv")
    assert len({row["pupil"] for row in pupils}) == 11_601
    assert Counter(row["academic_year"] for row in pupils) == PUPILS_BY_YEAR
    assert len({row["school"] for row in pupils if row["year_group"] == "0"}) == 79
    drawn = rows(folder / "allocation.csv")
    assert Counter(row["arm"] for row in drawn if row["trial"] == "star_k") == KINDERGARTEN_ARMS
    # Finn et al. (2007), STAR user's guide: 11,601 pupils took part; each joined once.
    assert Counter(row["trial"] for row in drawn) == {"star_k": 6_325, "star_entry": 11_601}


def test_movers_into_a_small_class_in_grade_1(folder: Path) -> None:
    movers = rows(folder / "interventions.csv")
    grade_1 = {row["pupil"]: row["school"] for row in rows(folder / "pupils.csv") if row["year_group"] == "1"}
    assert len(movers) == 248
    assert all(grade_1[row["pupil"]] == row["school"] for row in movers)


def test_every_table_is_a_tidy_table(folder: Path) -> None:
    for path in folder.iterdir():
        table, found = TABLES[path.stem], rows(path)
        required = {column.name for column in table.columns if column.required}
        assert required <= set(found[0]) <= set(table.names()), path.name
        keys = [tuple(row.get(name, "") for name in table.key) for row in found]
        assert len(keys) == len(set(keys)), path.name
        for column in table.columns:
            values = {row.get(column.name, "") for row in found}
            assert column.may_be_empty or not column.required or "" not in values, (path.name, column.name)
            assert not column.allowed or values - {""} <= set(column.allowed), (path.name, column.name)


def test_intake_takes_the_folder_without_complaint(folder: Path, tmp_path: Path) -> None:
    written = (SCRIPT.parents[2] / "params" / "star.yml").read_text(encoding="utf-8")
    study = tmp_path / "star.yml"
    study.write_text(
        written.replace("data: ../data/star", f"data: {folder}\nstore: store\nkey_file: key"), encoding="utf-8"
    )
    store = ensure_store(read_study(study))
    assert len(store.schools) == 80
    assert store.notes == ()


def test_two_sessions_to_every_recorded_day(folder: Path, source: Path) -> None:
    public = {row["stdntid"]: row for row in rows(source)}
    prefixes = {"1985/86": "gk", "1986/87": "g1", "1988/89": "g3"}
    for row in rows(folder / "attendance.csv"):
        days = public[row["pupil"]]
        present, absent = (int(days[prefixes[row["academic_year"]] + name]) for name in ("present", "absent"))
        assert (int(row["possible"]), int(row["authorised"])) == (2 * (present + absent), 2 * absent)
        assert row["unauthorised"] == "0"


def test_pupils_with_and_without_attendance_add_up(script: ModuleType, source: Path, folder: Path) -> None:
    _, notes = script.tidy(script.read(source))
    lost = sum(count for note, count in notes.items() if "days" in note and "left out" in note)
    unrecorded = notes["grade 2: attendance was not recorded, left out"]
    assert unrecorded == PUPILS_BY_YEAR["1987/88"]
    assert len(rows(folder / "attendance.csv")) + lost + unrecorded == sum(PUPILS_BY_YEAR.values())


def test_a_missing_score_is_a_row_that_says_so(folder: Path) -> None:
    results = rows(folder / "attainment.csv")
    assert len(results) == 2 * sum(PUPILS_BY_YEAR.values())
    assert {row["reason"] for row in results if not row["value"]} == {"no score recorded"}
    assert {row["reason"] for row in results if row["value"]} == {""}
    scored = Counter(row["academic_year"] for row in results if row["measure"] == "maths" and row["value"])
    assert scored == {"1985/86": 5871, "1986/87": 6598, "1987/88": 6065, "1988/89": 6077}


def test_same_file_gives_the_same_bytes(script: ModuleType, source: Path, folder: Path, tmp_path: Path) -> None:
    shuffled = tmp_path / "shuffled.csv"
    header, *lines = source.read_text(encoding="utf-8").splitlines()
    shuffled.write_text("\n".join([header, *reversed(lines)]) + "\n", encoding="utf-8")
    script.main([str(shuffled), str(tmp_path / "again")])
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


DAYS = [
    # present, absent, possible and authorised sessions, note
    ("170", "10", (360, 20), None),
    ("180", "6", (372, 12), "grade 1: more than 180 days recorded, kept"),
    ("", "3", None, "grade 1: days present or days absent missing, left out"),
    ("150", "", None, "grade 1: days present or days absent missing, left out"),
    ("0", "0", None, "grade 1: no day recorded, left out"),
]


@pytest.mark.parametrize(("present", "absent", "sessions", "note"), DAYS)
def test_days_to_sessions(
    script: ModuleType, present: str, absent: str, sessions: tuple[int, int] | None, note: str | None
) -> None:
    tables, notes = script.tidy([pupil(script, g1schid="9", g1present=present, g1absent=absent)])
    found = [(row["possible"], row["authorised"]) for row in tables["attendance"]]
    assert found == ([] if sessions is None else [sessions])
    assert {key for key in notes if "day" in key} == ({note} if note else set())


def test_values_of_a_pupil_without_a_school_are_counted(script: ModuleType) -> None:
    tables, notes = script.tidy([pupil(script, g1schid="9"), pupil(script, stdntid="2", g3tmathss="600")])
    assert [row["pupil"] for row in tables["pupils"]] == ["1"]
    assert notes["pupils with no school in any grade, left out"] == 1
    assert notes["grade 3: values for a pupil with no school, left out"] == 1


STOPS = [
    ({"g1freelunch": "1"}, "column g1freelunch: '1' is not one of FREE LUNCH, NON-FREE LUNCH"),
    ({"gender": "X"}, "column gender: 'X'"),
    ({"g1present": "150.5", "g1absent": "2"}, "column g1present: '150.5' is not a whole number"),
]


@pytest.mark.parametrize(("values", "message"), STOPS)
def test_an_unknown_value_stops_the_script(script: ModuleType, values: dict[str, str], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        script.tidy([pupil(script, g1schid="9", **values)])


def test_a_missing_column_stops_the_script(script: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "star.csv"
    path.write_text("stdntid,gender\n1,MALE\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"star\.csv: no column race, birthmonth, gkschid"):
        script.read(path)
