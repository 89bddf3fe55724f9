"""Several schools put together: the road from register to page, and what the rule says where the truth is known."""

import sys
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from impact_studies import Shape, realised_days, study
from scipy.stats import binom
from trust import Trust

from attendlib.questions.impact.chosen import Compared
from attendlib.questions.impact.designs.meta_analysis import schools_of
from attendlib.questions.impact.figures import days_rows
from attendlib.questions.impact.pooled import mean_row, pooled
from attendlib.questions.intervention_impact import impact_details, intervention_impact
from attendlib.questions.verdict import Design, Judged, decide
from attendlib.questions.windows import Windows, span
from attendlib.stats.pooling import Meta
from attendlib.words.reading import reading_age
from attendlib.words.rule import causal_words
from attendlib.words.stories import tell

SPREAD = 1.5  # days a year: how far schools' planted benefits differ (standard deviation)
WINDOWS = Windows(
    span(date(2024, 9, 1), date(2024, 12, 20)),
    span(date(2024, 1, 8), date(2024, 7, 24)),
    span(date(2025, 1, 6), date(2025, 7, 22)),
)


def several(schools: int, side: int, days: float, seed: int) -> tuple[Compared, float]:
    """So many schools' studies in one frame, benefits spread around `days`, and the schools' mean realised benefit."""
    rng = np.random.default_rng([seed, schools])
    planted = days + SPREAD * rng.standard_normal(schools) if days else np.zeros(schools)
    frames = [study(Shape(side, "recorded", float(p)), 1000 * seed + s) for s, p in enumerate(planted)]
    realised = float(np.mean([realised_days(frame) for frame in frames]))
    frame = pd.concat([f.assign(school=f"S{s:02d}") for s, f in enumerate(frames)], ignore_index=True)
    return Compared(frame, (), (), "all", True, WINDOWS, False, False, frame, False), realised


def put_together(schools: int, side: int, days: float, seed: int) -> tuple[str, Meta, Meta, float]:
    """Verdict (design checks taken as passed), the main mean in points, the same with Knapp and Hartung's error as it
    comes, and the mean realised benefit in days."""
    found, realised = several(schools, side, days, seed)
    each = schools_of(found, 5)
    metas = [pooled(each.of(name)) for name in ("adjusted", "check")]
    rows = [days_rows(mean_row(meta, "points_fewer", "", 1), 115, lessons=False)[1] for meta in metas]
    verdict, _ = decide(Judged.of(rows[0], rows[1], 2.0), Design((), True), 0.75)
    return verdict, metas[0], pooled(each.of("adjusted"), test="knapp-hartung"), realised


@cache
def true_mean(days: float, side: int) -> float:
    """What planted days come to once no pupil can miss fewer than none, over many schools (days a year)."""
    return float(np.mean([several(12, side, days, seed)[1] for seed in range(10_000, 10_200)]))


@pytest.mark.parametrize("schools", [pytest.param(12, marks=pytest.mark.prove), 6])
def test_nothing_planted_hardly_ever_reads_as_benefit_or_harm(schools: int) -> None:
    n = 500 if schools == 12 else 12
    said = [put_together(schools, 30, 0.0, seed)[0] for seed in range(n)]
    helped, harmed = (said.count(verdict) / n for verdict in ("Probably helped", "May have done harm"))
    sys.__stdout__.write(f"\n{schools} schools: benefit {helped:.1%}, harm {harmed:.1%}")
    assert helped < 0.05
    assert harmed < 0.05


@pytest.mark.prove
@pytest.mark.parametrize("schools", [6, 12])
def test_the_mean_of_schools_is_covered(schools: int) -> None:
    """Knapp and Hartung's as often as it says; bounded below by the plain error, as main is, at least as often."""
    mean, found = true_mean(5.0, 30), [put_together(schools, 30, 5.0, seed)[1:3] for seed in range(2000)]
    inside = [[1.9 * meta.low < mean < 1.9 * meta.high for meta in both] for both in found]
    bounded, plain = (sum(one) / len(found) for one in zip(*inside, strict=True))
    said = f"covered {bounded:.1%}, without the bound {plain:.1%}"
    sys.__stdout__.write(f"\n{schools} schools, 5 days spread by {SPREAD:g}: {said}")
    assert 0.93 <= plain <= 0.97
    assert plain <= bounded


def test_the_mean_of_schools_quick_cut() -> None:
    found = [put_together(6, 30, 5.0, seed) for seed in range(20)]
    mean = float(np.mean([realised for *_, realised in found]))
    covered = sum(1.9 * meta.low < mean < 1.9 * meta.high for _, meta, *_ in found)
    assert binom.ppf(0.001, 20, 0.94) <= covered


def test_a_page_for_all_schools_and_each_school(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {
        "intervention": "tutor_calls", "smallest_worthwhile_days": 2.0, "design": "meta_analysis",
        "eligible": {"absence_pct_at_least": 10, "window": {"from": "2024-09-01", "to": "2024-12-20"}},
        "baseline": {"from": "2024-01-08", "to": "2024-07-24"}, "outcome": {"from": "2025-01-06", "to": "2025-07-22"},
    }  # fmt: skip
    page = intervention_impact(trust.pupils("all", monkeypatch), **keys)  # type: ignore[arg-type]
    own = page.select("school_difference")
    shown = [row for row in own if row.value is not None]
    assert page.status == "done"
    assert len(own) == 6
    assert page.row("days_fewer", model="pooled_adjusted").n_groups == len(shown)  # type: ignore[union-attr]
    for row in shown:  # every school's figure is the one on its own page
        answer = intervention_impact(trust.pupils(row.group[7:], monkeypatch), **keys)  # type: ignore[arg-type]
        alone = answer.row("days_fewer", model="adjusted", outcome="absence")
        assert alone is not None
        assert (row.n, row.n_groups) == (alone.n, None)
        assert row.value == pytest.approx(alone.value, rel=1e-9)
        assert answer.context["design"] == "adjusted"
    new, mean = page.row("new_school"), page.row("days_fewer", model="pooled_adjusted")
    assert new.low <= mean.low  # type: ignore[union-attr,operator]
    for told in (tell(page), tell(impact_details(page))):
        assert not causal_words(" ".join([*told.sentences, *told.caveats]))
        assert len(told.charts) == 1
    assert reading_age(" ".join(tell(page).sentences[:5])) < 13


def test_one_school_is_no_several(awkward: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    page = intervention_impact(
        awkward.pupils("all", monkeypatch), intervention="group", smallest_worthwhile_days=2.0, design="meta_analysis"
    )
    assert page.status == "too_few"
