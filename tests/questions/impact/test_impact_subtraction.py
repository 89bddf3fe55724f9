"""Every page of a study with small schools, and an attacker who subtracts the schools' pages from that of all schools.

The attacker knows which pages count which pupils, reads the reasons ("fewer than 5 referred"), and solves for each
school's pupils. A count of 1 to the limit less 1 that a school's page withholds must not be the only one possible.
"""

from collections.abc import Iterator, Mapping
from math import ceil, floor, inf
from pathlib import Path

import pytest
from impact_trust import Sides, ask_each, write_schools
from test_disclosure_attack import Attack, Key

from attendlib.disclosure import limit
from attendlib.records.answer import Answer

CLAIMS = 'claims:\n  - {says: "Pupils loved it"}\n  - {says: "70% improved"}\n  - {says: "1 of 2"}\n'
SIDES = {"referred=1": "referred", "referred=0": "compared"}
STAGES = ("eligible", "referred", "started")
SMALL = {
    # what is tried: each school's pupils
    "one school with few referred": [Sides(20, 25, 25), Sides(18, 22, 22, never=6), Sides(3, 20, 20)],
    "two whose few are all that can be": [Sides(20, 25, 25), Sides(4, 20, 20), Sides(4, 15, 15)],
    "few never started in one": [Sides(20, 25, 25, never=6), Sides(18, 22, 22, never=2)],
    "few under the rule in one": [Sides(20, 25, 25, under=9), Sides(18, 22, 22, under=3)],
    "nobody to compare with in one": [Sides(20, 25, 25), Sides(22, 30, 30), Sides(18), Sides(3)],
}
BESIDE = [Sides(20), Sides(18, never=6), Sides(3), Sides(0, 40), Sides(0, 30)]


def cells(school: str, sides: Sides) -> dict[str, set[Key]]:
    """What may be counted of a school, as atoms: pupils alike in side and in whether they started."""
    started, never, compared, under = ((school, each) for each in ("started", "never", "compared", "under"))
    return {
        "referred": {started, never}, "started": {started}, "never": {never}, "compared": {compared},
        "eligible": {started, never, compared}, "pool": {started, never, compared, under}, "under": {under},
    }  # fmt: skip


def truth(sides: Sides, comparison: str) -> dict[str, int]:
    compared = sides.earlier if comparison == "earlier_cohort" else sides.compared
    return {"started": sides.referred - sides.never, "never": sides.never, "compared": compared, "under": sides.under}


def counts_on(answer: Answer) -> Iterator[tuple[str, int | None]]:
    """Which pupils a page counts, and the count, whatever it stands in."""
    for row in answer.rows:
        if row.estimate.startswith("absence_"):
            yield SIDES[row.group], row.n
        elif row.estimate == "flow" and row.group.rpartition("-")[2] in STAGES:
            yield row.group.rpartition("-")[2], row.n
        elif row.estimate in ("improved", "persistent_absence"):
            yield SIDES[row.group], row.n
        elif row.estimate == "claim":
            yield "claimed", row.n
        elif row.model in ("raw", "adjusted", "check") and row.estimate == "days_fewer":
            yield "eligible", row.n
    for step in answer.steps:
        if step.reason.startswith("pupils in the year groups"):
            yield "pool", step.left
        elif step.reason.startswith("absence under"):
            yield "under", step.lost
            yield "eligible", step.left


def attack(answers: Mapping[str, Answer], schools: Mapping[str, Sides], fewest: int, slack: float) -> Attack:
    attacker = Attack()
    every = {school: cells(school, sides) for school, sides in schools.items()}
    for school, sides in schools.items():
        for name in ("started", "never", "compared", "under"):
            attacker.publish(every[school][name], 0, inf)
        if sides.referred:
            attacker.publish(every[school]["referred"], 1, inf)
    for page, answer in answers.items():
        left_out = any(
            "give away" in step.reason or ("all or none" in step.reason and step.lost != 0) for step in answer.steps
        )
        kept = [page] if page != "all" else [s for s in schools if not left_out or answers[s].status != "too_few"]
        for what, n in counts_on(answer):
            inside = list(schools) if page == "all" and what in ("pool", "under", "claimed") else kept
            name = "referred" if what == "claimed" else what
            if what == "eligible" and page == "all" and left_out:
                continue  # before or after schools were left out: the flow and the sides say it too
            if n is not None and not (what == "claimed" and n < fewest):
                members = set().union(*(every[school][name] for school in inside))
                attacker.publish(members, n - slack, n + slack)
        if any(f"fewer than {fewest} referred" in reason for reason in answer.reasons) and page != "all":
            attacker.publish(every[page]["referred"], 1, fewest - 1)
    return attacker


def no_few_are_found(
    tmp_path: Path, patch: pytest.MonkeyPatch, given: list[Sides], comparison: str, audience: str = "internal"
) -> None:
    schools = {f"10000{place}": sides for place, sides in enumerate(given, 1)}
    study = write_schools(tmp_path, schools, audience, CLAIMS)
    answers = ask_each(study, schools, patch, comparison=comparison)
    fewest = limit(audience)
    attacker = attack(answers, schools, fewest, 2.5 if audience == "shareable" else 0.0)
    for school, sides in schools.items():
        true = truth(sides, comparison)
        for name in ("referred", "started", "never", "compared", "under"):
            n = true["started"] + true["never"] if name == "referred" else true[name]
            low, high = attacker.bounds(cells(school, sides)[name])
            if 0 < n < fewest:
                assert ceil(low - 1e-6) < floor(min(high, 1e6) + 1e-6), (school, name, n)


@pytest.mark.parametrize("given", SMALL.values(), ids=SMALL)
def test_the_same_schools_pupils_beside_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[Sides]
) -> None:
    no_few_are_found(tmp_path, monkeypatch, given, "same_school")


@pytest.mark.parametrize(
    ("given", "comparison", "audience"),
    [
        (SMALL["one school with few referred"], "earlier_cohort", "internal"),
        (SMALL["two whose few are all that can be"], "earlier_cohort", "internal"),
        (BESIDE, "other_schools", "internal"),
        (SMALL["one school with few referred"], "same_school", "shareable"),
    ],
)
def test_other_comparisons_and_pages_for_anyone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[Sides], comparison: str, audience: str
) -> None:
    no_few_are_found(tmp_path, monkeypatch, given, comparison, audience)
