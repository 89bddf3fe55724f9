"""The plain words for measures and groups of pupils."""

import csv
from functools import cache
from importlib.resources import files

AUDIENCES = {  # who may read a page
    "internal": "staff of the school; not to be published",
    "shareable": "anyone; numbers of pupils are rounded to 5",
}


@cache
def rows_of(name: str) -> tuple[dict[str, str], ...]:
    """The rows of one of this folder's data files, by column name."""
    text = (files("attendlib.facts") / name).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def measure_label(measure: str) -> str:
    """'Attainment 8' for attainment8; an unknown measure keeps its own name, underscores as spaces."""
    labels = {row["name"]: row["label"] for row in rows_of("measures.csv")}
    return labels.get(measure, measure.replace("_", " "))


def measure_unit(measure: str) -> str:
    """'points' for attainment8 and for any measure not listed."""
    return {row["name"]: row["unit"] for row in rows_of("measures.csv")}.get(measure, "points")


def column_label(column: str) -> str:
    """'free school meals in the last six years' for fsm6; an unknown column keeps its own name."""
    return _group_label(column, "") or column.replace("_", " ")


def group_label(group: str) -> str:
    """The words for a row's `group`, written as `fsm6=1;sex=F`; empty is all pupils."""
    if not group:
        return "all pupils"
    parts = (part.partition("=") for part in group.split(";"))
    return ", ".join(_group_label(column, value) or f"{column.replace('_', ' ')} {value}" for column, _, value in parts)


def _group_label(column: str, value: str) -> str:
    return next((r["label"] for r in rows_of("groups.csv") if (r["column"], r["value"]) == (column, value)), "")
