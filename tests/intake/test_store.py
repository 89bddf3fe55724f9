"""The store: the same bytes for the same data, made again only when something changed, free of identifiers."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from smalltrust import MARKS, PUPILS, SCHOOLS, STUDY, attendance, study

from attendlib.errors import DataError, StudyError
from attendlib.intake import store as module
from attendlib.intake.pseudonyms import HOUSEHOLD, pseudonym, read_key
from attendlib.intake.store import SchoolRow, Store, data_to, ensure_store, read_sql, schools_in, study_schools
from attendlib.intake.study import StudyFile
from attendlib.intake.tables import check_study

ATTAINMENT = "pupil,academic_year,measure,value\nA1,2024/25,ks2_read,104\nB1,2023/24,ks2_read,\n"


def files(store: Store) -> dict[str, str]:
    """Every file of the store and a digest of its bytes."""
    paths = sorted(path for path in store.folder.rglob("*") if path.is_file())
    return {str(path.relative_to(store.folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def rows(store: Store, table: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"FROM {read_sql(store, table)}").fetchall()


def imports(monkeypatch: pytest.MonkeyPatch) -> list[StudyFile]:
    """The imports made from here on."""
    made: list[StudyFile] = []
    before = module.prepare

    def counting(connection: duckdb.DuckDBPyConnection, study_file: StudyFile) -> object:
        made.append(study_file)
        return before(connection, study_file)

    monkeypatch.setattr(module, "prepare", counting)
    return made


def test_the_same_data_make_the_same_bytes(tmp_path: Path) -> None:
    first = ensure_store(study(tmp_path, attainment=ATTAINMENT))
    before = files(first)
    shutil.rmtree(tmp_path / "data" / "small" / ".attend")
    again = ensure_store(study(tmp_path, attainment=ATTAINMENT))
    assert files(again) == before
    assert (again.digest, again.school_digests) == (first.digest, first.school_digests)
    assert "attendance/year=2024-25/urn=999001/data_0.parquet" in before


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    first = ensure_store(study(tmp_path))
    head, *rest = MARKS.strip().split("\n")
    again = ensure_store(study(tmp_path, marks="\n".join([head, *reversed(rest), ""])))
    assert again.digest == first.digest


def test_nothing_changed_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ensure_store(study(tmp_path))
    made = imports(monkeypatch)
    monkeypatch.setattr(module, "_contents", lambda _: pytest.fail("the files were read"))
    assert ensure_store(study(tmp_path, {})) == first
    assert made == []


def test_a_file_merely_touched_is_not_imported_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ensure_store(study(tmp_path))
    made = imports(monkeypatch)
    os.utime(tmp_path / "data" / "small" / "marks.csv", (1, 1))
    assert ensure_store(study(tmp_path, {})) == first
    assert made == []


def test_one_mark_changes_only_the_schools_of_that_pupil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ensure_store(study(tmp_path))
    made = imports(monkeypatch)
    again = ensure_store(study(tmp_path, marks=MARKS.replace("03,AM,I", "03,AM,O")))
    assert len(made) == 1
    assert again.digest != first.digest
    changed = {
        school for school in first.school_digests if again.school_digests[school] != first.school_digests[school]
    }
    assert changed == {"999001"}


def test_a_pupils_other_school_is_in_a_schools_digest(tmp_path: Path) -> None:
    moved = PUPILS + "B1,999001,2023/24,6,1,H1,main\n"
    first = ensure_store(study(tmp_path, pupils=moved))
    marks = MARKS + "B1,999001,2024-06-04,AM,I\n"
    again = ensure_store(study(tmp_path, pupils=moved, marks=marks))
    assert all(again.school_digests[school] != first.school_digests[school] for school in ("999001", "999002"))


def test_excluded_dates_shape_the_store_and_titles_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ensure_store(study(tmp_path))
    made = imports(monkeypatch)
    assert ensure_store(study(tmp_path, {}, text=STUDY.replace("Two small", "Our two"))).digest == first.digest
    assert made == []
    text = STUDY + "exclude_dates:\n  - {from: 2024-09-03, to: 2024-09-04, reason: strike}\n"
    assert ensure_store(study(tmp_path, {}, text=text)).digest != first.digest
    assert len(made) == 1


def test_another_key_makes_another_store(tmp_path: Path) -> None:
    first = ensure_store(study(tmp_path))
    assert ensure_store(study(tmp_path, {}, text=STUDY.replace("../key/", "../other/"))).digest != first.digest


def test_no_identifier_is_stored(tmp_path: Path) -> None:
    small = study(tmp_path, attainment=ATTAINMENT)
    store, key = ensure_store(small), read_key(small.key_file)
    found = rows(store, "pupils")
    assert {row[0] for row in found} == {pseudonym(name, key) for name in ("A1", "A2", "B1")}
    assert {row[-1] for row in found} == {pseudonym(name, key, HOUSEHOLD) for name in ("H1", "H2")}
    assert {row[0] for row in rows(store, "attainment")} == {pseudonym(name, key) for name in ("A1", "B1")}
    assert not [row for table in ("pupils", "attendance", "attainment") for row in rows(store, table) if "A1" in row]


def test_the_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"
    key = read_key(path)
    assert (len(key), read_key(path), stat.S_IMODE(path.stat().st_mode)) == (32, key, 0o600)
    assert list(path.parent.iterdir()) == [path]
    path.write_bytes(b"short")
    with pytest.raises(DataError, match="key: not a key of 32 bytes"):
        read_key(path)


def test_pseudonyms_depend_on_key_and_kind() -> None:
    key = bytes(range(32))
    assert pseudonym("A1", key) == pseudonym("A1", key)
    assert (
        len({pseudonym("A1", key), pseudonym("A2", key), pseudonym("A1", key, HOUSEHOLD), pseudonym("A1", bytes(32))})
        == 4
    )
    assert len(pseudonym("A1", key)) == 16


def test_problems_leave_no_store(tmp_path: Path) -> None:
    small = study(tmp_path, marks=MARKS.replace("AM,I", "AM,?"))
    with pytest.raises(DataError, match=r"marks\.csv, column code: 1 row: a code that does not exist"):
        ensure_store(small)
    assert [path.name for path in small.store_folder.iterdir() if path.name != ".lock"] == []


def test_a_failed_import_leaves_the_last_good_store(tmp_path: Path) -> None:
    first = ensure_store(study(tmp_path))
    with pytest.raises(DataError):
        ensure_store(study(tmp_path, marks=MARKS.replace("AM,I", "AM,?")))
    assert ensure_store(study(tmp_path, marks=MARKS)) == first


def test_a_school_the_data_do_not_have(tmp_path: Path) -> None:
    with pytest.raises(
        StudyError, match=r"small\.yml: `schools` names 999007, not in the data\. The data have 999001, "
    ):
        ensure_store(study(tmp_path, text=STUDY + 'schools: ["999001", "999007"]\n'))


def test_schools_and_last_dates(tmp_path: Path) -> None:
    small = study(tmp_path, text=STUDY + 'schools: ["999002"]\n', schools=SCHOOLS)
    store = ensure_store(small)
    ash, beech = SchoolRow("999001", "Ash Primary", "primary"), SchoolRow("999002", "Beech High", "secondary")
    assert schools_in(store) == (ash, beech)
    assert study_schools(small, store) == (beech,)
    assert (data_to(store), data_to(store, "999002")) == ("2024-09-03", "2024-09-02")


DIRECT = [  # rows given directly, the year row's possible and absent, the grains, the last date known
    (("A1,999001,2024/25,1,70,3,2", "A1,999001,2024/25,2,60,1,0"), (130, 6), ["half_term", "half_term", "year"],
     "2024-12-20"),
    (("A1,999001,2024/25,2024-09-02,10,1,0", "A1,999001,2024/25,2024-09-09,8,0,1"), (18, 2), ["week", "week", "year"],
     "2024-09-13"),
    (("A1,999001,2024/25,year,370,20,15",), (370, 35), ["year"], ""),
]  # fmt: skip


@pytest.mark.parametrize(("given", "year", "grains", "last"), DIRECT)
def test_counts_given_directly(
    tmp_path: Path, given: tuple[str, ...], year: tuple[int, int], grains: list[str], last: str
) -> None:
    store = ensure_store(study(tmp_path, marks="", attendance=attendance(*given)))
    query = f"SELECT grain, possible, absent, illness FROM {read_sql(store, 'attendance')} ORDER BY grain, period"
    with duckdb.connect() as connection:
        found = connection.execute(query).fetchall()
    assert [row[0] for row in found] == grains
    assert found[-1][1:] == (*year, None)
    assert data_to(store) == last


def test_a_count_unknown_in_one_half_term_is_unknown_for_the_year(tmp_path: Path) -> None:
    columns = "pupil,school,academic_year,period,possible,authorised,unauthorised,illness,holiday"
    rows_ = attendance("A1,999001,2024/25,1,70,3,2,3,1", "A1,999001,2024/25,2,60,1,0,,0", columns=columns)
    store = ensure_store(study(tmp_path, marks="", attendance=rows_))
    query = f"SELECT illness, holiday FROM {read_sql(store, 'attendance')} WHERE grain = 'year'"
    with duckdb.connect() as connection:
        assert connection.execute(query).fetchall() == [(None, 1)]


def test_half_terms_without_a_calendar_have_no_dates(tmp_path: Path) -> None:
    given = attendance("A1,999001,2024/25,1,70,3,2")
    store = ensure_store(study(tmp_path, marks="", calendar="", attendance=given))
    query = f"SELECT period_start, period_end FROM {read_sql(store, 'attendance')} WHERE grain = 'half_term'"
    with duckdb.connect() as connection:
        assert connection.execute(query).fetchall() == [(None, None)]


def test_the_driver_loads_no_pandas(tmp_path: Path) -> None:
    small = study(tmp_path)
    code = (
        "import sys; from pathlib import Path\n"
        "from attendlib.intake.store import ensure_store; from attendlib.intake.study import read_study\n"
        f"ensure_store(read_study(Path({str(small.path)!r})))\n"
        "print(sorted({'pandas', 'numpy', 'pyarrow', 'matplotlib', 'scipy', 'statsmodels'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


NAMES = [  # a notebook's line, the message
    ("  transition_dip: {before_year_group: 6, after_year_group: 7, by: fsm}",
     "`notebooks.transition_dip.by` names fsm, which the table pupils does not have. Did you mean fsm6? The data have"),
    ("  attainment_link: {outcome: ks2_raed}",
     "`notebooks.attainment_link.outcome` names ks2_raed, which the table attainment does not have. Did you mean"
     " ks2_read?"),
    ("  attainment_link: {outcome: {measure: ks2, at_least: 1}, prior: ks1, adjust_for: [sen]}",
     "`notebooks.attainment_link.adjust_for` names sen, which the table pupils does not have. The data have"
     " year_group, fsm6"),
    ("  intervention_impact: {intervention: call, smallest_worthwhile_days: 2}",
     "`notebooks.intervention_impact.intervention` names call, which the table interventions does not have. Did"
     " you mean"),
    ("  trial_evaluation: {trial: club, design: pupil, control: usual, outcome: absence}",
     "`notebooks.trial_evaluation.trial` names club, which the table allocation does not have. Did you mean clubs?"),
    ("  trial_evaluation: {trial: clubs, design: pupil, control: usual, outcome: maths}",
     "`notebooks.trial_evaluation.outcome` names maths, which the table attainment does not have. The data have"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "message"), NAMES)
def test_names_the_data_do_not_have(tmp_path: Path, line: str, message: str) -> None:
    calls = "intervention,school,pupil,start_date\ncalls,999001,A1,2024-11-04\n"
    drawn = "trial,pupil,school,arm\nclubs,A1,999001,club\nclubs,A2,999001,usual\n"
    ensure_store(study(tmp_path, attainment=ATTAINMENT, interventions=calls, allocation=drawn))
    small = study(tmp_path, {}, text=STUDY.split("  transition_dip")[0] + line + "\n")
    with pytest.raises(StudyError) as refused:
        ensure_store(small)
    assert message in str(refused.value)
    assert any(message in str(problem) for problem in check_study(small).problems)


def test_two_imports_at_once_make_one_store(tmp_path: Path) -> None:
    small = study(tmp_path)
    code = (
        "from pathlib import Path; from attendlib.intake.store import ensure_store\n"
        "from attendlib.intake.study import read_study\n"
        f"print(ensure_store(read_study(Path({str(small.path)!r}))).digest)"
    )
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    digests = {process.communicate()[0].strip() for process in started}
    assert digests == {ensure_store(small).digest}
    assert len([path for path in small.store_folder.iterdir() if path.is_dir()]) == 1
