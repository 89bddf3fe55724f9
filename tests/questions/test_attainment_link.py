"""attainment_link: bands and contrasts against figures found another way, and the words an association may have."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from trust import Trust

from attendlib.intake import frames
from attendlib.questions.attainment_link import _verdict, attainment_link
from attendlib.questions.link.asked import Asked
from attendlib.records.answer import Answer, Row
from attendlib.stats.spline import basis, natural_spline

KEYS = {"outcome": "attainment8", "prior": "ks2_average", "adjust_for": ["fsm6", "sen", "sex", "eal"]}


def ask(trust: Trust, monkeypatch: pytest.MonkeyPatch, school: str = "999005", **changed: object) -> Answer:
    return attainment_link(trust.pupils(school, monkeypatch), **{**KEYS, **changed})  # type: ignore[arg-type]


def year_11(trust: Trust, monkeypatch: pytest.MonkeyPatch, school: str) -> pd.DataFrame:
    """Year 11 of a school over half-terms 1 to 5, those with a result and a prior result."""
    pupils = trust.pupils(school, monkeypatch)
    absence = frames.absence_per_pupil(pupils, "2024/25", range(1, 6))[["pupil", "school", "absent", "possible"]]
    frame = frames.enrolments(pupils, "2024/25", 11).merge(absence, on=["pupil", "school"])
    for measure in ("attainment8", "ks2_average"):
        found = frames.results(pupils, measure).drop_duplicates("pupil")[["pupil", "value"]]
        frame = frame.merge(found.rename(columns={"value": measure}), on="pupil")
    frame = frame[(frame["school"] == school) & (frame["possible"] >= 20)]
    return frame.dropna(subset=["attainment8", "ks2_average"]).reset_index(drop=True)


def test_raw_contrast_by_statsmodels(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = year_11(trust, monkeypatch, "999005")
    absence = (100 * frame["absent"] / frame["possible"]).astype(float)
    spline = natural_spline(absence, name="absence")
    fit = sm.OLS(frame["attainment8"].astype(float), sm.add_constant(basis(spline, absence))).fit(cov_type="HC2")
    ends = [basis(spline, np.array([percent])).iloc[0].to_numpy() for percent in (10.0, 2.0)]
    test = fit.t_test(np.concatenate([[0.0], ends[0] - ends[1]]))
    row = ask(trust, monkeypatch).row("link", model="raw")
    assert row.n == len(frame)
    assert (row.value, row.se) == pytest.approx((test.effect.item(), test.sd.item()), rel=1e-8)


def test_adjusted_point_by_statsmodels(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = year_11(trust, monkeypatch, "999006")
    absence = (100 * frame["absent"] / frame["possible"]).astype(float)
    spline = natural_spline(absence, name="absence")
    dummies = pd.get_dummies(frame[["fsm6", "sen", "sex", "eal"]].astype(str), drop_first=True).astype(float)
    X = pd.concat([basis(spline, absence), frame["ks2_average"].astype(float), dummies], axis=1)
    fit = sm.OLS(frame["attainment8"].astype(float), sm.add_constant(X)).fit()
    ends = [basis(spline, np.array([percent])).iloc[0] for percent in (10.0, 2.0)]
    expected = float(((ends[0] - ends[1]) * fit.params[ends[0].index]).sum())
    assert ask(trust, monkeypatch, "999006").row("link", model="adjusted").value == pytest.approx(expected)


def test_bands_hold_every_pupil_once(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ask(trust, monkeypatch).select("result_by_band")
    parts, total = [row for row in rows if row.group], next(row for row in rows if not row.group)
    assert sum(row.n for row in parts) == total.n
    assert sum(row.n * row.value for row in parts) / total.n == pytest.approx(total.value)
    assert all(row.n >= 5 for row in parts)


def test_the_planted_link_lies_in_the_interval_of_both_schools(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = next(x for x in trust.truth["link"] if (x["measure"], x["academic_year"]) == ("attainment8", "2024/25"))
    rows = [ask(trust, monkeypatch, school).row("link", model="adjusted") for school in ("999005", "999006")]
    weights = [1 / row.se**2 for row in rows]
    pooled = sum(w * row.value for w, row in zip(weights, rows, strict=True)) / sum(weights)
    assert abs(pooled - truth["planted_points"]) < 3 / sum(weights) ** 0.5


def test_a_threshold_counts_pupils(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch, outcome={"measure": "attainment8", "at_least": 40})
    total = answer.row("result_by_band", group="")
    frame = year_11(trust, monkeypatch, "999005")
    assert (total.numerator, total.n) == (int((frame["attainment8"] >= 40).sum()), len(frame))
    assert answer.context["unit"] == "in every 100 pupils"


def test_a_primary_is_not_asked_and_no_prior_is_said(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(trust, monkeypatch, "999001").status == "not_applicable"
    assert ask(trust, monkeypatch, prior=None).context["prior"] == ""


def link_sd(low: float, high: float, df: float = 50) -> tuple[Row, ...]:
    return (Row("link_sd", "school", model="adjusted", value=(low + high) / 2, low=low, high=high, df=df, n=60),)


# the interval in standard deviations -> the words (DESIGN 6)
VERDICTS = [
    (link_sd(-0.5, -0.1), "Clear link"),
    (link_sd(0.02, 0.3), "Clear link"),
    (link_sd(-0.09, 0.08), "No clear link"),
    (link_sd(-0.3, 0.05), "Too few pupils to tell"),
    (link_sd(-0.05, 0.2), "Too few pupils to tell"),
    (link_sd(-0.5, -0.1, df=3.9), "Too few pupils to tell"),
]


@pytest.mark.parametrize(("rows", "words"), VERDICTS)
def test_verdicts(rows: tuple[Row, ...], words: str) -> None:
    frame = pd.DataFrame({"absence_pct": np.linspace(0, 20, 60), "result": range(60)})
    asked = Asked("1", "maths", None, "2024/25", None, "maths", (), 10, 2, "internal", 1)
    assert _verdict(rows, frame, asked)[0] == words
