"""Who is compared: the referred, and pupils chosen by the same rule over the same dates; every loss counted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from attendlib.disclosure import limit
from attendlib.facts.definitions import FEWEST_SESSIONS_BANDED
from attendlib.facts.years import academic_year_before
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.intake.store import data_to
from attendlib.questions.beside_schools import sides_are_safe, steps_beside_schools
from attendlib.questions.common import Kept, keep, start
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.models import overlapping, whole_schools
from attendlib.questions.impact.referred import by_group, marked, referred, referred_homes
from attendlib.questions.impact.sessions import sessions_of
from attendlib.questions.windows import Windows, choose_windows, words, year_earlier
from attendlib.records.answer import Scope, Status, Step

ONE_SCHOOL = (
    "beside other schools one school alone shows nothing, since whatever else is different there cannot be told apart:"
    " see the page of all schools"
)


class Refused(Exception):
    """The comparison cannot be made; `args[0]` says why, for a page."""

    def __init__(self, status: Status, reason: str, steps: Sequence[Step] = ()) -> None:
        super().__init__(reason)
        self.status, self.reason, self.steps = status, reason, tuple(steps)


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Pupils analysed, one row each, with rates in three windows (`models`), the steps that led there, the flow.

    `flow` counts who of them was referred, started and finished; `by_group`: whole groups were chosen.
    `referred_rows` are all those referred in the scope, analysed or not.
    """

    frame: pd.DataFrame
    steps: tuple[Step, ...]
    flow: tuple[Step, ...]
    scope: Scope
    has_baseline: bool
    windows: Windows
    by_group: bool
    own_dates: bool
    referred_rows: pd.DataFrame
    households_known: bool

    @property
    def sides(self) -> tuple[int, int]:
        """How many referred and how many compared pupils are analysed."""
        return int((self.frame["treated"] == 1).sum()), int((self.frame["treated"] == 0).sum())

    @property
    def clusters(self) -> pd.Series | None:
        """What standard errors are clustered by: the school, or the group that was chosen; None for pupils."""
        whole = whole_schools(self.frame)
        if self.by_group and not whole:
            return self.frame["school"] + ":" + self.frame["year_group"].astype(str)
        return self.frame["school"] if whole or self.scope == "all" else None


def compared(pupils: Pupils, asked: Asked, scope: Scope) -> Compared:
    """The referred pupils of the page's scope and those to compare them with. Raises Refused, saying why."""
    everywhere = frames.interventions(pupils, asked.intervention)
    listed = everywhere if scope == "all" else everywhere[everywhere["school"] == pupils.school]
    rows = referred(listed)
    if rows.empty:
        raise Refused("not_applicable", f"no pupil was referred to {asked.with_article} here")
    if scope == "school" and asked.comparison == "other_schools":
        raise Refused("not_applicable", ONE_SCHOOL)
    windows = windows_of(pupils, rows, asked)
    dates_can_be_had(pupils, windows, asked)
    fewest = limit(pupils.study_file.study.audience)
    pool = _pool(pupils, listed, asked)
    kept = start(pool, "pupils in the year groups of those referred")
    if not (pool["treated"] == 0).any():
        raise Refused("too_few", _nobody_left(asked), steps_of(kept, scope, fewest))
    own_dates = asked.outcome is None and bool(rows["start_date"].nunique() > 1)
    kept = replace(kept, frame=_with_sessions(pupils, kept.frame, windows, own_dates))
    kept = _by_rule(kept, asked)
    kept, households_known = _without_siblings(kept, referred_homes(pupils, everywhere, asked.year))
    kept = enough(kept, "outcome", "after the start")
    has_baseline = _baseline_held(kept.frame, fewest)
    if has_baseline:
        kept = enough(kept, "baseline", "in the earlier baseline")
    own_pages = scope == "all" and asked.comparison != "other_schools"
    inside = within_overlap(replace(kept, frame=with_rates(kept.frame)), fewest if own_pages else 0)
    if (kept.frame["treated"] == 0).any() and not (inside.frame["treated"] == 0).any():
        reason = "no pupil to compare with was as absent as those referred: no overlap"
        raise Refused("too_few", reason, steps_of(inside, scope, fewest))
    if scope == "all":
        inside = beside_own_pages(inside, asked.comparison != "other_schools", fewest)
    found = Compared(
        inside.frame, steps_of(inside, scope, fewest), _flow(inside.frame, fewest), scope, has_baseline, windows,
        by_group(rows), own_dates, rows, households_known,
    )  # fmt: skip
    _enough_to_compare(found, fewest)
    return found


def steps_of(kept: Kept, scope: Scope, fewest: int) -> tuple[Step, ...]:
    """The steps as they may be told; of all schools without what, less the schools' own pages, is a few pupils."""
    return steps_beside_schools(kept.steps, kept.schools, fewest) if scope == "all" else kept.steps


def windows_of(pupils: Pupils, rows: pd.DataFrame, asked: Asked) -> Windows:
    """Window, baseline and outcome: the study's own, else from the first start. Raises Refused without one."""
    first = pd.to_datetime(rows["start_date"].fillna(rows["referred_date"])).min()
    if pd.isna(first) and asked.outcome is None:
        raise Refused("not_applicable", f"no date is held on which {asked.name} started or anyone was referred")
    return choose_windows(
        asked.outcome.from_date if pd.isna(first) and asked.outcome else first.date(),
        asked.year,
        asked.rule.window if asked.rule else None,
        asked.baseline,
        asked.outcome,
        yearly=frames.grains(pupils, asked.year) == {"year"},
    )


def dates_can_be_had(pupils: Pupils, windows: Windows, asked: Asked) -> None:
    """Refuses an outcome outside the academic year or after the data's end, and a window that is not before it."""
    opens = int(asked.year[:4])
    first, last = windows.outcome.from_date, windows.outcome.to_date
    if first.isoformat() < f"{opens}-08-01" or last.isoformat() > f"{opens + 1}-08-31":
        raise Refused("not_applicable", f"the outcome's dates ({words(windows.outcome)}) lie outside {asked.year}")
    held = data_to(pupils.store)
    if held and first.isoformat() > held:
        raise Refused("not_applicable", f"{asked.name} starts after the attendance data end ({held})")
    if windows.window.to_date >= first:
        raise Refused("not_applicable", "the dates over which pupils were chosen reach into the outcome's dates")


def _pool(pupils: Pupils, listed: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """One row per enrolled pupil: the referred, and pupils of the same year groups as the comparison names them."""
    enrolled = frames.enrolments(pupils, asked.year)
    there = enrolled["in_study"]
    if asked.comparison != "other_schools":  # all but this one compare inside the school
        there = there & enrolled["school"].isin(listed["school"])
    pool = marked(enrolled[there], listed).assign(back=False)
    treated = pool["treated"] == 1
    cells = pool.loc[treated, ["school", "year_group"]].drop_duplicates()
    if asked.comparison == "earlier_cohort":
        before = frames.enrolments(pupils, academic_year_before(asked.year)).merge(cells, on=["school", "year_group"])
        before = before[before["in_study"] & ~before["pupil"].isin(_started_before(listed, asked))]
        return pd.concat([pool[treated], before.assign(treated=0.0, engaged=0.0, back=True)], ignore_index=True)
    if asked.comparison == "other_schools":
        other = ~pool["school"].isin(cells["school"]) & pool["year_group"].isin(cells["year_group"])
        return pool[treated | other]
    if by_group(referred(listed)):  # whole year groups were chosen: the other year groups of the school
        return pool[pool["school"].isin(cells["school"])]
    return pool.merge(cells, on=["school", "year_group"])


def _started_before(listed: pd.DataFrame, asked: Asked) -> pd.Series:
    """Pupils who had it in an earlier year. Not those who had it since: that would choose by what came later."""
    opened = pd.Timestamp(int(asked.year[:4]), 8, 1)
    return listed.loc[pd.to_datetime(listed["start_date"]) < opened, "pupil"].dropna()


def _nobody_left(asked: Asked) -> str:
    where = {"same_school": "other_schools or earlier_cohort", "other_schools": "earlier_cohort"}
    said = f"; try comparison: {where[asked.comparison]}" if asked.comparison in where else ""
    return (
        f"every pupil who could be compared was referred to {asked.with_article}: nobody is left to compare with{said}"
    )


def _with_sessions(pupils: Pupils, frame: pd.DataFrame, windows: Windows, own_dates: bool) -> pd.DataFrame:
    """Sessions in each window; an earlier cohort's are those of the same weeks a year earlier."""
    seed = pupils.study_file.study.seed
    parts = [
        sessions_of(pupils, part.reset_index(drop=True), year_earlier(windows) if back else windows, own_dates, seed)
        for back, part in frame.groupby("back")
    ]
    return pd.concat(parts, ignore_index=True)


def _by_rule(kept: Kept, asked: Asked) -> Kept:
    """Those who met the rule when pupils were chosen."""
    kept = enough(kept, "window", "when pupils were chosen")
    if asked.rule:
        met = 100 * kept.frame["absent_window"] >= asked.rule.absence_pct_at_least * kept.frame["possible_window"]
        outside = f"absence under {asked.rule.absence_pct_at_least:g}% when pupils were chosen"
        kept = keep(kept, met, outside)
    return kept


def _flow(frame: pd.DataFrame, fewest: int) -> tuple[Step, ...]:
    """Eligible, referred, started, stayed, finished, among those analysed: each a step of those before.

    Other figures tell how many were eligible and referred, on a school's page as on that of all: few who never started
    must not follow from them.
    """
    flow = start(frame, "eligible: met the rule")
    flow = keep(flow, flow.frame["treated"] == 1, "not referred")
    flow = keep(flow, flow.frame["engaged"] == 1, "referred and never started")
    flow = keep(flow, flow.frame["status"] != "left", "left before the end")
    flow = keep(flow, flow.frame["status"] == "finished", "not finished yet, or no end recorded")
    return steps_beside_schools(flow.steps, flow.schools, fewest, last_known=False)


def _without_siblings(kept: Kept, homes: pd.Series) -> tuple[Kept, bool]:
    """Without compared pupils of a referred pupil's household: support that reaches a home reaches both."""
    if "household" not in kept.frame or kept.frame["household"].isna().all():
        return kept, False
    sibling = (kept.frame["treated"] == 0) & kept.frame["household"].isin(homes)
    return keep(kept, ~sibling, "brothers and sisters of those referred (same household)"), True


def enough(kept: Kept, name: str, when: str) -> Kept:
    """Only pupils with as many possible sessions in a window as DfE's bands ask for."""
    enough = kept.frame[f"possible_{name}"].fillna(0) >= FEWEST_SESSIONS_BANDED
    return keep(kept, enough, f"fewer than {FEWEST_SESSIONS_BANDED} possible sessions {when}")


def _baseline_held(frame: pd.DataFrame, fewest: int) -> bool:
    """Whether enough pupils of both sides have an earlier baseline: else nobody is left out for want of one."""
    known = frame["possible_baseline"].fillna(0) >= FEWEST_SESSIONS_BANDED
    return bool(min(known[frame["treated"] == side].sum() for side in (0, 1)) >= fewest)


def with_rates(frame: pd.DataFrame) -> pd.DataFrame:
    """Each window's share of possible sessions missed (0 to 1), under the window's name."""
    rates = {name: frame[f"absent_{name}"] / frame[f"possible_{name}"] for name in ("window", "baseline", "outcome")}
    return frame.assign(**{name: rate.astype(float) for name, rate in rates.items()})


def within_overlap(kept: Kept, own_pages_from: int = 0) -> Kept:
    """Only pupils within the range of the referred's absence when chosen.

    On a page of all schools `own_pages_from` is the fewest pupils a side of a school's own page: schools that have one
    keep to the range of their own referred, as there, or the two pages would differ by a few pupils.
    """
    if not (kept.frame["treated"] == 1).any():
        return kept
    inside = overlapping(kept.frame)
    if own_pages_from:
        for _, rows in kept.frame.groupby("school"):
            own = rows.index[overlapping(rows)]
            sides = rows.loc[own, "treated"].value_counts().reindex([0.0, 1.0], fill_value=0)
            if sides.min() >= own_pages_from:
                inside[rows.index] = rows.index.isin(own)
    return keep(kept, inside, "absence when chosen outside the range of those referred")


def beside_own_pages(kept: Kept, both_sides: bool, fewest: int) -> Kept:
    """For all schools: without schools that have nobody to compare with, and without those that subtraction would show.

    Schools too small for figures of their own are together large enough, and none is given away, or all are left out.
    """
    if both_sides:
        reason = "schools where all or none were referred"
        kept = keep(kept, kept.frame.groupby("school")["treated"].transform("nunique") == 2, reason)
    few = given_away(kept.frame, fewest)
    if not few:
        return kept
    reason = f"schools with fewer than {fewest} pupils on a side, whom subtraction would give away: {len(few)}"
    return keep(kept, ~kept.frame["school"].isin(few), reason)


def given_away(frame: pd.DataFrame, fewest: int) -> list[str]:
    """The schools with few `treated` or other pupils, where pages of all schools would show them; else none."""
    sides = pd.crosstab(frame["school"], frame["treated"]).rename(columns={0.0: "compared", 1.0: "referred"})
    if len(sides.columns) < 2 or sides_are_safe(sides, fewest):
        return []
    few = ((sides > 0) & (sides < fewest)).any(axis=1)
    return [str(school) for school in few[few].index]


def _enough_to_compare(found: Compared, fewest: int) -> None:
    sides = found.sides
    if min(sides) < fewest:
        who = "referred pupils" if sides[0] < sides[1] else "pupils to compare them with"
        raise Refused("too_few", f"fewer than {fewest} {who} could be analysed", found.steps)
    groups = found.clusters
    if groups is not None and groups.nunique() < 2:
        raise Refused("too_few", "only one school could be analysed: see that school's own page", found.steps)
