"""The demo makes its own study file and data where there are none, once."""

from pathlib import Path

import pytest

from attendlib.intake import demo
from attendlib.intake.share import share
from attendlib.intake.study import read_study


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, int]]:
    """The trusts written from here on: a folder with one file instead of a whole trust."""
    calls: list[tuple[Path, int]] = []

    def write(folder: Path, *, seed: int) -> None:
        calls.append((folder, seed))
        folder.mkdir(parents=True)
        (folder / "schools.csv").write_text("school,name,phase\n")

    monkeypatch.setattr(demo, "write_trust", write)
    return calls


def test_first_use_makes_study_and_data(tmp_path: Path, made: list[tuple[Path, int]]) -> None:
    path = demo.demo_study(tmp_path)
    assert path == tmp_path / "params" / "demo-trust.yml"
    assert path.read_bytes() == (share("params") / "demo-trust.yml").read_bytes()
    study_file = read_study(path)
    assert [seed for _, seed in made] == [study_file.study.seed]
    assert sorted(item.name for item in study_file.data_folder.iterdir()) == ["schools.csv"]


def test_second_use_makes_nothing(tmp_path: Path, made: list[tuple[Path, int]]) -> None:
    assert demo.demo_study(tmp_path) == demo.demo_study(tmp_path)
    assert len(made) == 1


def test_a_changed_copy_is_brought_up_to_date(tmp_path: Path, made: list[tuple[Path, int]]) -> None:
    path = demo.demo_study(tmp_path)
    path.write_text("study: old\n")
    assert demo.demo_study(tmp_path).read_bytes() == (share("params") / "demo-trust.yml").read_bytes()
    assert len(made) == 1
