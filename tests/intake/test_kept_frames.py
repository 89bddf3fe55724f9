"""Frames kept in the store: the second time the same rows and types, whatever the disk does."""

from pathlib import Path

import pandas as pd
import pytest

from attendlib.intake import kept
from attendlib.intake.store import Store

QUERIES = [
    "SELECT range::INTEGER AS n, 'pupil ' || range AS pupil, DATE '2024-09-02' + range::INTEGER AS day FROM range(5)",
    "SELECT unnest([1, NULL, 3]) AS gaps, unnest(['a', NULL, 'é']) AS text, unnest([true, false, true]) AS flag",
    "SELECT NULL::VARCHAR AS text, NULL::INTEGER AS number, NULL::DATE AS day, NULL::DOUBLE AS share FROM range(2)",
    "SELECT range AS n, 'x' AS text, DATE '2024-09-02' AS day, 0.1::DOUBLE AS share FROM range(3) WHERE false",
]


@pytest.fixture(autouse=True)
def _nothing_held() -> None:
    kept._held.cache_clear()


def another_kernel(store: Store, query: str) -> pd.DataFrame:
    """The frame as a kernel has it that was not asked before."""
    kept._held.cache_clear()
    return kept.kept_frame(store, query)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "", {}, (), {}, ())


@pytest.mark.parametrize("query", QUERIES)
def test_a_kept_frame_is_the_frame(store: Store, query: str) -> None:
    first, second, third = kept.kept_frame(store, query), kept.kept_frame(store, query), another_kernel(store, query)
    for each in (first, second, third):
        pd.testing.assert_frame_equal(each, kept.frame(query))


def test_it_is_read_once_and_may_be_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = kept.kept_frame(store, QUERIES[0])
    monkeypatch.setattr(kept, "frame", lambda query: pytest.fail("read again"))
    again = kept.kept_frame(store, QUERIES[0])
    again.loc[0, "n"] = 99
    again["n"] += 1
    for each in (kept.kept_frame(store, QUERIES[0]), another_kernel(store, QUERIES[0])):
        pd.testing.assert_frame_equal(each, expected)
    pd.testing.assert_frame_equal(kept.kept_frame(store, QUERIES[0], ["day", "n"]), expected[["day", "n"]])


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b"half a fi"), lambda path: path.write_bytes(b"")])
def test_a_file_that_cannot_be_read_is_made_again(store: Store, harm) -> None:
    expected = kept.kept_frame(store, QUERIES[1])
    (path,) = (store.folder / kept.FOLDER).iterdir()
    harm(path)
    pd.testing.assert_frame_equal(another_kernel(store, QUERIES[1]), expected)
    assert [each.stat().st_size > 100 for each in (store.folder / kept.FOLDER).iterdir()] == [True]


def test_a_frame_too_large_or_a_place_that_cannot_be_written_to_is_only_not_kept(store: Store, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(kept, "MOST_BYTES", 10)
        assert len(another_kernel(store, QUERIES[0])) == 5
    assert not (store.folder / kept.FOLDER).exists()
    (store.folder / kept.FOLDER).write_text("a file where the folder must go")
    assert len(another_kernel(store, QUERIES[0])) == 5
