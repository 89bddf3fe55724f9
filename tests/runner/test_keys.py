import re
import shutil
import tomllib
from importlib.metadata import version

import pytest

from attendlib.intake.share import checkout
from attendlib.records.study import Study
from attendlib.runner import keys
from attendlib.runner.keys import FIGURES_FROM, PAGES_FROM, digest, versions

NOT_IN_A_PAGE = {"jupyterlab", "platformdirs", "rich", "typer"}


def test_every_dependency_is_in_the_key_or_known_not_to_matter() -> None:
    text = (checkout() / "pyproject.toml").read_text(encoding="utf-8")
    needed = {re.split(r"[<>=\[ ]", line)[0] for line in tomllib.loads(text)["project"]["dependencies"]}
    assert needed <= {*FIGURES_FROM, *PAGES_FROM} | NOT_IN_A_PAGE


def test_versions_are_those_installed() -> None:
    assert versions(("duckdb",))["duckdb"] == version("duckdb")


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [2, "é"]}) == digest({"b": [2, "é"], "a": 1})
    assert digest([1, 2]) != digest([2, 1])


@pytest.mark.parametrize(
    ("file", "report", "page"),
    [
        ("stats/ols.py", True, True),
        ("runner/kernel.py", True, True),  # seeds
        ("runner/place.py", True, True),  # threads
        ("export/page.py", False, True),
        ("runner/batch.py", False, False),
        ("cli.py", False, False),
    ],
)
def test_what_a_changed_file_of_ours_puts_out_of_date(monkeypatch, tmp_path, file, report, page) -> None:
    package = tmp_path / "attendlib"
    shutil.copytree(keys.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(keys, "PACKAGE", package)
    study = Study.model_construct(study="s", title="T", notebooks={})

    def both() -> tuple[str, str]:
        keys._sources.cache_clear()
        key = keys.report_key(study, "", "", {"cells": []}, {})
        return key, keys.page_key(key)

    before = both()
    (package / file).write_text((package / file).read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    after = both()
    keys._sources.cache_clear()
    assert [one != other for one, other in zip(before, after, strict=True)] == [report, page]
