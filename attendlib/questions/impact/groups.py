"""Whole groups over time: schools, or year groups of schools, by half-term or week, and when each began."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd

from attendlib.disclosure import limit
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.referred import referred
from attendlib.records.answer import Step

NEVER = -1
NEVER_DAY = pd.Timestamp(2200, 1, 1)  # after any data; pandas cannot hold its own greatest day in microseconds
JOINED_HUB = "joined_hub"  # the intervention that the schools table itself dates
LONGEST_BREAK = timedelta(weeks=9)  # between two weeks: longer than any summer, so a term is missing
NEW_YEAR = 8  # August: the month in which an academic year opens
NEARLY = 0.8  # of the weeks: schools break up on different days
KEYS = ["school", "year_group"]
GAP, SMALL, EARLY = "gap", "small", "early"  # why a group is left out


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """A row a group, a column a period, every cell known.

    `labels` (groups): school, year_group (NaN for a whole school), phase, pupils (most there in any period), `start`
    (NEVER_DAY without one) and `first`, the place of the first period with any day after it (NEVER for groups not
    treated by the end). `left_out` has the same of groups without a known cell or time before, and `why`.
    `rate` (groups, periods) is the mean over pupils of the share of their own possible sessions missed (0 to 1),
    `authorised` and `unauthorised` those sessions' share of all possible, `pupils` how many were there, `possible` mean
    possible half-day sessions per pupil. `names` ("2024/25-3", or a Monday), `starts` and `ends` are the periods.
    """

    labels: pd.DataFrame
    rate: np.ndarray
    authorised: np.ndarray
    unauthorised: np.ndarray
    pupils: np.ndarray
    possible: np.ndarray
    names: tuple[str, ...]
    starts: tuple[date, ...]
    ends: tuple[date, ...]
    steps: tuple[Step, ...]
    left_out: pd.DataFrame

    @property
    def first(self) -> np.ndarray:
        """The place of each group's first treated period (groups,), NEVER for those not treated."""
        return self.labels["first"].to_numpy(int)

    def only(self, rows: np.ndarray, reason: str) -> "Groups":
        """The groups where `rows` is true; the pupils of the others are counted under `reason`."""
        kept = np.asarray(rows, bool)
        left = int(self.labels["pupils"][kept].sum())
        step = Step(reason, int(self.labels["pupils"].sum()) - left, left)
        cells = {name: getattr(self, name)[kept] for name in CELLS}
        return replace(self, labels=self.labels[kept].reset_index(drop=True), steps=(*self.steps, step), **cells)


CELLS = ("rate", "authorised", "unauthorised", "pupils", "possible")


def groups_over_time(
    pupils: Pupils, asked: Asked, unit: str = "", school: str = "", fewest_groups: int = 2
) -> Groups:  # fmt: skip
    """The groups of the study's schools over all years held, up to the asked one, and when each began.

    `unit` is "school", "year_group" or "cohort" (the same pupils as they move up, by their year group in the asked
    year); unless given, it is what the interventions table names. `school` keeps to one school's groups. Raises Refused
    where pupils were chosen by name, a term is missing in between, or fewer than `fewest_groups` are held throughout.
    """
    listed = _listed(pupils, asked, school)
    unit = unit or ("year_group" if listed["year_group"].notna().any() else "school")
    if unit == "cohort":
        started = listed["start_date"].dt.year - (listed["start_date"].dt.month < NEW_YEAR)
        listed = listed.assign(year_group=listed["year_group"] + _opens(asked) - started)
    cells = _cells(pupils, asked, unit, school)
    periods = cells[["name", "period_start", "period_end"]].groupby("name", sort=False).agg(
        {"period_start": "min", "period_end": "max"}
    ).sort_values("period_start")  # fmt: skip
    periods = _within(periods, asked, listed)
    _no_gap(periods, asked)
    grids = {name: cells.pivot_table(index=KEYS, columns="name", values=name) for name in CELLS}
    periods = _common(periods, grids["rate"], asked)
    cell = {name: grid.reindex(columns=periods.index).to_numpy(float) for name, grid in grids.items()}
    labels = grids["pupils"].index.to_frame(index=False)
    start = _start_days(labels, listed)
    labels = labels.assign(
        pupils=np.nan_to_num(cell["pupils"]).max(axis=1).astype(int),
        phase=labels["school"].map(frames.schools(pupils).set_index("school")["phase"]),
        start=start,
        first=_first(start, periods),
        year_group=labels["year_group"].replace(NEVER, np.nan),
    )
    starts, ends = (tuple(day.date() for day in periods[f"period_{edge}"]) for edge in ("start", "end"))
    steps = (Step("pupils on roll in the groups", 0, int(labels["pupils"].sum())),)
    made = Groups(
        labels=labels, names=tuple(periods.index), starts=starts, ends=ends, steps=steps, left_out=labels[:0], **cell
    )  # fmt: skip
    return _usable(made, limit(pupils.study_file.study.audience), fewest_groups, asked)


def _listed(pupils: Pupils, asked: Asked, school: str) -> pd.DataFrame:
    """Rows that start a whole school or year group: school, year_group, start_date, end_date."""
    columns = ["school", "year_group", "start_date", "end_date"]
    if asked.intervention == JOINED_HUB:
        hubs = frames.schools(pupils)
        hubs = hubs[hubs["joined_hub"].notna()]
        listed = hubs.assign(year_group=np.nan, start_date=hubs["joined_hub"], end_date=pd.Series(pd.NaT, hubs.index))[
            columns
        ]
    else:
        rows = referred(frames.interventions(pupils, asked.intervention))
        if rows["pupil"].notna().any():
            reason = f"{asked.name} was given to pupils by name, and this design compares whole year groups or schools"
            raise Refused("not_applicable", f"{reason}: use `design: adjusted`")
        listed = rows.loc[rows["start_date"].notna(), columns]
    listed = listed[listed["school"] == school] if school else listed
    if listed.empty:
        elsewhere = " here: see the page of all schools" if school else ""
        raise Refused(
            "not_applicable", f"no school or year group is known to have started {asked.with_article}{elsewhere}"
        )
    return listed


def _cells(pupils: Pupils, asked: Asked, unit: str, school: str) -> pd.DataFrame:
    """One row per group and period, sums put together where the group is a school."""
    years = [year for year in frames.academic_years(pupils) if year <= asked.year]
    cells = frames.absence_by_group(pupils, years, asked.period)
    cells = cells[cells["in_study"] & (cells["school"] == school if school else True)]
    if cells.empty:
        reason = f"attendance is not held by {asked.period.replace('_', '-')}, so no course over time can be seen"
        raise Refused("not_applicable", reason)
    if unit == "school":
        cells = cells.assign(year_group=NEVER)
    if unit == "cohort":
        cells = cells.assign(
            year_group=cells["year_group"] + _opens(asked) - cells["academic_year"].str[:4].astype(int)
        )
    weighted = cells.assign(rate=cells["rate_per_pupil"] * cells["pupils"])
    keys = [*KEYS, "academic_year", "period"]
    sums = weighted.groupby(keys, as_index=False).agg(
        {"period_start": "min", "period_end": "max"} | dict.fromkeys(
            ("pupils", "possible", "authorised", "unauthorised", "rate"), "sum")
    )  # fmt: skip
    halves = sums["academic_year"] + "-" + sums["period"]
    return sums.assign(
        name=halves if asked.period == "half_term" else sums["period"],
        rate=sums["rate"] / sums["pupils"],
        authorised=sums["authorised"] / sums["possible"],
        unauthorised=sums["unauthorised"] / sums["possible"],
        possible=sums["possible"] / sums["pupils"],
    )


def _within(periods: pd.DataFrame, asked: Asked, listed: pd.DataFrame) -> pd.DataFrame:
    """Periods from the baseline's first day to the outcome's last, none after the support first ended anywhere."""
    ends = listed["end_date"].dropna()
    last = min([pd.Timestamp(asked.outcome.to_date)] if asked.outcome else [pd.Timestamp.max], default=None)
    last = min(last, ends.min()) if len(ends) else last
    first = pd.Timestamp(asked.baseline.from_date) if asked.baseline else pd.Timestamp.min
    kept = periods[(periods["period_start"] >= first) & (periods["period_end"] <= last)]
    if len(kept) < 2:
        raise Refused("not_applicable", "fewer than two periods are held between the study's dates")
    return kept


def _no_gap(periods: pd.DataFrame, asked: Asked) -> None:
    """Refuses a course with a hole: what lies on either side of a missing term does not join up."""
    if asked.period == "half_term":
        years = sorted({name.partition("-")[0] for name in periods.index})
        every = [f"{year}-{half}" for year in years for half in range(1, 7)]
        held = [place for place, name in enumerate(every) if name in set(periods.index)]
        missing = [every[place] for place in range(held[0], held[-1]) if place not in held]
    else:
        breaks = [each for each in pairwise(periods["period_start"]) if each[1] - each[0] > LONGEST_BREAK]
        missing = [f"{a.day} {a:%B %Y} to {b.day} {b:%B %Y}" for a, b in breaks]
    if missing:
        raise Refused("not_applicable", f"attendance is missing in between ({', '.join(missing)})")


def _common(periods: pd.DataFrame, rates: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Half-terms as they are; of weeks only those in which every group held nearly throughout was at school."""
    if asked.period == "half_term":
        return periods
    held = rates.reindex(columns=periods.index).notna()
    return periods[held[held.mean(axis=1) >= NEARLY].all()]


def _start_days(labels: pd.DataFrame, listed: pd.DataFrame) -> pd.Series:
    """Each group's first start, NEVER_DAY without one."""
    keys = ["school"] if (labels["year_group"] == NEVER).all() else KEYS
    by_school = listed.loc[listed["year_group"].isna(), ["school", "start_date"]]
    found = [labels[KEYS].merge(by_school, on="school"), labels[KEYS].merge(listed[[*keys, "start_date"]], on=keys)]
    starts = pd.concat(found).groupby(KEYS, as_index=False)["start_date"].min()
    return labels[KEYS].merge(starts, on=KEYS, how="left")["start_date"].fillna(NEVER_DAY)


def _first(start: pd.Series, periods: pd.DataFrame) -> np.ndarray:
    """The place of the first period that holds a day after each group's start."""
    place = np.searchsorted(periods["period_end"].to_numpy(), start.to_numpy())
    return np.where(place < len(periods), place, NEVER)


def _opens(asked: Asked) -> int:
    """The calendar year in which the asked academic year opens."""
    return int(asked.year[:4])


def _usable(made: Groups, fewest: int, fewest_groups: int, asked: Asked) -> Groups:
    """Groups held in every period, with enough pupils in each, and seen before they began."""
    gap = ~np.isfinite(made.rate).all(axis=1)
    made = _without(made, gap, GAP, "groups without attendance in every period")
    small = ~np.all(made.pupils >= fewest, axis=1)
    made = _without(made, small, SMALL, f"groups of fewer than {fewest} pupils in a period")
    made = _without(made, made.first == 0, EARLY, "groups that had started before the first period held")
    if len(made.labels) < fewest_groups:
        many = {1: "no group is", 2: "fewer than two groups are"}[fewest_groups]
        if (made.left_out["why"] == EARLY).any():
            raise not_held(made, asked)
        raise Refused("too_few", f"{many} held throughout", made.steps)
    return made


def _without(made: Groups, rows: np.ndarray, why: str, reason: str) -> Groups:
    left_out = pd.concat([made.left_out, made.labels[rows].assign(why=why)], ignore_index=True)
    return replace(made.only(~rows, reason), left_out=left_out)


def began_unseen(groups: Groups, school: str = "") -> pd.DataFrame:
    """Groups (of `school`) that began within the periods held or before, and are not among those kept."""
    left = groups.left_out[groups.left_out["first"] != NEVER]
    return left[left["school"] == school] if school else left


def not_held(groups: Groups, asked: Asked, school: str = "") -> Refused:
    """Why no group (of `school`) that began can be used, or none at all where none began."""
    who, those = ("this school", "this school") if school else ("groups", "the groups that began")
    began = began_unseen(groups, school)
    left = groups.left_out[(groups.left_out["school"] == school) | (not school)] if began.empty else began
    early = left["first"] == 0
    reasons = [f"{who} began {nothing_before(groups, asked, left.loc[early, 'start'])}"] if early.any() else []
    if (left["why"][~early] == GAP).any():
        reasons.append(f"attendance of {those} is missing in some of the periods the others have")
    if (left["why"][~early] == SMALL).any() or not reasons:
        reasons.append(f"{those} held too few pupils in some period")
        return Refused("too_few", "; ".join(reasons), groups.steps)
    return Refused("not_applicable", "; ".join(reasons), groups.steps)


def where_it_began(pupils: Pupils, asked: Asked) -> str:
    """The names of the study's schools where it started; empty where there is none."""
    rows = frames.interventions(pupils, asked.intervention)
    return school_names(pupils, rows.loc[rows["start_date"].notna(), "school"])


def school_names(pupils: Pupils, listed: pd.Series) -> str:
    """The names of those of the `listed` schools (URNs) that are in the study, in the schools table's order."""
    schools = frames.schools(pupils)
    return ", ".join(schools.loc[schools["school"].isin(listed) & schools["in_study"], "name"])


def nothing_before(groups: Groups, asked: Asked, start: pd.Series) -> str:
    """'the breakfast club in the first half-term held, so nothing is known from before': starts (groups,) so early."""
    opens = pd.Timestamp(groups.starts[0])
    when = [word for word, some in (("before", (start < opens).any()), ("in", (start >= opens).any())) if some]
    period = asked.period.replace("_", "-")
    return f"{asked.with_article} {' or '.join(when)} the first {period} held, so nothing is known from before"


def dates_words(days: Sequence[date]) -> str:
    """'6 January 2025, 24 February 2025'."""
    return ", ".join(f"{day.day} {day:%B %Y}" for day in days)
