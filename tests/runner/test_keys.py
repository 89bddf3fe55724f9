import re
import tomllib
from importlib.metadata import version

from attendlib.intake.share import checkout
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
