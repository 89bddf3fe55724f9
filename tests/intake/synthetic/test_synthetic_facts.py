"""The calibration targets against the files they were derived from."""

import numpy as np
import pandas as pd
import pytest
from shared import shared

from attendlib.intake.synthetic.national import CELLS, absence_rate, cell_shares, per_thousand, persistent, rows


def bands() -> pd.DataFrame:
    frame = pd.read_csv(shared("dfe/absence_bands_national.csv"))
    return frame[(frame.time_period == 202223) & (frame.school_type != "Special")]


def share(frame: pd.DataFrame) -> float:
    every = [c for c in frame if c.startswith("b")]
    return float(100 * frame[every[2:]].to_numpy().sum() / frame[every].to_numpy().sum())


@pytest.mark.parametrize("year_group", range(1, 12))
def test_year_groups_are_those_of_the_bands_file(year_group: int) -> None:
    frame = bands()
    frame = frame[frame.NCyearActual == year_group]
    assert persistent(str(year_group)) == pytest.approx(share(frame), abs=0.001)
    eligible = frame[frame.fsm_eligible == "Eligible"]
    assert persistent(str(year_group), fsm="1") == pytest.approx(share(eligible), abs=0.001)


def test_support_and_plans_together_are_any_sen() -> None:
    two = [r for r in rows("national_absence.csv") if r["scope"] == "mainstream" and r["sen"] in "KE"]
    weights = [float(r["enrolments"]) for r in two]
    mean = np.average([float(r["persistent_pct"]) for r in two], weights=weights)
    assert mean == pytest.approx(persistent(sen="any"), abs=0.01)


def test_codes_are_those_of_the_published_file() -> None:
    frame = pd.read_csv(shared("dfe/published.csv"))
    kept = frame[(frame.year == "2024/25") & (frame.group == "Secondary") & frame.measure.str.contains("per 1000")]
    illness = kept[kept.band == "reason_i_authorised_illness"].value.iloc[0]
    assert per_thousand("2024/25", "secondary")["I"] == pytest.approx(illness)


@pytest.mark.parametrize("name", ["national_absence.csv", "code_mix.csv"])
def test_every_row_has_a_source(name: str) -> None:
    assert all(row["source"] for row in rows(name))


@pytest.mark.parametrize("year_group", [1, 6, 7, 11])
def test_rates_drawn_from_a_cell_give_back_its_shares(year_group: int) -> None:
    assert cell_shares(year_group).sum() == pytest.approx(1)
    z = np.random.default_rng(0).standard_normal(200_000)
    for number, (fsm, sen, sex) in enumerate(CELLS):
        rate = absence_rate(np.full(len(z), year_group), np.full(len(z), number), z)
        target = persistent(str(year_group), str(fsm), ("none", "any")[sen], "MF"[sex])
        assert 100 * (rate >= 0.1).mean() == pytest.approx(target, abs=0.4)
