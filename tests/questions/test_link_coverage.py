"""The planted link lies in its interval as often as the interval says: one school, a small one, all, a threshold."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from link_pupils import PLANTED, asked, made_pupils
from scipy.stats import binom, norm
from trust import make_trust

from attendlib.questions.attainment_link import attainment_link
from attendlib.questions.link.asked import Asked
from attendlib.questions.link.between import random_intercept_rows
from attendlib.questions.link.contrast import can_be_read, contrast_row, contrast_rows, fitted
from attendlib.questions.link.design import design_of, held_alike
from attendlib.records.answer import Row, Scope
from attendlib.stats.fit import contrast

PASS = 48.0
ALIKE = ("fsm6", "sen", "sex", "eal")


def realised(frame: pd.DataFrame, mean: pd.Series, scope: Scope, asked: Asked) -> float:
    """The contrast of results without chance, for exactly these pupils."""
    design = design_of(frame, held_alike(frame, asked))
    fit, _ = fitted(frame, mean, design, scope)
    return contrast(fit, design.between(10, 2).reindex(fit.coef.index, fill_value=0.0)).value


def adjusted(frame: pd.DataFrame, scope: Scope, asked: Asked) -> Row | None:
    """The row the page's answer rests on, or None where it gives none."""
    design = design_of(frame, held_alike(frame, asked))
    return (
        next(iter(contrast_row(frame, design, scope, asked, "adjusted")), None) if can_be_read(frame, asked) else None
    )


def one_school(seed: int, n: int, curve: float = 0.0) -> bool | None:
    frame, study = made_pupils(seed, n, curve=curve), asked()
    row = adjusted(frame, "school", study)
    return None if row is None else row.low <= realised(frame, frame["mean"], "school", study) <= row.high  # type: ignore[operator]


def all_schools(seed: int) -> bool:
    frame = made_pupils(seed, 40, schools=12)
    row = adjusted(frame, "all", asked())
    assert row is not None
    return bool(row.low <= PLANTED <= row.high)  # type: ignore[operator]


def random_intercept(seed: int) -> bool:
    row = random_intercept_rows(made_pupils(seed, 40, schools=12), asked())[0]
    return bool(row.low <= PLANTED <= row.high)  # type: ignore[operator]


def threshold(seed: int) -> bool:
    frame, study = made_pupils(seed, 180), asked(at_least=PASS)
    chance = 100 * pd.Series(norm.sf((PASS - frame["mean"]) / frame["spread"]))
    row = adjusted(frame, "school", study)
    assert row is not None
    return bool(row.low <= realised(frame, chance, "school", study) <= row.high)  # type: ignore[operator]


CASES = {
    "one school of 180, a straight link": lambda seed: one_school(seed, 180),
    "one school of 180, a bent link": lambda seed: one_school(seed, 180, curve=-3.0),
    "one school of 80": lambda seed: one_school(seed, 80),
    "twelve schools, lower ones missing more": all_schools,
    "twelve schools, a random intercept": random_intercept,
    "a threshold": threshold,
}


def covered(case: str, seeds: range) -> tuple[int, int]:
    found = [hit for seed in seeds if (hit := CASES[case](seed)) is not None]
    return sum(found), len(found)


@pytest.mark.parametrize("case", CASES)
def test_quick_cut(case: str) -> None:
    hits, n = covered(case, range(100))
    assert n >= 80
    low, high = binom.ppf([0.0005, 0.9995], n, 0.95)
    assert low <= hits <= high


@pytest.mark.prove
@pytest.mark.parametrize("case", CASES)
def test_coverage_over_2000_seeds(case: str) -> None:
    hits, n = covered(case, range(2000))
    logging.getLogger(__name__).info("%s: %d of %d", case, hits, n)
    assert n >= 1600
    assert 0.93 <= hits / n <= 0.97, f"{hits} of {n}"


@pytest.mark.prove
def test_whole_trusts_hold_what_was_planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty invented trusts, from registers to page: maths in the secondary, against what truth.json says."""
    hits, errors = 0, []
    for seed in range(40):
        trust = make_trust(tmp_path / str(seed), seed=seed, schools=3, pupils=700)
        truth = next(x for x in trust.truth["link"] if (x["measure"], x["academic_year"]) == ("maths", "2024/25"))
        answer = attainment_link(trust.pupils("999003", monkeypatch), outcome="maths", prior="maths", adjust_for=ALIKE)
        row = answer.row("link", scope="school", model="adjusted")
        assert row is not None
        hits += row.low <= truth["planted_points"] <= row.high  # type: ignore[operator]
        errors.append((row.value - truth["planted_points"]) / row.se)  # type: ignore[operator]
    logging.getLogger(__name__).info("whole trusts: %d of 40, mean error %.2f standard errors", hits, np.mean(errors))
    assert hits >= binom.ppf(0.0005, 40, 0.95)
    assert abs(np.mean(errors)) < 3.3 / 40**0.5


def test_what_is_realised_is_what_was_planted() -> None:
    for scope, frame in (("school", made_pupils(3, 180)), ("all", made_pupils(3, 40, schools=12))):
        assert realised(frame, frame["mean"], scope, asked()) == pytest.approx(PLANTED)  # type: ignore[arg-type]


def test_pupils_left_unadjusted_are_off_as_planted() -> None:
    frames = [made_pupils(seed, 180) for seed in range(40)]
    raw = [contrast_rows(frame, "school", asked())[0].value for frame in frames]
    assert np.mean(raw) < PLANTED - 1  # pupils with low prior results miss more: raw shows more than was planted


def test_a_school_of_30_is_told_honestly() -> None:
    """Either no contrast at all, or one whose interval is wide: never a clear link more often than chance allows."""
    frames = [made_pupils(seed, 30, planted=0.0) for seed in range(200)]
    rows = [adjusted(frame, "school", asked()) for frame in frames]
    told = [row for row in rows if row is not None]
    wrong = sum(row.low > 0 or row.high < 0 for row in told)  # type: ignore[operator]
    assert wrong <= binom.ppf(0.9995, max(len(told), 1), 0.05)
