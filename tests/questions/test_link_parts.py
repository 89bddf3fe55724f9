"""attainment_link part by part: each figure found another way, and nobody given away by subtraction."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from link_pupils import PLANTED, asked, made_pupils

from attendlib.questions.common import independent
from attendlib.questions.link.between import pooled_rows, random_intercept_rows
from attendlib.questions.link.contrast import contrast_rows, level_rows, levels_of
from attendlib.questions.link.design import design_of, held_alike
from attendlib.questions.link.gradient import band_rows, never_absent_rows
from attendlib.questions.link.hidden import hidden_rows
from attendlib.questions.link.improvers import improver_rows
from attendlib.questions.link.imputed import imputed_row
from attendlib.questions.link.kinds import kind_rows, short_window_rows, spell_rows
from attendlib.questions.link.logistic import logistic_row
from attendlib.questions.link.missing import bound_rows, missing_rows
from attendlib.records.answer import Row
from attendlib.stats.fit import contrast
from attendlib.stats.ols import ols


def only(rows: tuple[Row, ...], estimate: str, **labels: str) -> Row:
    found = [r for r in rows if r.estimate == estimate and all(getattr(r, k) == v for k, v in labels.items())]
    assert len(found) == 1, (estimate, labels, len(found))
    return found[0]


def table(counts: dict[tuple[int, float], int]) -> pd.DataFrame:
    """Pupils by sessions absent of 100 and result: {(absent, result): pupils}."""
    rows = [(absent, result) for (absent, result), n in counts.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["absent", "result"]).assign(possible=100)
    return frame.assign(absence_pct=100.0 * frame["absent"] / frame["possible"])


# --- the gradient ----------------------------------------------------------------------------------------------------


def test_small_neighbours_are_joined_before_anything_is_withheld() -> None:
    frame = table({(0, 50): 6, (7, 40): 3, (12, 30): 2, (17, 20): 9})
    rows = band_rows(frame, "school", asked())
    assert [(row.group, row.n) for row in rows] == [
        ("absence_band=0-5", 6),
        ("absence_band=5-15", 5),
        ("absence_band=15-100", 9),
        ("", 20),
    ]
    assert rows[1].value == pytest.approx((3 * 40 + 2 * 30) / 5)


def test_bands_of_a_threshold_are_joined_until_both_sides_can_be_told() -> None:
    frame = table({(0, 50): 9, (0, 30): 2, (7, 50): 4, (7, 30): 4, (12, 50): 6, (12, 30): 7, (30, 30): 8, (60, 30): 3})
    rows = band_rows(frame, "school", asked(at_least=40.0))
    assert [(row.group, row.numerator, row.n) for row in rows] == [
        ("absence_band=0-10", 13, 19),
        ("absence_band=10-100", 6, 24),
        ("", 19, 43),
    ]


def test_pupils_with_no_missed_session_are_the_small_group_they_are() -> None:
    frame = table({(0, 60): 7, (3, 50): 9, (12, 30): 8})
    none, some = never_absent_rows(frame, "school", asked())
    assert (none.n, none.value, some.n) == (7, 60, 17)


@pytest.mark.parametrize("rest", [1, 4])
def test_no_missed_session_is_withheld_where_the_first_band_would_give_the_rest_away(rest: int) -> None:
    frame = table({(0, 60): 7, (3, 50): rest, (12, 30): 8})
    assert {row.withheld for row in never_absent_rows(frame, "school", asked())} == {"c"}


def test_levels_are_not_drawn_beyond_their_pupils() -> None:
    frame = made_pupils(1, 120)
    frame = frame[frame["absence_pct"] < 15].reset_index(drop=True)
    assert levels_of(frame, asked()) == [2.0, 5.0, 10.0]
    assert [row.group for row in level_rows(frame, asked())] == [f"absence_pct={pct}" for pct in (2, 5, 10)]


def test_levels_lie_as_far_apart_as_the_contrast_says() -> None:
    frame = made_pupils(2, 150)
    at = {row.group: row.value for row in level_rows(frame, asked())}
    link = only(contrast_rows(frame, "school", asked()), "link", model="adjusted")
    assert at["absence_pct=10"] - at["absence_pct=2"] == pytest.approx(link.value)


def test_a_school_whose_classes_are_known_is_clustered_by_class() -> None:
    frame = made_pupils(2, 160).assign(**{"class": np.tile([f"c{i}" for i in range(10)], 16)})
    row = only(contrast_rows(frame, "school", asked()), "link", model="adjusted")
    design = design_of(frame, held_alike(frame, asked()))
    fit = ols(frame["result"], design.X, cluster=frame["class"].to_numpy())
    expected = contrast(fit, design.between(10, 2))
    assert (row.value, row.se, row.n_groups) == (pytest.approx(expected.value), pytest.approx(expected.se), 10)
    few = frame.assign(**{"class": np.tile(["a", "b"], 80)})
    assert only(contrast_rows(few, "school", asked()), "link", model="adjusted").n_groups is None


def test_month_of_birth_runs_from_september_to_august() -> None:
    frame = made_pupils(1, 60).assign(birth_month=np.tile(np.arange(1, 13), 5))
    extra = held_alike(frame, asked(prior=None, adjust_for=("birth_month",)))
    assert extra["birth_month"].tolist()[:12] == [4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3]


# --- something not recorded ------------------------------------------------------------------------------------------


def test_robustness_is_that_of_the_contrast_and_a_cause_so_strong_removes_it() -> None:
    frame = made_pupils(4, 200)
    rows = hidden_rows(frame, asked())
    design = design_of(frame, held_alike(frame, asked()))
    test = sm.OLS(frame["result"], design.X).fit().t_test(design.between(10, 2).to_numpy())
    f = abs(test.tvalue.item()) / (len(frame) - design.X.shape[1]) ** 0.5
    needed = 100 * (np.sqrt(f**4 + 4 * f**2) - f**2) / 2
    assert only(rows, "robustness_value", group="brings=estimate").value == pytest.approx(needed)
    one, two = (only(rows, "link_if_hidden", group=f"times={k};within=fsm6") for k in (1, 2))
    assert test.effect.item() < one.value < two.value  # type: ignore[operator]


def test_an_e_value_is_given_for_a_threshold_alone() -> None:
    frame = made_pupils(4, 200)
    share = hidden_rows(frame, asked(at_least=48.0))
    at = {row.group: row.value for row in level_rows(frame, asked(at_least=48.0))}
    ratio = at["absence_pct=2"] / at["absence_pct=10"]
    ratio = max(ratio, 1 / ratio)
    expected = ratio + np.sqrt(ratio * (ratio - 1))
    assert only(share, "e_value", group="brings=estimate").value == pytest.approx(expected)
    assert not [row for row in hidden_rows(frame, asked()) if row.estimate == "e_value"]


def test_the_logistic_contrast_is_that_of_statsmodels() -> None:
    frame, study = made_pupils(4, 400), asked(at_least=48.0)
    design = design_of(frame, held_alike(frame, study))
    fit = sm.Logit((frame["result"] >= 48).astype(float), design.X).fit(disp=False)
    high, low = (fit.predict(design.with_absence(percent)).mean() for percent in (10.0, 2.0))
    row = only(logistic_row(frame, study), "link", model="logistic")
    assert row.value == pytest.approx(100 * (high - low), rel=1e-6)
    linear = only(contrast_rows(frame, "school", study), "link", model="adjusted")
    assert row.se == pytest.approx(linear.se, rel=0.25)
    assert logistic_row(frame, asked()) == ()


# --- missing results -------------------------------------------------------------------------------------------------


def with_missing(seed: int, n: int = 200) -> pd.DataFrame:
    frame = made_pupils(seed, n)
    lost = np.random.default_rng(seed).random(n) < 0.05 + frame["absence_pct"] / 100
    return frame.assign(result=frame["result"].where(~lost))


def test_bounds_hold_every_way_the_missing_could_have_gone() -> None:
    frame = with_missing(5)
    rows = bound_rows(frame, "school", asked())
    low, high = (only(rows, "link", model=f"bound_{end}").value for end in ("low", "high"))
    design = design_of(frame, held_alike(frame, asked()))
    missing, rng = frame["result"].isna().to_numpy(), np.random.default_rng(1)
    ends = frame["result"].min(), frame["result"].max()
    for _ in range(50):
        y = frame["result"].where(~missing, rng.uniform(*ends, len(frame)))
        value = float(sm.OLS(y, design.X).fit().params @ design.between(10, 2))
        assert low < value < high  # type: ignore[operator]


def test_not_achieved_counts_the_missing_as_below_the_threshold() -> None:
    frame, study = with_missing(6), asked(at_least=48.0)
    row = only(bound_rows(frame, "school", study), "link", model="not_achieved")
    filled = only(contrast_rows(frame.fillna({"result": 0.0}), "school", study), "link", model="adjusted")
    assert (row.value, row.se, row.n) == (pytest.approx(filled.value), pytest.approx(filled.se), len(frame))


def test_imputation_undoes_a_loss_that_follows_what_is_recorded() -> None:
    """Low prior results lose their results most: complete pupils and filled ones agree with what was planted."""
    found = []
    for seed in range(12):
        frame, rng = made_pupils(seed, 300), np.random.default_rng(seed)
        lost = rng.random(300) < np.where(frame["prior"] < 95, 0.3, 0.02)
        no_prior = rng.random(300) < 0.1
        gaps = frame.assign(result=frame["result"].where(~lost), prior=frame["prior"].where(~no_prior))
        row = only(imputed_row(gaps, asked()), "link", model="imputed")
        whole = only(contrast_rows(frame, "school", asked()), "link", model="adjusted")
        assert row.n == 300
        assert row.se > whole.se * 0.98  # type: ignore[operator]
        found.append(row)
    mean = np.mean([row.value for row in found])
    assert abs(mean - PLANTED) < 3 * np.mean([row.se for row in found]) / len(found) ** 0.5


def test_imputation_where_it_is_not_tenable() -> None:
    frame = made_pupils(5, 200)
    few, many = frame.copy(), frame.copy()
    few.loc[:3, "result"] = np.nan
    many.loc[:120, "result"] = np.nan
    assert imputed_row(few, asked()) == imputed_row(many, asked()) == imputed_row(frame, asked()) == ()


def test_too_few_missing_to_be_told_apart_are_not() -> None:
    frame = made_pupils(7, 100)
    frame.loc[:3, "result"] = np.nan
    assert bound_rows(frame, "school", asked()) == ()


def test_missing_results_are_counted_in_every_band() -> None:
    frame = with_missing(8, 300)
    rows = missing_rows(frame, "school", asked())
    parts, total = [row for row in rows if row.group], only(rows, "missing_result", group="")
    assert sum(row.numerator for row in parts) == total.numerator == frame["result"].isna().sum()
    assert sum(row.n for row in parts) == len(frame)
    assert all(row.numerator >= 5 for row in parts)


# --- kinds, spells, a short window -----------------------------------------------------------------------------------


def test_kinds_spells_and_windows() -> None:
    frame, rng = made_pupils(9, 400), np.random.default_rng(2)
    illness = rng.binomial(frame["absent"], 0.5)
    unauthorised = rng.binomial(frame["absent"] - illness, 0.6)
    frame = frame.assign(
        illness=illness, unauthorised=unauthorised, authorised=frame["absent"] - unauthorised,
        spells=rng.binomial(frame["absent"], 0.4), short_possible=60,
        short_absent=rng.binomial(60, frame["absence_pct"] / 100),
    )  # fmt: skip
    kinds = kind_rows(frame, "school", asked())
    assert [row.group for row in kinds] == ["kind=illness", "kind=other_authorised", "kind=unauthorised"]
    for row in kinds:  # planted: each kind alike, so 5% of any goes with 5/8 of the contrast
        assert abs(row.value - PLANTED * 5 / 8) < 4 * row.se  # type: ignore[operator]
    spells = only(spell_rows(frame, "school", asked()), "link_by_spells")
    assert abs(spells.value) < 4 * spells.se  # type: ignore[operator, arg-type]
    window = short_window_rows(frame, "school", asked())
    short, year = (only(window, "link", model=model) for model in ("short_window", "whole_year"))
    assert abs(short.value) < abs(year.value)  # type: ignore[arg-type]
    assert 0.3 < only(window, "short_window_correlation").value < 1  # type: ignore[operator]


def test_a_kind_not_recorded_is_not_told() -> None:
    frame = made_pupils(9, 100).assign(illness=np.nan, unauthorised=0.0, authorised=0.0, spells=np.nan)
    assert kind_rows(frame, "school", asked()) == spell_rows(frame, "school", asked()) == ()


# --- pupils who came back --------------------------------------------------------------------------------------------


def two_years(seed: int, n: int) -> pd.DataFrame:
    """Pupils with one lasting tendency and chance in each year: whoever was high last year drifts back."""
    frame, rng = made_pupils(seed, n), np.random.default_rng(seed)
    lasting = np.log(0.07) + 0.7 * rng.standard_normal(n)
    years = [rng.binomial(380, np.minimum(np.exp(lasting + 0.6 * rng.standard_normal(n)), 0.9)) for _ in range(2)]
    return frame.assign(last_absent=years[0], last_possible=380, absent=years[1], absence_pct=100 * years[1] / 380)


def test_as_many_come_back_as_chance_alone_would_have_it() -> None:
    """Nothing but chance in either year: the share expected from other year groups is the share found."""
    frame, others = two_years(11, 3000), two_years(12, 3000).assign(year_group=9)
    rows = improver_rows(frame, others, "school", asked())
    found, expected = only(rows, "improved_share"), only(rows, "improved_expected")
    was = (100 * frame["last_absent"] >= 10 * 380).to_numpy()
    assert (found.numerator, found.n) == ((was & (100 * frame["absent"] < 10 * 380)).sum(), was.sum())
    assert found.value > 30  # type: ignore[operator]
    assert abs(found.value - expected.value) < 6  # type: ignore[operator]


def test_patterns_part_all_pupils() -> None:
    rows = improver_rows(two_years(13, 300), two_years(14, 300).assign(year_group=9), "school", asked())
    assert sum(row.n for row in rows if row.estimate == "result_by_pattern") == 300


def test_few_who_came_back_are_not_told() -> None:
    frame = two_years(13, 40)
    frame["last_absent"] = np.where(np.arange(40) < 6, 60, 3)
    frame["absent"] = np.where(np.arange(40) < 3, 60, 5)
    assert improver_rows(frame, frame.iloc[:0].assign(year_group=9), "school", asked()) == ()


# --- beside the other schools ----------------------------------------------------------------------------------------


def test_within_and_between_schools_are_kept_apart() -> None:
    """Lower schools miss more, so between schools the link is far steeper than any pupil's."""
    frame = made_pupils(21, 80, schools=20)
    rows = random_intercept_rows(frame, asked())
    inside, between = only(rows, "link", model="random_intercept"), only(rows, "link_between")
    least_squares = only(contrast_rows(frame, "all", asked()), "link", model="adjusted")
    assert inside.value == pytest.approx(least_squares.value, abs=0.15)
    assert abs(inside.value - PLANTED) < 3 * inside.se  # type: ignore[operator]
    assert between.value * 8 < PLANTED - 3  # type: ignore[operator]


def test_a_small_school_is_drawn_toward_the_others() -> None:
    frame = pd.concat(
        [made_pupils(seed, 90 if seed == 30 else 150).assign(school=f"s{seed - 30}") for seed in range(30, 40)]
    )
    frame = frame.reset_index(drop=True)
    shrunken, beside = pooled_rows(frame, asked())
    own = only(
        contrast_rows(frame[frame["school"] == "s0"].reset_index(drop=True), "school", asked()),
        "link",
        model="adjusted",
    )
    assert abs(shrunken.value - PLANTED) < abs(own.value - PLANTED)  # type: ignore[operator]
    assert beside.low < 0 < beside.high  # type: ignore[operator]
    assert (shrunken.n, shrunken.n_groups) == (90, 10)


def test_seven_schools_are_not_pooled() -> None:
    frame = made_pupils(22, 60, schools=7)
    assert pooled_rows(frame, asked()) == random_intercept_rows(frame, asked()) == ()


def test_columns_that_add_nothing_are_left_out_before_a_fit() -> None:
    rng = np.random.default_rng(1)
    design = pd.DataFrame(rng.normal(size=(200, 3)), columns=["a", "b", "c"])
    design = design.assign(sum=design["a"] + 2 * design["b"], none=0.0, large=1e6 * design["c"], one=1.0)
    design["rounding"] = (0.1 + 0.2 - 0.3) * rng.normal(size=200)
    assert list(independent(design)) == ["a", "b", "c", "one"]
    assert list(independent(design[["large", "c", "one"]])) == ["large", "one"]
