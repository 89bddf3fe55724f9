"""Who sat the measure: one row per pupil, in the school where the result counts, with absence and what is known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from attendlib.facts.definitions import FEWEST_SESSIONS_BANDED
from attendlib.facts.years import academic_year_before
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import Kept, keep, start
from attendlib.questions.link.asked import Asked

EXAM_YEAR_GROUP, EXAM_HALF_TERMS = 11, (1, 2, 3, 4, 5)  # DfE drops Year 11's last half-term: study leave
PRIOR_NEEDED = 0.5  # a prior result fewer pupils than this share have is not used, and the page says so
COUNTS = ["possible", "absent", "illness", "authorised", "unauthorised", "spells"]


@dataclass(frozen=True, slots=True, eq=False)
class Sat:
    """Pupils of the year groups that sat the measure, one row per enrolment.

    `here` says which enrolment a pupil counts in. Beside the pupils table: possible, absent and the kinds of absence
    that year; short_possible, short_absent (the pupil's first half-term); last_possible, last_absent (the year before,
    any school); result, reason, prior, asked_for (has a row, with a result or not). `others` are all other year groups
    of the page's school, absence of both years alone.
    """

    frame: pd.DataFrame
    others: pd.DataFrame
    half_terms: tuple[int, ...]


def pupils_who_sat(pupils: Pupils, asked: Asked) -> Sat:
    """The year groups in which at least half the pupils have a result row (the nearest to it, where none has).

    Of a school without a result, its own pupils on roll alone.
    """
    everyone = frames.enrolments(pupils, asked.academic_year)
    results = frames.results(pupils, asked.measure, asked.academic_year)
    groups = _year_groups(everyone, results, asked.year_group)
    half_terms = _half_terms(pupils, groups, asked.academic_year)
    own = everyone[everyone["year_group"].isin(groups) & (everyone["school"] == asked.school)]
    if not own["pupil"].isin(results["pupil"]).any():  # no more need be read
        nobody = own.assign(asked_for=False, result=np.nan, prior=np.nan)
        return Sat(nobody.reset_index(drop=True), everyone.iloc[:0], half_terms)
    everyone = everyone[everyone["year_group"].isin(groups) | (everyone["school"] == asked.school)]
    absence = frames.absence_per_pupil(pupils, asked.academic_year, half_terms or None)
    everyone = everyone.merge(absence[["pupil", "school", *COUNTS]], on=["pupil", "school"], how="left")
    everyone = everyone.merge(_last_year(pupils, asked.academic_year, everyone["pupil"]), on="pupil", how="left")
    sitting = everyone["year_group"].isin(groups)
    columns = {"value": "result", "school": "result_school"}
    asked_for = results[["pupil", "value", "reason", "school"]].rename(columns=columns).assign(asked_for=True)
    frame = everyone[sitting].merge(asked_for, on="pupil", how="left")
    frame["asked_for"] = frame["asked_for"].notna()
    frame = frame.merge(_short_window(pupils, asked.academic_year, frame["pupil"]), on=["pupil", "school"], how="left")
    frame = frame.merge(_priors(pupils, asked, frame["pupil"]), on="pupil", how="left")
    return Sat(frame.assign(here=_counts_here(frame)), everyone[~sitting].reset_index(drop=True), half_terms)


def used_prior(sat: Sat, asked: Asked) -> Asked:
    """`asked` without its prior where too few pupils of the school have one for it to be held alike."""
    own = sat.frame[(sat.frame["school"] == asked.school) & sat.frame["result"].notna()]
    enough = asked.prior is not None and len(own) > 0 and own["prior"].notna().mean() >= PRIOR_NEEDED
    return asked if enough else replace(asked, prior=None)


def with_a_result(rows: pd.DataFrame, asked: Asked) -> Kept:
    """The pupils a link can be read from, every loss counted."""
    kept = attending(rows)
    if asked.prior:
        kept = keep(kept, kept.frame["prior"].notna(), "no prior result")
    return keep(kept, kept.frame["result"].notna(), "no result")


def attending(rows: pd.DataFrame) -> Kept:
    """Pupils with enough attendance, with a result or without: `absence_pct` added, every loss counted."""
    kept = start(rows, "pupils on roll")
    kept = _keep_if_any(kept, kept.frame["here"], "counted in another school, where they were longer or sat the test")
    kept = keep(kept, kept.frame["possible"].fillna(0) > 0, "no attendance recorded")
    fewest = FEWEST_SESSIONS_BANDED
    kept = keep(kept, kept.frame["possible"] >= fewest, f"fewer than {fewest} possible sessions")
    possible = kept.frame["absent"].between(0, kept.frame["possible"])
    kept = _keep_if_any(kept, possible, "more sessions absent than possible")
    absence_pct = 100 * kept.frame["absent"] / kept.frame["possible"]
    return Kept(kept.frame.assign(absence_pct=absence_pct.astype(float)), kept.steps)


def _keep_if_any(kept: Kept, mask: pd.Series, reason: str) -> Kept:
    """A step that seldom leaves anyone out: told only where it does."""
    return kept if mask.all() else keep(kept, mask, reason)


def _year_groups(enrolled: pd.DataFrame, results: pd.DataFrame, year_group: int | None) -> list[int]:
    if year_group is not None:
        return [year_group]
    shares = enrolled["pupil"].isin(results["pupil"]).groupby(enrolled["year_group"]).mean()
    if shares.empty or shares.max() == 0:
        return []
    return [int(group) for group in shares.index[shares >= min(0.5, shares.max())]]


def _half_terms(pupils: Pupils, groups: Sequence[int], academic_year: str) -> tuple[int, ...]:
    exam = list(groups) == [EXAM_YEAR_GROUP] and "half_term" in frames.grains(pupils, academic_year)
    return EXAM_HALF_TERMS if exam else ()


def _last_year(pupils: Pupils, academic_year: str, who: pd.Series) -> pd.DataFrame:
    """One row per pupil of `who`: sessions of the year before over every school of the data."""
    before = frames.absence_per_pupil(pupils, academic_year_before(academic_year))
    sums = before[before["pupil"].isin(who)].groupby("pupil", as_index=False)[["possible", "absent"]].sum()
    return sums.rename(columns={"possible": "last_possible", "absent": "last_absent"})


def _short_window(pupils: Pupils, academic_year: str, who: pd.Series) -> pd.DataFrame:
    """One row per pupil of `who` and school: the first half-term with enough sessions; none where none are known."""
    names = {"possible": "short_possible", "absent": "short_absent"}
    if "half_term" not in frames.grains(pupils, academic_year):
        empty = {name: pd.Series(dtype="float64") for name in names.values()}
        return pd.DataFrame({"pupil": pd.Series(dtype="str"), "school": pd.Series(dtype="str"), **empty})
    found = frames.absence_by_half_term(pupils, academic_year, ["pupil", "school", *names])
    enough = found["possible"] >= FEWEST_SESSIONS_BANDED
    found = found[enough & found["pupil"].isin(who)].drop_duplicates(["pupil", "school"])
    return found.rename(columns=names)


def _priors(pupils: Pupils, asked: Asked, who: pd.Series) -> pd.DataFrame:
    """One row per pupil of `who`: the latest result of the prior measure from before the year, under `prior`."""
    if asked.prior is None:
        return pd.DataFrame({"pupil": pd.Series(dtype="str"), "prior": pd.Series(dtype="float64")})
    known = frames.results(pupils, asked.prior).dropna(subset=["value"])
    earlier = known["academic_year"] < asked.academic_year
    known = known[earlier & known["pupil"].isin(who)].sort_values(["pupil", "academic_year"])
    return known.groupby("pupil", as_index=False).last()[["pupil", "value"]].rename(columns={"value": "prior"})


def _counts_here(frame: pd.DataFrame) -> np.ndarray:
    """One enrolment a pupil: the school the result names, else the one with most possible sessions."""
    order = pd.DataFrame(
        {
            "pupil": frame["pupil"],
            "sat_here": (frame["result_school"] == frame["school"]).fillna(False),
            "possible": frame["possible"].fillna(0),
        }
    ).sort_values(["sat_here", "possible"], ascending=False, kind="stable")
    first = ~order["pupil"].duplicated()
    return first.reindex(frame.index).to_numpy(dtype=bool)
