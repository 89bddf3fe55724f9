"""Several earlier studies put together: from their files to the page, whatever each of them found."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path

import pytest
from published import Found, write
from trust import Trust

from attendlib.errors import StudyError
from attendlib.intake.protocol import freeze
from attendlib.questions.intervention_impact import impact_details, intervention_impact
from attendlib.records.answer import Answer
from attendlib.stats.pooling import meta_analysis, partial_pool
from attendlib.words.rule import causal_words
from attendlib.words.stories import tell

NULLS = [Found("north", 0.4, 0.9, 0.2, verdict="Probably no useful difference"), Found("south", -1.2, 1.4, -0.9)]
STUDIES = [*NULLS, Found("east", 3.1, 1.1, 2.4, 85, "Probably helped"), Found("west", 2.2, 1.0, None, 240),
           Found("mid", 0.9, 2.0, 1.4), Found("far", 1.6, 0.7, 1.1)]  # fmt: skip
HELPED = [Found(f"s{n}", 4 + 0.5 * n, 1.2, 7 - 0.4 * n, 200, "Probably helped") for n in range(8)]
SMALL = [Found(each.study, each.value / 10, 0.3, each.value / 20) for each in HELPED]
Asks = Callable[..., Answer]


@pytest.fixture
def ask(trust: Trust, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asks:
    """The question of the trust's study, as if it named the files of these studies."""

    def asked(
        studies: list[Found], school: str = "all", audience: str = "internal", frozen: Sequence[Found] = ()
    ) -> Answer:
        pupils = trust.pupils(school, monkeypatch)
        results = tuple(write(tmp_path, each) for each in studies)
        plan = {"audience": audience, "protocol": str(tmp_path / "plan.json")}
        study_file = replace(pupils.study_file, study=pupils.study_file.study.model_copy(update=plan))
        if frozen:
            freeze(replace(study_file, results=tuple(write(tmp_path, each) for each in frozen)), "")
        pupils = replace(pupils, study_file=replace(study_file, results=results))
        return intervention_impact(
            pupils, intervention="tutor_calls", smallest_worthwhile_days=2.0, design="several_studies"
        )

    return asked


def test_the_mean_is_that_of_every_study_with_a_figure(ask: Asks) -> None:
    page = ask([*STUDIES, Found("few", 9.0, 1.0, withheld="c")])
    main, check = (page.row("days_fewer", model=name) for name in ("pooled_main", "pooled_check"))
    values, ses = [each.value for each in STUDIES], [each.se for each in STUDIES]
    known = meta_analysis(values, ses, test="adhoc")
    assert (main.value, main.se, main.low, main.p) == pytest.approx((known.value, known.se, known.low, known.p))
    assert (main.n, main.n_groups) == (120 * 4 + 85 + 240, 6)
    checks = [each.value if each.check is None else each.check for each in STUDIES]
    assert check.value == pytest.approx(meta_analysis(checks, ses).value)
    new = page.row("new_study")
    assert (new.low, new.high) == pytest.approx((partial_pool(values, ses).new_low, partial_pool(values, ses).new_high))
    assert [row.group for row in page.select("study_difference") if row.withheld] == ["study=few"]
    without = page.row("choice", group="together=REML;without=east")
    assert without.value == pytest.approx(meta_analysis(values[:2] + values[3:], ses[:2] + ses[3:]).value)
    unbounded = page.row("choice", group="together=REML_knapp_hartung;without=none")
    assert unbounded.se == pytest.approx(meta_analysis(values, ses).se)


@pytest.mark.parametrize(("step", "shown"), [(0.05, True), (0.0, False)])
def test_studies_that_agree_by_chance_decide_nothing(ask: Asks, step: float, shown: bool) -> None:
    """Five studies that each say 3.4 or so, give or take 8: their agreement is luck, and their mean 4/√5 uncertain."""
    page = ask([Found(f"s{n}", 3.4 + step * n, 4.0, 3.4 + step * n) for n in range(5)])
    mean, plain = page.row("days_fewer", model="pooled_main"), "together=REML_knapp_hartung;without=none"
    assert page.verdict == "Cannot tell"
    assert mean.low < 0 < mean.high
    assert mean.se == pytest.approx(4 / 5**0.5)
    assert all(row.p != 0 for row in page.rows)
    assert (page.row("choice", group=plain) is not None) == shown
    spread = page.row("between_studies")
    assert (spread.value, spread.low, spread.high, spread.confidence_pct) == (0, None, None, None)
    assert "agree better than their own errors allow" in " ".join(tell(impact_details(page)).sentences)
    assert "better than their own" in next(check.text for check in page.checks if check.name == "Studies agree")


def test_it_is_told_as_it_was_published(ask: Asks) -> None:
    page = ask([*STUDIES, Found("few", withheld="c")])
    story, details = tell(page), tell(impact_details(page))
    assert story.sentences[0].startswith("In 6 studies together, those meant for the tutor calls missed 1.3 days fewer")
    assert page.row("rule_detectable_days") is None
    assert "6 studies; 1 more published none for all schools, or of too few" in " ".join(story.sentences)
    studies = next(table for table in details.tables if table.caption.startswith("What each study found"))
    assert [cells[0] for cells in studies.cells] == ["north", "south", "east", "west", "mid", "far", "few"]
    assert studies.cells[0][4] == "Probably no useful difference"
    assert studies.cells[6][1] == "c"
    assert len(details.charts) == 1
    assert "few, n" not in details.charts[0].alt
    assert re.search(r"it would lie in the range \d\.\d more to \d\.\d fewer days a year\.", " ".join(story.sentences))
    told_of = next(check.text for check in page.checks if check.name == "Studies without a figure")
    assert told_of == "1 of 7 have none for all schools that may stand here and are not in the mean: few."
    for told in (story, details):
        assert not causal_words(" ".join([*told.sentences, *told.caveats, *(chart.alt for chart in told.charts)]))


@pytest.mark.parametrize(("frozen", "same"), [(STUDIES, True), (STUDIES[:-1], False), ([*STUDIES, HELPED[0]], False)])
def test_the_lead_claims_every_study_only_where_those_of_the_plan_are_in(
    ask: Asks, frozen: list[Found], same: bool
) -> None:
    said = " ".join(tell(ask(STUDIES, frozen=frozen)).sentences)
    assert ("Every study with a figure is in the mean" in said) == same
    assert (f"The frozen plan did not name the same ({len(frozen)} when frozen)" in said) == (not same)


@pytest.mark.parametrize(
    ("studies", "verdict", "why"),
    [
        (HELPED, "Probably helped", ""),  # never a clear benefit: nobody drew lots
        ([*HELPED[:7], Found("s7", 5.0, 1.2, 5.5, failed=2)], "Cannot tell", "1 of 8 studies failed a check"),
        ([*HELPED[:7], replace(HELPED[7], df=3.0)], "Cannot tell", "1 of 8 studies rests on fewer than 4 degrees"),
        ([*HELPED[:7], replace(HELPED[7], df=None)], "Cannot tell", "degrees of freedom (s7)"),
        (HELPED[:4], "Cannot tell", "too few studies"),
        (SMALL, "Probably no useful difference", ""),
        ([Found(each.study, each.value, 1.2, -each.value) for each in HELPED], "Cannot tell", "by both ways"),
    ],
)
def test_the_verdict_is_capped(ask: Asks, studies: list[Found], verdict: str, why: str) -> None:
    page = ask(studies)
    assert page.verdict == verdict
    assert why in " ".join(page.reasons)
    numbers = [getattr(row, name) for row in page.rows for name in ("value", "low", "high", "se", "df", "p")]
    assert all(isfinite(number) for number in numbers if number is not None)
    sound = page.row("choice", group="together=REML;without=failed")
    assert (sound is not None) == any(each.failed for each in studies)


@pytest.mark.parametrize(("audience", "few", "enough"), [("internal", 4, 5), ("shareable", 19, 20)])
def test_no_mean_gives_a_study_of_too_few_pupils_away(ask: Asks, audience: str, few: int, enough: int) -> None:
    """With it in the mean, what it found would follow from the others' rows; as each side needs its own, twice ten."""
    without = ask(STUDIES, audience=audience)
    page = ask([*STUDIES, Found("few", 9.0, 1.0, n=few)], audience=audience)
    assert [row for row in page.rows if row.group != "study=few"] == [*without.rows]
    (own,) = page.select("study_difference", group="study=few")
    assert (own.withheld, own.value) == ("c", None)
    assert ["few", "c"] in [[*cells[:2]] for table in tell(impact_details(page)).tables for cells in table.cells]
    assert (
        ask([*STUDIES, Found("few", n=enough)], audience=audience).row("days_fewer", model="pooled_main").n_groups == 7
    )


def test_refused(ask: Asks) -> None:
    assert ask(STUDIES, "999001").status == "not_applicable"
    few = ask([STUDIES[0], Found("few", withheld="c"), Found("less", withheld="c")])
    assert (few.status, few.rows) == ("too_few", ())
    assert "1 of 3 studies published a figure" in few.reasons[0]
    with pytest.raises(StudyError, match="east: it is about late gate, not tutor calls"):
        ask([*NULLS, Found("east", intervention="late gate")])


def test_what_was_put_together_can_be_put_together_again(ask: Asks) -> None:
    """A page of all schools says what decides, so that a hub of hubs can read it."""
    page = ask(HELPED)
    main, check = (page.row("decides", group=f"as={name}") for name in ("main", "check"))
    assert (main.model, check.model, main.value, main.method) == ("pooled_main", "pooled_check", 2.0, "tutor calls")
    assert page.row("checks_failed").value == 0
