"""`attend randomise`: fair, blocked, the same for the same list on any machine, drawn once, and nothing given away."""

import csv
import hashlib
import json
import random
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from attendlib.errors import DataError, StudyError
from attendlib.intake.lots import draw_places, draw_shares, rounded_fairly
from attendlib.intake.randomise import Drawn, randomise
from attendlib.intake.study import read_study

ARMS = ["calls", "usual"]


def units(n: int, stem: str = "P") -> list[str]:
    return [f"{stem}{i:03d}" for i in range(n)]


def test_the_draw_is_the_same_whatever_the_order_of_the_list() -> None:
    listed = units(41)
    shuffled = random.Random(3).sample(listed, 41)
    assert draw_shares({"a": listed}, ARMS, [1, 1], 7, "t") == draw_shares({"a": shuffled}, ARMS, [1, 1], 7, "t")


def test_the_draw_is_the_one_written_down() -> None:
    """Kept as found once: another machine, Python or release must draw the same."""
    drawn = draw_shares({"a": units(12), "b": units(5, "Q")}, ["calls", "letters", "usual"], [1, 1, 1], 2026, "trial")
    text = json.dumps(drawn, sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == WRITTEN_DOWN


WRITTEN_DOWN = "6e61496cca6a71aa"


@pytest.mark.parametrize(("seed", "trial"), [(8, "t"), (7, "u")])
def test_another_seed_or_trial_draws_anew(seed: int, trial: str) -> None:
    blocks = {"a": units(60)}
    assert draw_shares(blocks, ARMS, [1, 1], seed, trial) != draw_shares(blocks, ARMS, [1, 1], 7, "t")


@pytest.mark.parametrize("shares", [[1, 1], [2, 1], [3, 1]])
@pytest.mark.parametrize("size", [1, 2, 7, 24])
def test_each_block_holds_its_shares_as_nearly_as_it_can(shares: list[int], size: int) -> None:
    for seed in range(20):
        counts = Counter(draw_shares({"a": units(size)}, ARMS, shares, seed, "t").values())
        for arm, share in zip(ARMS, shares, strict=True):
            assert abs(counts[arm] - size * share / sum(shares)) < 1


def test_every_pupil_has_the_same_chance() -> None:
    """A block of 5 and one of 3, two arms of two to one: 3,000 draws, within 4 standard errors of two thirds."""
    blocks = {"a": units(5), "b": units(3, "Q")}
    counts: Counter[str] = Counter()
    for seed in range(3000):
        drawn = draw_shares(blocks, ARMS, [2, 1], seed, "t")
        counts.update(unit for unit, arm in drawn.items() if arm == "calls")
    for unit in (*blocks["a"], *blocks["b"]):
        assert counts[unit] / 3000 == pytest.approx(2 / 3, abs=4 * (2 / 9 / 3000) ** 0.5)


def test_pairs_of_a_block_are_not_tied() -> None:
    """In a block of 4 each of the 6 pairs is drawn equally often: chi-square with 5 df under its 0.9999 quantile."""
    pairs: Counter[frozenset[str]] = Counter()
    for seed in range(3000):
        drawn = draw_shares({"a": units(4)}, ARMS, [1, 1], seed, "t")
        pairs[frozenset(unit for unit, arm in drawn.items() if arm == "calls")] += 1
    assert len(pairs) == 6
    assert sum((count - 500) ** 2 / 500 for count in pairs.values()) < 25.7


def test_places_are_all_given_and_shared_over_blocks_by_size() -> None:
    blocks = {"a": units(30), "b": units(11, "Q"), "c": units(4, "R")}
    chances: Counter[str] = Counter()
    for seed in range(1500):
        drawn = draw_places(blocks, ["calls", "waiting"], 20, seed, "t")
        assert Counter(drawn.values())["calls"] == 20
        for listed in blocks.values():
            given = sum(drawn[unit] == "calls" for unit in listed)
            assert abs(given - 20 * len(listed) / 45) < 1
        chances.update(unit for unit, arm in drawn.items() if arm == "calls")
    for unit in ("P000", "P029", "Q005", "R003"):
        assert chances[unit] / 1500 == pytest.approx(20 / 45, abs=4 * (20 * 25 / 45**2 / 1500) ** 0.5)


@pytest.mark.parametrize("places", [45, 46, 0])
def test_places_for_everyone_or_nobody_are_refused(places: int) -> None:
    with pytest.raises(ValueError, match="nobody would be left"):
        draw_places({"a": units(45)}, ["calls", "waiting"], places, 1, "t")


def test_rounding_keeps_the_sum() -> None:
    for seed in range(200):
        wanted = {"a": Fraction(7, 3), "b": Fraction(1, 3), "c": Fraction(10, 3)}
        found = rounded_fairly(wanted, (seed,))
        assert sum(found.values()) == 6
        assert all(abs(found[name] - wanted[name]) < 1 for name in wanted)


# From a study's own data


PUPILS = 24  # in each of three schools; the last one of each missed little, the first has left
LEFT_OUT = {"Left the school": 3, "No attendance in the window": 3, "Missed under 10% in the window": 3}


def write(folder: Path, section: dict[str, Any], **changed: Any) -> Path:
    """Three schools; who missed 10% or more in half-term 1 of 2024/25, by half-terms."""
    data = folder / "data"
    data.mkdir(parents=True)
    schools = ["900001", "900002", "900003"]
    names = {school: [f"{school[-1]}X{i:02d}" for i in range(PUPILS)] for school in schools}
    common = {"phase": "secondary", "hub": "north"}
    table(data, "schools", [{"school": s, "name": f"School {s}", **common} for s in schools])
    halves = (("1", "2024-09-02", "2024-10-25"), ("2", "2024-11-04", "2024-12-20"))
    columns = ("academic_year", "half_term", "start_date", "end_date")
    table(data, "calendar", [dict(zip(columns, ("2024/25", *half), strict=True)) for half in halves])
    table(data, "pupils", [
        {"pupil": p, "school": s, "academic_year": "2024/25", "year_group": 8 + i % 2, "fsm6": "" if i == 3 else i % 2,
         "leaving_date": "2024-10-01" if i == 0 else ""}
        for s, listed in names.items() for i, p in enumerate(listed)
    ])  # fmt: skip
    table(data, "attendance", [
        {"pupil": p, "school": s, "academic_year": "2024/25", "period": half, "possible": 70,
         "authorised": 6 if i == PUPILS - 1 else 7, "unauthorised": 0}
        for s, listed in names.items() for i, p in enumerate(listed) for half in ("1", "2") if (i, half) != (1, "1")
    ])  # fmt: skip
    study = folder / "params" / "study.yml"
    study.parent.mkdir()
    written = {"study": "draw", "title": "A draw", "data": "../data", "key_file": "../key", "seed": 11,
               "academic_year": "2024/25", "notebooks": {"trial_evaluation": {
                   "trial": "calls_2025", "design": "pupil", "control": "usual", "outcome": "absence"}},
               "randomise": {"trial": "calls_2025", "arms": ARMS, **section}, **changed}  # fmt: skip
    study.write_text(yaml.safe_dump(written), encoding="utf-8")
    return study


def table(data: Path, name: str, rows: list[dict[str, Any]]) -> None:
    with (data / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


WINDOW = {"absence_pct_at_least": 10, "window": {"from": "2024-09-01", "to": "2024-10-31"}}


def draw(study: Path) -> Drawn:
    return randomise(read_study(study))


def allocation(study: Path) -> list[dict[str, str]]:
    with (study.parent.parent / "data" / "allocation.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_list_from_the_rule_is_drawn_in_blocks_and_logged(tmp_path: Path) -> None:
    study = write(tmp_path, {"block": ["school", "year_group"], "eligible": WINDOW, "randomised_on": "2024-11-01"})
    drawn = draw(study)
    rows = allocation(study)
    assert drawn.left_out == LEFT_OUT
    assert len(rows) == 3 * (PUPILS - 3)
    assert list(rows[0]) == ["trial", "pupil", "school", "arm", "block", "randomised_on", "list_order"]
    for block in {row["block"] for row in rows}:
        counts = Counter(row["arm"] for row in rows if row["block"] == block)
        assert abs(counts["calls"] - counts["usual"]) <= 1
    assert {row["block"] for row in rows} == {f"90000{s} / {y}" for s in (1, 2, 3) for y in (8, 9)}
    log = json.loads((tmp_path / "data" / "allocation-calls_2025.log.json").read_text(encoding="utf-8"))
    assert log["units"] == Counter(row["arm"] for row in rows)
    assert (log["seed"], log["left_out"], log["choices"]["eligible"]["absence_pct_at_least"]) == (11, LEFT_OUT, 10)


def test_neither_log_nor_words_hold_an_identifier(tmp_path: Path) -> None:
    study = write(tmp_path, {"block": ["school"]})
    said = "\n".join(draw(study).lines())
    log = (tmp_path / "data" / "allocation-calls_2025.log.json").read_text(encoding="utf-8")
    for row in allocation(study):
        assert row["pupil"] not in log + said
    assert str(tmp_path) not in log + said
    assert "Left the school: 3" in said


def test_the_same_study_elsewhere_writes_the_same_bytes(tmp_path: Path) -> None:
    one, two = (write(tmp_path / name, {"block": ["fsm6"]}) for name in ("one", "two"))
    shuffle_rows(tmp_path / "two" / "data" / "pupils.csv")
    assert draw(one) == draw(two)
    for name in ("allocation.csv", "allocation-calls_2025.log.json"):
        assert (tmp_path / "one/data" / name).read_bytes() == (tmp_path / "two/data" / name).read_bytes()
    assert {row["block"] for row in allocation(one)} == {"0", "1", "unknown"}


def shuffle_rows(path: Path) -> None:
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([head, *random.Random(1).sample(rows, len(rows))]) + "\n", encoding="utf-8")


def test_a_trial_is_drawn_once(tmp_path: Path) -> None:
    study = write(tmp_path, {})
    draw(study)
    before = (tmp_path / "data" / "allocation.csv").read_bytes()
    with pytest.raises(StudyError, match=r"allocation-calls_2025\.log\.json: the trial calls_2025 was drawn before"):
        draw(study)
    (tmp_path / "data" / "allocation-calls_2025.log.json").unlink()
    with pytest.raises(StudyError, match="it holds the trial calls_2025 already"):
        draw(study)
    assert (tmp_path / "data" / "allocation.csv").read_bytes() == before


def test_rows_of_other_trials_stay(tmp_path: Path) -> None:
    study = write(tmp_path, {})
    old = {"trial": "old", "pupil": "1X05", "school": "900001", "arm": "b", "note": "n"}
    table(tmp_path / "data", "allocation", [old])
    draw(study)
    rows = allocation(study)
    assert {name: rows[0][name] for name in old} == old
    assert Counter(row["trial"] for row in rows) == {"old": 1, "calls_2025": 3 * (PUPILS - 1)}


def test_whole_schools(tmp_path: Path) -> None:
    study = write(tmp_path, {"unit": "school", "block": ["hub"]})
    with pytest.raises(StudyError, match="3 schools are on the list: fewer than two would be in"):
        draw(study)
    four = read_study(study).data_folder
    for name, row in (("schools", "900004,School 900004,secondary,north"), ("pupils", "4X00,900004,2024/25,8,1,")):
        with (four / f"{name}.csv").open("a", encoding="utf-8") as file:
            file.write(f"{row}\n")
    drawn = draw(study)
    assert drawn.units == {"calls": 2, "usual": 2}
    rows = allocation(study)
    assert all(row["cluster"] == row["school"] for row in rows)
    assert all(len({row["arm"] for row in rows if row["school"] == s}) == 1 for s in {row["school"] for row in rows})


def test_a_waiting_list(tmp_path: Path) -> None:
    study = write(tmp_path, {"arms": ["calls", "waiting"], "places": 10, "block": ["school"]})
    assert draw(study).units == {"calls": 10, "waiting": 3 * (PUPILS - 1) - 10}


def test_small_blocks_are_told(tmp_path: Path) -> None:
    drawn = draw(write(tmp_path, {"arms": ["a", "b", "c"], "block": ["school", "fsm6"]}))
    assert drawn.notes == ("3 of 9 blocks are too small to hold every arm: nothing is compared inside them.",)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"block": ["hair"]}, "`randomise.block` names hair"),
        ({"unit": "school", "block": ["fsm6"]}, "which is no column to draw schools in blocks of"),
        ({"arms": ["calls", "waiting"], "places": 400}, "nobody would be left"),
        ({"year_group": 13}, "0 pupils are on the list: fewer than two"),
        ({"shares": [1, 1, 1]}, "3 numbers for 2 arms"),
        ({"arms": ["a", "a"]}, "names an arm twice"),
        ({"arms": ["a", "b", "c"], "places": 3}, "`places` needs two arms"),
        ({"aarms": 1}, "Did you mean `arms`"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_nothing_is_written(tmp_path: Path, section, says) -> None:
    study = write(tmp_path, section)
    with pytest.raises(StudyError, match=says):
        draw(study)
    assert not list((tmp_path / "data").glob("*allocation*"))


def test_no_section(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="it has no section `randomise`"):
        draw(write(tmp_path, {}, randomise=None))


def test_a_pupil_in_two_schools_is_refused(tmp_path: Path) -> None:
    study = write(tmp_path, {})
    with (tmp_path / "data" / "pupils.csv").open("a", encoding="utf-8") as file:
        file.write("1X05,900002,2024/25,8,1,\n")
    with pytest.raises(DataError, match="1 row: pupils enrolled in more than one school"):
        draw(study)


def test_a_draw_loads_no_numbers_library() -> None:
    """Lots rest on the standard library and DuckDB alone, so no release of another package can change them."""
    code = "import sys, attendlib.intake.randomise; print({'pandas', 'numpy', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
