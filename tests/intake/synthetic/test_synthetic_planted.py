"""What was planted can be found again: counted from the marks, with and without it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from trusts import ABSENT, OUTSIDE, query

from attendlib.intake.synthetic.calls import fewer_absences
from attendlib.intake.synthetic.write import Truth, write_trust

Made = tuple[Path, Truth]


def window(folder: Path) -> pd.DataFrame:
    """Absent and possible sessions of the eligible: the year before, the selection window, and from the start on."""
    spans = {"before": "date < '2024-08-01'", "chosen_on": "date BETWEEN '2024-09-01' AND '2024-12-31'"}
    spans["after"] = "date >= '2025-01-06'"
    sums = ", ".join(
        f"count(*) FILTER (code IN {ABSENT} AND {w}) AS absent_{n}, "
        f"count(*) FILTER (code NOT IN {OUTSIDE} AND {w}) AS possible_{n}"
        for n, w in spans.items()
    )
    return query(
        folder,
        f"""SELECT pupil, status, start_date IS NOT NULL AS started, {sums}
            FROM {{interventions}} JOIN {{marks}} USING (pupil) WHERE intervention = 'tutor_calls'
            GROUP BY ALL ORDER BY pupil""",
    )


def test_the_eligible_are_those_at_ten_percent_in_the_selection_window(large: Made) -> None:
    rows = window(large[0])
    assert (10 * rows.absent_chosen_on >= rows.possible_chosen_on).all()
    assert len(rows) == large[1].values["intervention"]["eligible"]
    worse = rows.groupby("started")[["absent_chosen_on", "possible_chosen_on"]].sum()
    rate = worse.absent_chosen_on / worse.possible_chosen_on
    assert rate[True] > rate[False] + 0.03  # the worse the record, the likelier a referral
    assert set(rows.status) == {"eligible", "referred", "started", "finished", "left"}


def test_without_the_calls_only_treated_pupils_from_the_start_on_differ(small: Made, tmp_path: Path) -> None:
    write_trust(tmp_path, schools=3, pupils=660, effect_days=0.0)
    with_calls, without = window(small[0]), window(tmp_path)
    assert list(with_calls.pupil) == list(without.pupil)
    fewer = without.absent_after - with_calls.absent_after
    assert (fewer[~with_calls.started] == 0).all()
    assert (without.absent_chosen_on == with_calls.absent_chosen_on).all()
    treated = fewer[with_calls.started & (with_calls.possible_after > 0)]
    truth = small[1].values["intervention"]["started"]
    assert treated.mean() / 2 == pytest.approx(truth["realised_days_in_window"])
    assert truth["realised_days_a_year"] == pytest.approx(6.0, abs=0.5)


def test_the_planted_days_are_realised(large: Made) -> None:
    truth = large[1].values["intervention"]
    assert truth["started"]["realised_days_a_year"] == pytest.approx(6.0, abs=0.1)
    share = truth["started"]["n"] / truth["referred"]["n"]
    assert truth["referred"]["realised_days_a_year"] == pytest.approx(6.0 * share, abs=0.1)


def test_before_and_after_flatters_and_a_fair_comparison_does_not(large: Made) -> None:
    rows = window(large[0]).query("possible_before > 0 and possible_after > 0")
    before, chosen, after = (rows[f"absent_{n}"] / rows[f"possible_{n}"] for n in ("before", "chosen_on", "after"))
    fell = 190 * (chosen - after)
    assert fell[rows.started].mean() > 12  # twice what was planted
    assert fell[~rows.started].mean() > 5  # most of it happens to the untreated too
    bends = [np.maximum(x - q, 0) for x in (before, chosen) for q in x.quantile([0.25, 0.5, 0.75])]
    x = np.column_stack([np.ones(len(rows)), rows.started, before, chosen, *bends]).astype(float)
    fit, *_ = np.linalg.lstsq(x, after.to_numpy(), rcond=None)
    left = after.to_numpy() - x @ fit
    error = 190 * np.sqrt((left**2).mean() * np.linalg.inv(x.T @ x)[1, 1])
    assert -190 * fit[1] == pytest.approx(6.0, abs=3 * error)
    assert 3 * error < 6.0  # and it would have seen none


@pytest.mark.parametrize(("effect", "expected"), [(19.0, 5.0), (0.0, 0.0), (-19.0, -5.0), (400.0, 15.0)])
def test_fewer_absences_known_answers(effect: float, expected: float) -> None:
    """50 possible sessions, 10 and 20 missed: 19 days a year of 190 are a tenth, 5 sessions."""
    rng = np.random.default_rng(1)
    score = rng.random((2, 25, 2))
    order = score.reshape(2, -1).argsort(axis=1).argsort(axis=1).reshape(score.shape)
    absent = order >= np.array([40, 30])[:, None, None]
    every = np.ones_like(absent)
    after = fewer_absences(score, absent, every, effect, np.array([50, 50]), rng)
    assert (absent.sum() - after.sum()) / 2 == pytest.approx(expected)
    assert not (after & ~absent).any() or effect < 0


def test_the_dip_is_added_to_year_7_alone_and_is_what_was_planted(large: Made, tmp_path: Path) -> None:
    truth = large[1].values["dip"]
    for group, planted in truth["planted_points"].items():
        assert truth["realised_extra_points"][group]["points"] == pytest.approx(planted, abs=0.15)
    flat = write_trust(tmp_path, schools=3, pupils=660, dip_points=0.0, dip_points_fsm6=0.0).values["dip"]
    assert flat["realised_extra_points"]["all"]["points"] == 0


def test_the_step_into_year_7_exceeds_the_step_before_by_the_dip(large: Made) -> None:
    steps = {s["from_year_group"]: s for s in large[1].values["dip"]["steps"]}
    planted = large[1].values["dip"]["planted_points"]
    for group, tolerance in (("fsm6=0", 0.9), ("fsm6=1", 2.5)):  # 3 standard errors of a difference of steps
        step = steps[6][group]["points"] - steps[5][group]["points"]
        assert step == pytest.approx(planted[group], abs=tolerance)


def test_the_link_is_found_given_prior_and_characteristics(large: Made) -> None:
    links = {(row["measure"], row["academic_year"]): row for row in large[1].values["link"]}
    assert len(links) == 4
    for (measure, _), tolerance in zip(links, (0.5, 0.5, 0.45, 0.2), strict=True):
        row = links[measure, _]
        assert row["least_squares_points"] == pytest.approx(row["planted_points"], abs=tolerance)
        assert row["least_squares_points_unadjusted"] < row["least_squares_points"]  # confounded, as in life


def test_the_link_recomputed_from_the_files(small: Made) -> None:
    """Attainment 8 on absence of Year 11 over half-terms 1 to 5, given Key Stage 2 and characteristics."""
    frame = query(
        small[0],
        f"""WITH absence AS (SELECT pupil, school, 100.0 * count(*) FILTER (code IN {ABSENT})
                / count(*) FILTER (code NOT IN {OUTSIDE}) AS rate
                FROM {{marks}} JOIN {{calendar}} ON date BETWEEN start_date::DATE AND end_date::DATE
                WHERE academic_year = '2024/25' AND half_term <= '5' GROUP BY ALL)
            SELECT a.value::DOUBLE AS y, rate, p.value::DOUBLE AS prior, u.*
            FROM {{attainment}} a JOIN {{attainment}} p USING (pupil)
            JOIN {{pupils}} u ON u.pupil = a.pupil AND u.academic_year = a.academic_year
            JOIN absence ON absence.pupil = u.pupil AND absence.school = u.school
            WHERE a.measure = 'attainment8' AND a.academic_year = '2024/25' AND p.measure = 'ks2_average'
              AND p.academic_year < '2024/25' AND a.value IS NOT NULL AND p.value IS NOT NULL""",
    )
    sen = frame.sen.to_numpy()
    columns = [frame.rate, frame.prior, frame.fsm6, sen == "K", sen == "E", frame.sex == "F", frame.eal]
    x = np.column_stack([np.ones(len(frame)), *(np.asarray(c).astype(float) for c in columns)])
    found = 8 * np.linalg.lstsq(x, frame.y, rcond=None)[0][1]
    (row,) = (r for r in small[1].values["link"] if (r["measure"], r["academic_year"]) == ("attainment8", "2024/25"))
    assert (row["n"], row["least_squares_points"]) == (len(frame), pytest.approx(found))
