"""Several schools' own courses put together: each as its own page has it, whatever it found (random effects)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from attendlib.facts.definitions import DAYS_A_YEAR, FEWEST_SESSIONS_ANNUALISED, SESSIONS_A_DAY
from attendlib.facts.years import year_group_name
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import rescaled, row_of
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.course_checks import BESIDE
from attendlib.questions.impact.evidence import Evidence
from attendlib.questions.impact.figures import days_rows
from attendlib.questions.impact.groups import where_it_began
from attendlib.questions.impact.observed import NONE, SAME_SCHOOL, Observed
from attendlib.questions.impact.pooled import (
    FEWEST,
    Unit,
    agreement,
    choice_rows,
    kept,
    mean_row,
    pooled,
    sound_row,
    spread_rows,
)
from attendlib.questions.impact.school_course import AVERAGED, CHECK, MAIN, Course, course_of
from attendlib.questions.windows import span, words
from attendlib.records.answer import NOT_AVAILABLE, Check, Row
from attendlib.stats.fit import Estimate

DESIGN = "series_together"
EACH = "each school's own dates"


def series_together(pupils: Pupils, asked: Asked) -> Evidence:
    """The mean of schools' own differences since their starts. Raises Refused where fewer than two have one."""
    own, without = _courses(pupils, asked)
    if len(own) < FEWEST:
        where = where_it_began(pupils, asked) or "none of the study's schools"
        reason = f"fewer than two schools have a course of their own since {asked.with_article} began"
        raise Refused("not_applicable", f"{reason}: see the pages of the schools where it did ({where})")
    days = sum(each.seen.days_after for each in own.values()) / len(own)
    of, n = _unit(own), sum(_pupils(each.seen) for each in own.values())
    main = _of(own, MAIN)
    rows = [row for model in (MAIN, CHECK) for row in _mean_rows(_of(own, model), model, n, days, of)]
    year = {row.model: row for row in rows if row.estimate == "days_fewer"}
    failed = [school for school, each in own.items() if any(check.passed is False for check in each.checks)]
    names = frames.schools(pupils).set_index("school")["name"]
    rows += [
        *_own_rows(own, without, of), *spread_rows(main, n, of, f"pooled_{MAIN}"), *choice_rows(main, n, of),
        *sound_row(main, failed, n, of),
    ]  # fmt: skip
    checks = [
        kept([str(names[school]) for school in failed], len(own), of), _apart(asked.comparison, own),
        _counted([str(names[school]) for school in without], len(own)), agreement(main, of),
    ]  # fmt: skip
    context = {
        "design": DESIGN, "outcome": _dates([each.seen for each in own.values()]), "window_days": f"{days:.0f}",
        "schools": str(len(own)), "schools_without": str(len(without)), "beside": BESIDE[asked.comparison],
        "period": asked.period, "year_groups": str(sum(len(each.seen.year_groups) for each in own.values())),
        "first_alone": "yes" if any(each.seen.which for each in own.values()) else "",
        **{f"school_{urn}": str(names[urn]) for urn in (*own, *without)},
    }  # fmt: skip
    return Evidence(
        rows, checks, year.get(f"pooled_{MAIN}"), year.get(f"pooled_{CHECK}"), (), "all", n, context, unit="schools",
        vetoes=True,
    )  # fmt: skip


def _courses(pupils: Pupils, asked: Asked) -> tuple[dict[str, Course], list[str]]:
    """The course of each of the study's schools where it began, and the schools where none can be told."""
    schools = frames.schools(pupils)
    listed = frames.interventions(pupils, asked.intervention)
    began = schools["school"].isin(listed.loc[listed["start_date"].notna(), "school"]) & schools["in_study"]
    own: dict[str, Course] = {}
    without: list[str] = []
    for school, name in schools.loc[began, ["school", "name"]].itertuples(index=False):
        try:
            own[str(school)] = course_of(replace(pupils, school=str(school), school_name=str(name)), asked)
        except Refused:
            without.append(str(school))
    return own, without


def _of(own: Mapping[str, Course], model: str) -> dict[str, Estimate]:
    return {school: each.estimates[model] for school, each in own.items()}


def _pupils(seen: Observed) -> int:
    """The school's own pupils: those it is compared with may stand beside several schools."""
    return int(seen.own_pupils.max())


def _unit(own: Mapping[str, Course]) -> Unit:
    """Schools, in days a year where every school's outcome is long enough, else in points: their windows differ."""
    least = min(each.seen.days_after for each in own.values())
    annual = least * SESSIONS_A_DAY >= FEWEST_SESSIONS_ANNUALISED
    return Unit("school", "days a year", DAYS_A_YEAR / 100) if annual else Unit("school", "percentage points")


def _mean_rows(own: Mapping[str, Estimate], model: str, n: int, days: float, of: Unit) -> list[Row]:
    rows = days_rows(mean_row(pooled(own), "points_fewer", f"pooled_{model}", n), days, lessons=model == MAIN)
    return [row for row in rows if row.estimate != "days_fewer" or row.unit == of.unit]


def _own_rows(own: Mapping[str, Course], without: list[str], of: Unit) -> list[Row]:
    """Each school's main difference, as its own page has it; and those that have none, without a figure."""
    rows = []
    for school, each in own.items():
        points = row_of(
            each.estimates[MAIN], "points_fewer", "all", group=f"school={school}", model=MAIN, method=AVERAGED
        )
        rows.append(replace(rescaled(points, of.per, "school_difference", of.unit), n=_pupils(each.seen)))
    none = Row("school_difference", "all", model=MAIN, unit=of.unit, withheld=NOT_AVAILABLE)
    return [*rows, *(replace(none, group=f"school={school}") for school in without)]


def _apart(comparison: str, own: Mapping[str, Course]) -> Check:
    """Whether schools' figures share something: only apart is the mean as sure as its interval says.

    Beside its own year groups a school is apart from the others' pupils, not from what one year group does everywhere.
    So it never passes: it fails where one year group counts in most schools, else it is for information.
    """
    name = "Schools that stand apart"
    if comparison == SAME_SCHOOL:
        return _year_groups_apart(name, own)
    if comparison == NONE:
        alone = "No school is set beside anything: whatever else changed at the same time would look the same."
        return Check(name, False, alone)
    text = (
        f"Every school is set beside the same ({BESIDE[comparison]}): what happened there is in every figure, so the"
        " mean is less sure than its interval says."
    )
    return Check(name, False, text)


def _year_groups_apart(name: str, own: Mapping[str, Course]) -> Check:
    shared = Counter(year_group for each in own.values() for year_group in each.seen.year_groups).most_common(1)
    if shared and 2 * shared[0][1] > len(own):
        year_group, many = shared[0]
        text = (
            f"In {many} of {len(own)} schools {year_group_name(year_group)} is among those that began first: what that"
            " year group did everywhere is in most figures, so the mean's interval is too short."
        )
        return Check(name, False, text)
    text = (
        "Each school is set beside year groups of its own. What one year group did everywhere, or all schools' terms"
        " brought, may still be in several figures; then the mean is less sure than its interval says."
    )
    return Check(name, None, text)


def _counted(without: list[str], many: int) -> Check:
    """Which schools are in the mean, for information."""
    name = "Schools without a course"
    if not without:
        return Check(name, None, f"All {many} schools where it began have a course of their own.")
    text = f"Where it began, {len(without)} of {len(without) + many} schools have no course that can be told"
    return Check(name, None, f"{text} and are not in the mean: {', '.join(without)}. Their own pages say why.")


def _dates(seen: list[Observed]) -> str:
    """The outcome's dates where they are the same in every school."""
    found = {words(span(each.starts[int(each.after.argmax())], each.ends[-1])) for each in seen}
    return found.pop() if len(found) == 1 else EACH
