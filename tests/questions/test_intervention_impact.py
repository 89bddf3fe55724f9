"""intervention_impact: the rule of DESIGN 6 line by line, the pairs, and the refusals."""

import pytest
from trust import Trust

from attendlib.questions.intervention_impact import intervention_impact
from attendlib.questions.verdict import Design, Judged, decide
from attendlib.records.answer import Answer, Check, Row
from attendlib.stats.chances import Chances

KEYS = {
    "intervention": "tutor_calls",
    "smallest_worthwhile_days": 2.0,
    "eligible": {"absence_pct_at_least": 10, "window": {"from": "2024-09-01", "to": "2024-12-20"}},
    "baseline": {"from": "2024-01-08", "to": "2024-07-24"},
    "outcome": {"from": "2025-01-06", "to": "2025-07-22"},
}


def ask(trust: Trust, monkeypatch: pytest.MonkeyPatch, school: str = "999005", **changed: object) -> Answer:
    return intervention_impact(trust.pupils(school, monkeypatch), **{**KEYS, **changed})  # type: ignore[arg-type]


def main(low: float, high: float, df: float = 60) -> Row:
    return Row("days_fewer", "school", value=(low + high) / 2, low=low, high=high, df=df, n=100)


PASSED, FAILED = Check("x", True, "fine"), Check("x", False, "not fine")
# better, none, worse by main and check; interval; df; checks   -> verdict at certainty .75 (the first that holds)
RULE = [
    ((0.90, 0.10, 0.00), (0.80, 0.20, 0.00), (1.0, 6.0), 60, PASSED, "Probably helped"),
    ((0.90, 0.10, 0.00), (0.74, 0.26, 0.00), (1.0, 6.0), 60, PASSED, "Cannot tell"),
    ((0.90, 0.10, 0.00), (0.80, 0.20, 0.00), (-0.1, 6.0), 60, PASSED, "Cannot tell"),
    ((0.10, 0.85, 0.05), (0.20, 0.75, 0.05), (-1.0, 2.0), 60, PASSED, "Probably no useful difference"),
    ((0.00, 0.20, 0.80), (0.00, 0.15, 0.85), (-8.0, -1.0), 60, PASSED, "May have done harm"),
    ((0.00, 0.20, 0.80), (0.00, 0.15, 0.85), (-8.0, 0.1), 60, PASSED, "Cannot tell"),
    ((0.90, 0.10, 0.00), (0.90, 0.10, 0.00), (1.0, 6.0), 3.9, PASSED, "Cannot tell"),
    ((0.90, 0.10, 0.00), (0.90, 0.10, 0.00), (1.0, 6.0), 60, FAILED, "Cannot tell"),
]


@pytest.mark.parametrize(("first", "second", "interval", "df", "check", "verdict"), RULE)
def test_the_rule(first: tuple, second: tuple, interval: tuple, df: float, check: Check, verdict: str) -> None:
    found = [Chances(better=b, none=n, worse=w) for b, n, w in (first, second)]
    judged = Judged(main(*interval, df=df), *found)
    assert decide(judged, Design([check], True), 0.75)[0] == verdict


def test_everyone_referred_counts_whatever_became_of_them(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch, "all")
    treated = answer.row("absence_outcome", group="referred=1").n
    assert 200 < treated <= trust.truth["intervention"]["referred"]["n"]


def test_main_interval_covers_what_was_planted(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ask(trust, monkeypatch, "all").row("days_fewer", model="adjusted")
    assert row.low < trust.truth["intervention"]["referred"]["realised_days_a_year"] < row.high


def test_better_is_positive_and_days_follow_from_points(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch)
    points, days = (answer.row(name, model="raw") for name in ("points_fewer", "days_fewer"))
    levels = [answer.row("absence_outcome", group=f"referred={side}").value for side in (0, 1)]
    assert points.value == pytest.approx(levels[0] - levels[1])
    assert days.value == pytest.approx(1.9 * points.value)


def test_chances_add_to_100_and_start_at_25_50_25(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch)
    for model in ("before", "adjusted", "check"):
        values = [answer.row(f"chance_{name}", model=model).value for name in ("worse", "none", "better")]
        assert sum(values) == pytest.approx(100)
        assert model != "before" or values == [25, 50, 25]


def test_no_earlier_baseline_cannot_tell(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch, baseline={"from": "2022-01-08", "to": "2022-07-24"})
    assert answer.verdict == "Cannot tell"
    assert answer.row("days_fewer", model="check") is None
    assert any("before" in reason for reason in answer.reasons)


def test_a_baseline_closer_than_the_outcome_is_warned_of(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch, baseline={"from": "2024-06-03", "to": "2024-07-24"})
    assert answer.verdict == "Cannot tell"
    assert any("bad spell" in reason for reason in answer.reasons)


def test_a_short_outcome_is_never_made_a_year(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(trust, monkeypatch, outcome={"from": "2025-01-06", "to": "2025-01-31"})
    assert answer.verdict == "Cannot tell"
    assert answer.row("days_fewer", model="adjusted") is None
    assert answer.row("days_fewer_in_window", model="adjusted") is not None


def test_an_intervention_nobody_had(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(trust, monkeypatch, intervention="breakfast").status == "not_applicable"


def test_improved_shares_come_in_pairs(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    for school in ("999001", "999002", "999003", "999004", "999005", "999006", "all"):
        rows = ask(trust, monkeypatch, school).select("improved")
        assert [bool(row.withheld) for row in rows] in ([True, True], [False, False], [])
