"""docs/data-format.md says what the tables and the codes are, and its examples are a folder that passes the checks."""

import re
from pathlib import Path

import pytest
from smalltrust import STUDY, study
from trust import Trust

from attendlib.facts.codes import codes
from attendlib.intake.tables import check_study
from attendlib.records.tables import TABLES, Column

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data-format.md"
TYPES = {"text": "text", "integer": "whole number", "number": "number", "date": "date", "flag": "0 or 1",
         "academic_year": "academic year"}  # fmt: skip
SESSIONS = {
    "present": "present", "approved": "present (approved activity)", "authorised": "authorised absence",
    "unauthorised": "unauthorised absence", "not_possible": "not a possible session", "no_mark": "no mark",
}  # fmt: skip


def sections() -> dict[str, str]:
    """The text under each heading of the second level."""
    found = (part.partition("\n") for part in re.split(r"(?m)^## ", PAGE.read_text(encoding="utf-8"))[1:])
    return {title.strip("`"): body for title, _, body in found}


def rows(body: str) -> list[list[str]]:
    """The cells of a section's table, without its heading."""
    lines = [line.strip("|").split(" | ") for line in body.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line] for line in lines]


def column(c: Column) -> list[str]:
    """A column's cells but the last, as the page writes them."""
    needed = "no" if not c.required else "yes; may be empty" if c.may_be_empty else "yes"
    return [f"`{c.name}`", needed, ", ".join(f"`{value}`" for value in c.allowed) or TYPES[c.kind]]


def test_every_table_has_a_section_in_order() -> None:
    assert [title for title in sections() if title in TABLES] == list(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_every_column_is_told(name: str) -> None:
    table, body = TABLES[name], sections()[name]
    told = rows(body)
    assert [row[:-1] for row in told] == [column(c) for c in table.columns]
    assert all(row[-1] for row in told)
    key = ", ".join(f"`{part}`" for part in table.key)
    assert f"A row is {table.row}; no two rows may share {key}." in " ".join(body.split())


def test_every_code_is_told() -> None:
    (body,) = (text for title, text in sections().items() if title.startswith("The codes"))
    assert rows(body) == [
        [f"`{c.code}`", str(c.valid_from), str(c.valid_to or ""), SESSIONS[c.session], f"`{c.kind}`" if c.kind else "",
         c.meaning]
        for c in codes()
    ]  # fmt: skip


def test_every_key_of_the_truth_is_told(trust: Trust) -> None:
    (body,) = (text for title, text in sections().items() if title.startswith("truth.json"))
    assert {row[0].strip("`") for row in rows(body)} == set(trust.truth)


def examples() -> dict[str, str]:
    """Each table's example rows."""
    return {name: re.findall(r"(?s)```csv\n(.*?)```", sections()[name])[0] for name in TABLES}


def test_the_examples_together_pass_the_checks(tmp_path: Path) -> None:
    assert all(len(text.splitlines()) >= 2 for text in examples().values())
    found = check_study(study(tmp_path, examples(), text=STUDY))
    assert found.problems == ()
    assert found.notes == ()


@pytest.mark.parametrize("name", TABLES)
def test_an_example_shows_every_column_that_is_needed(name: str) -> None:
    shown = set(examples()[name].splitlines()[0].split(","))
    assert {c.name for c in TABLES[name].columns if c.required} <= shown <= set(TABLES[name].names())
