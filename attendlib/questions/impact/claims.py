"""Claims people make about an intervention, re-derived from the data: numerator, denominator, unit and period."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from attendlib.disclosure import limit, withheld
from attendlib.facts.definitions import FEWEST_SESSIONS_BANDED, PERSISTENT_PCT
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.intake.spans import absence_in_spans
from attendlib.questions.beside_schools import sum_is_safe
from attendlib.questions.impact.chosen import Compared
from attendlib.questions.windows import ends, words
from attendlib.records.answer import Row
from attendlib.records.study import Span

REPRODUCED, DIFFERENT, UNREADABLE = "reproduced", "not reproduced", "cannot be checked"
_PERCENT = r"(?P<pct>\d+(?:\.\d+)?)\s*%"
_WHOSE = r"(?:(?P<year>year \d+)(?:'s|’s)?|(?:the |its )?(?P<school>school|trust|hub)?(?:'s|’s)?|its)"
PATTERNS = (
    ("improved", re.compile(rf"{_PERCENT}\s+(?:of .*)?improved", re.IGNORECASE)),
    ("persistent", re.compile(rf"{_PERCENT} of {_WHOSE}\s*persistent(?:ly)? absen(?:ce|t)", re.IGNORECASE)),
    ("absence", re.compile(rf"{_PERCENT} of {_WHOSE}\s*absence", re.IGNORECASE)),
    ("count", re.compile(r"(?P<part>\d[\d,]*) of (?P<whole>\d[\d,]*)", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class Share:
    """What a share is made of: how many of how many, of what, over which dates; `group` is the pupils it rests on."""

    what: str
    part: int
    whole: int
    unit: str
    period: str
    group: int


@dataclass(frozen=True, slots=True)
class Sums:
    """A school's pupils over the claim's period, and the referred in the two windows: one row a pupil.

    `every` has `pupil`, `year_group`, `absent`, `possible`, `treated`; `referred` also `window` and `outcome` rates,
    `engaged` and `status`.
    """

    every: pd.DataFrame
    referred: pd.DataFrame
    period: str
    windows: str


def claim_rows(pupils: Pupils, found: Compared) -> list[Row]:
    """A row `claim` for each of the study's claims: the percent re-derived, its numerator and n, and what it is.

    `group` is its place in the study; the method says reproduced or not and of what, or why it cannot be checked.
    """
    fewest = limit(pupils.study_file.study.audience)
    rows = []
    for place, claim in enumerate(pupils.study_file.study.claims, 1):
        sums = _sums(pupils, found, claim.period)
        row = _row(claim.says, place, sums, found, fewest)
        rows.append(row if found.scope == "school" or beside_pages(claim.says, sums, fewest) else _untold(row))
    return rows


def _untold(row: Row) -> Row:
    return replace(withheld(row), method="withheld: the schools' own pages and this figure would show a few pupils")


def _row(says: str, place: int, sums: Sums, found: Compared, fewest: int) -> Row:
    group, n = f"claim={place}", len(sums.referred)
    share, status = check_claim(says, sums)
    if share is None:
        return Row("claim", found.scope, group=group, unit="percent", method=status, n=n)
    method = f"{status}: {share.what}"
    in_pupils = share.unit == "pupils"
    if not in_pupils:  # sessions of too few pupils are no one's business
        method = status if share.group < fewest else f"{method}, {share.part:,} of {share.whole:,} sessions"
    return Row(
        "claim", found.scope, group=group, unit=f"percent of {share.unit}", period=share.period, method=method,
        value=100 * share.part / share.whole, n=share.whole if in_pupils else share.group,
        numerator=share.part if in_pupils else None,
    )  # fmt: skip


def check_claim(says: str, sums: Sums) -> tuple[Share | None, str]:
    """The share a claim names and whether it comes out as said; None and why where it cannot be derived."""
    match, shares = _readings(says, sums)
    if match is None:
        need = "give a percent or 'N of M', of what, and over which dates"
        return None, f"{UNREADABLE}: it does not say which share of whom; {need}"
    shares = [share for share in shares if share.whole > 0]
    if not shares:
        return None, f"{UNREADABLE}: the data hold nothing to divide by"
    agreeing = [share for share in shares if _agrees(match, share)]
    return (agreeing[0], REPRODUCED) if agreeing else (shares[0], DIFFERENT)


def _readings(says: str, sums: Sums) -> tuple[re.Match[str] | None, list[Share]]:
    """All that a claim could mean, in a fixed order."""
    for kind, pattern in PATTERNS:
        match = pattern.search(says)
        if match is not None:
            return match, list(_shares(kind, match, sums))
    return None, []


def beside_pages(says: str, sums: Sums, fewest: int) -> bool:
    """Whether a claim about all schools may be told beside each school's page: it gives no school's few pupils away."""
    parts = [
        Sums(sums.every[sums.every["school"] == school], own, sums.period, sums.windows)
        for school, own in sums.referred.groupby("school")
    ]
    share, _ = check_claim(says, sums)
    shares = [each for part in parts for each in _readings(says, part)[1] if share and each.what == share.what]
    shares = [each for each in shares if each.whole]
    if share is None or share.unit != "pupils":
        return sum_is_safe([len(part.referred) for part in parts], fewest) and sum_is_safe(
            [each.group for each in shares], fewest
        )
    return all(
        sum_is_safe(counts, fewest, least=0)
        for counts in ([each.part for each in shares], [each.whole - each.part for each in shares])
    )


def _agrees(match: re.Match[str], share: Share) -> bool:
    """Whether the share rounds to the percent as written, or has the very counts."""
    groups = match.groupdict()
    if groups.get("pct"):
        places = len(groups["pct"].partition(".")[2])
        return f"{100 * share.part / share.whole:.{places}f}" == groups["pct"]
    return (share.part, share.whole) == tuple(int(groups[name].replace(",", "")) for name in ("part", "whole"))


def _shares(kind: str, match: re.Match[str], sums: Sums) -> Iterator[Share]:
    if kind == "improved":
        yield _improved(sums)
    elif kind == "count":
        yield from _counts(sums)
    else:
        yield from _of_others(kind, match.groupdict().get("year"), sums)


def _improved(sums: Sums) -> Share:
    known = sums.referred.dropna(subset=["window", "outcome"])
    better = int((known["outcome"] < known["window"]).sum())
    return Share("referred pupils who missed less after the start than when chosen", better, len(known), "pupils",
                 sums.windows, len(known))  # fmt: skip


def _counts(sums: Sums) -> Iterator[Share]:
    """What 'N of M' could mean of the referred, the likeliest first."""
    referred, n = sums.referred, len(sums.referred)
    yield Share("referred pupils persistently absent", int(_persistent(referred).sum()), n, "pupils", sums.period, n)
    yield _improved(sums)
    yield Share("referred pupils who started", int(referred["engaged"].sum()), n, "pupils", sums.windows, n)
    finished = int((referred["status"] == "finished").sum())
    yield Share("referred pupils who finished", finished, n, "pupils", sums.windows, n)
    yield Share("pupils who were referred", n, len(sums.every), "pupils", sums.period, n)


def _of_others(kind: str, year: str | None, sums: Sums) -> Iterator[Share]:
    """The referred's share of a year group's or the school's absence (sessions) or persistent absence (pupils)."""
    every = sums.every
    whose = "the school's" if year is None else f"{year.capitalize()}'s"
    if year is not None:
        every = every[every["year_group"] == int(year.split()[1])]
    own = every[every["treated"] == 1]
    late = _persistent(every)
    if kind == "persistent":
        part, whole = int(_persistent(own).sum()), int(late.sum())
        yield Share(
            f"{whose} persistently absent pupils who were referred", part, whole, "pupils", sums.period, len(own)
        )
        of_them = own[_persistent(own)]
        yield Share(f"{whose} absence by persistently absent pupils", int(of_them["absent"].sum()),
                    int(every.loc[late, "absent"].sum()), "sessions", sums.period, len(of_them))  # fmt: skip
    else:
        yield Share(f"{whose} absence by referred pupils", int(own["absent"].sum()), int(every["absent"].sum()),
                    "sessions", sums.period, len(own))  # fmt: skip


def _persistent(frame: pd.DataFrame) -> pd.Series:
    return 100 * frame["absent"] >= PERSISTENT_PCT * frame["possible"]


def _sums(pupils: Pupils, found: Compared, period: Span | None) -> Sums:
    year = pupils.study_file.study.academic_year
    enrolled = frames.enrolments(pupils, year)[["pupil", "school", "year_group", "in_study"]]
    enrolled = enrolled[enrolled["in_study"] & ((found.scope == "all") | (enrolled["school"] == pupils.school))]
    if period is None:
        sums = frames.absence_per_pupil(pupils, year)
    else:
        (sums,) = absence_in_spans(pupils, [ends(period)], enrolled["pupil"])
    every = enrolled.merge(sums[["pupil", "school", "absent", "possible"]], on=["pupil", "school"])
    every = every[every["possible"] > 0]
    keys = found.referred_rows.dropna(subset=["pupil"]).drop_duplicates(["pupil", "school"])
    known = keys.assign(treated=1.0, engaged=keys["start_date"].notna().astype(float))
    known = known[["pupil", "school", "treated", "engaged", "status"]]
    every = every.merge(known, on=["pupil", "school"], how="left").fillna({"treated": 0.0, "engaged": 0.0})
    own = every[every["treated"] == 1]
    spans = {"window": ends(found.windows.window), "outcome": ends(found.windows.outcome)}
    for name, each in zip(spans, absence_in_spans(pupils, [*spans.values()], own["pupil"]), strict=True):
        own = own.merge(_rate(each, name), on="pupil", how="left")
    over = words(period) if period else year
    return Sums(every, own, over, f"{words(found.windows.window)} and {words(found.windows.outcome)}")


def _rate(sums: pd.DataFrame, name: str) -> pd.DataFrame:
    sums = sums.groupby("pupil", as_index=False)[["possible", "absent"]].sum()
    sums = sums[sums["possible"] >= FEWEST_SESSIONS_BANDED]
    return sums.assign(**{name: sums["absent"] / sums["possible"]})[["pupil", name]]
