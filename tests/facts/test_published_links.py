"""The published figures set beside a school's link are those of the list of published figures, each with its source."""

import csv
import re

import pytest
from shared import shared

from attendlib.facts.published_links import days_estimates, published_links

SOURCES = {"DfE, The link between absence": "EES: link", "DfE, The link between attendance": "DfE 2025: link",
           "Children's Commissioner": "Children's Commissioner"}  # fmt: skip


def listed(publication: str) -> set[float]:
    with shared("dfe/published.csv").open(encoding="utf-8", newline="") as file:
        start = next(theirs for ours, theirs in SOURCES.items() if publication.startswith(ours))
        rows = [row for row in csv.DictReader(file) if row["source"].startswith(start)]
    return {float(row["value"]) for row in rows if row["seen_or_memory"] == "seen"}


@pytest.mark.parametrize("measure", ["ks2_average", "attainment8"])
def test_every_figure_was_seen_in_print(measure: str) -> None:
    for found in published_links(measure):
        numbers = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", found.figure)}
        assert numbers
        assert numbers <= listed(found.publication), found.figure
        assert found.academic_year
        assert found.differs
        assert found.source


def test_a_measure_without_a_key_stage_has_none() -> None:
    assert published_links("maths") == ()
    assert {found.stage for found in published_links("ks2_read")} == {"ks2"}
    assert {found.stage for found in published_links("gcse_maths")} == {"ks4"}


def test_days_are_per_day() -> None:
    """10 days go with 5.8% and 3% of a standard deviation; 0.3 to 0.4% a day."""
    ten = {(found.study.split()[0], found.subject): 10 * found.sd_per_day_high for found in days_estimates()}
    assert ten == pytest.approx(
        {("Sims", "test scores"): 0.04, ("Aucejo", "maths"): 0.058, ("Aucejo", "reading"): 0.03}
    )
