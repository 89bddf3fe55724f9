"""The tests of the design that a verdict needs, and what else a reader should know, each in plain words."""

import pandas as pd

from attendlib.facts.definitions import FEWEST_SESSIONS_ANNUALISED, FEWEST_SESSIONS_BANDED
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Compared
from attendlib.questions.impact.figures import annual
from attendlib.questions.impact.models import whole_schools
from attendlib.questions.impact.referred import marked
from attendlib.records.answer import Check
from attendlib.records.study import Span
from attendlib.stats.chances import smallest_permutation_p

ALIKE = 0.10  # a share apart: fewer is about as many
MANY = 0.25  # of the referred also receiving something else: the two can no longer be told apart
TOO_FEW_EARLIER = (
    "Attendance from before the time when pupils were chosen is held for too few pupils of one side to be used or shown"
)
NOT_ANNUALISED = (
    f"The outcome covers fewer than {FEWEST_SESSIONS_ANNUALISED} possible sessions, too few to speak of a year."
)


def checks(found: Compared, asked: Asked, others: pd.DataFrame) -> list[Check]:
    """Every check. `others` are the rows of the interventions table of other names."""
    return [
        _baseline(found),
        _far_enough(found),
        _long_enough(found),
        _permutation(found),
        _follow_up(found),
        *others_check(found.frame, found.windows.outcome, others),
        _households(found),
        _rule(asked),
    ]


def _baseline(found: Compared) -> Check:
    held = "Attendance from before pupils were chosen is held."
    why = (
        TOO_FEW_EARLIER
        if _some_baseline(found)
        else "No attendance is held from before the time when pupils were chosen"
    )
    missing = f"{why}, so what would have happened anyway cannot be judged."
    return Check("An earlier baseline", found.has_baseline, held if found.has_baseline else missing)


def _some_baseline(found: Compared) -> bool:
    """Whether anyone analysed has an earlier baseline, be they too few of a side to use it."""
    return bool((found.frame["possible_baseline"].fillna(0) >= FEWEST_SESSIONS_BANDED).any())


def _far_enough(found: Compared) -> Check:
    far = found.has_baseline and found.windows.baseline_is_far_enough()
    passed = "The baseline is at least as far from the time of choosing as the outcome is."
    if found.has_baseline:
        why = "The baseline is closer to the time of choosing than the outcome is"
    else:
        why = "The baseline is of too few pupils to be used" if _some_baseline(found) else "There is no baseline"
    return Check(
        "A baseline far enough back", far, passed if far else f"{why}: a passing bad spell would look like a change."
    )


def _long_enough(found: Compared) -> Check:
    text = f"The outcome covers at least {FEWEST_SESSIONS_ANNUALISED} possible sessions."
    return Check("Enough possible sessions", annual(found), text if annual(found) else NOT_ANNUALISED)


def _permutation(found: Compared) -> Check:
    """The least p that shuffling could show: over pupils, or over the year groups or schools chosen whole."""
    sides, what = found.sides, "pupils"
    whole = whole_schools(found.frame)
    if whole or found.by_group:
        groups = found.frame.groupby(["school"] if whole else ["school", "year_group"])["treated"].max()
        sides, what = (int((groups == 1).sum()), int((groups == 0).sum())), "schools" if whole else "year groups"
    enough = min(sides) >= 1 and smallest_permutation_p(*sides) <= 0.05
    passed = (
        f"{sides[0]} referred {what} and {sides[1]} compared: shuffling them could show a difference beyond chance."
    )
    failed = f"With so few {what} no shuffling of them could show a difference beyond chance."
    return Check(f"Enough {what} on both sides", enough, passed if enough else failed)


def _follow_up(found: Compared) -> Check:
    """Nobody may have had to stay on roll longer than others to be counted (immortal time)."""
    if found.own_dates:
        text = "Each referred pupil is followed from their own start; the others from a day drawn from the same dates."
        return Check("Followed from the same day", True, text)
    late = _share_late(found)
    first = found.windows.outcome.from_date
    day = f"{first.day} {first:%B %Y}"
    if late <= 0.10:
        return Check("Followed from the same day", True, f"Both groups are followed from {day}.")
    text = (
        f"{about(late).capitalize()} of the referred were referred after {day}, so they had to stay on roll to be"
        " counted. Leave out `outcome`, and each pupil is followed from their own start."
    )
    return Check("Followed from the same day", False, text)


def _share_late(found: Compared) -> float:
    referred_on = pd.to_datetime(found.frame.loc[found.frame["treated"] == 1, "referred_on"]).dropna()
    return float((referred_on > pd.Timestamp(found.windows.outcome.from_date)).mean()) if len(referred_on) else 0.0


def others_check(
    frame: pd.DataFrame, outcome: Span, others: pd.DataFrame, who: tuple[str, str] = ("the referred", "the compared")
) -> list[Check]:
    """Whether other interventions ran over the outcome's dates for more of one group than of the other.

    Neither alike nor far apart is for information: it is no ground to pass, and too little to stop a verdict.

    `frame` has a row a pupil (and year, with an earlier cohort): pupil, school, year_group, treated; `others` are rows
    of the interventions table; `who` names both groups.
    """
    starts, ends = (pd.to_datetime(others[column]) for column in ("start_date", "end_date"))
    meanwhile = (starts <= pd.Timestamp(outcome.to_date)) & (ends.isna() | (ends >= pd.Timestamp(outcome.from_date)))
    over = others[meanwhile & others["school"].isin(frame["school"])]
    shares = {str(name): _shares_reached(frame, rows) for name, rows in over.groupby("intervention")}
    if not shares:
        return []
    name, (referred, compared) = max(shares.items(), key=lambda each: (abs(each[1][0] - each[1][1]), each[0]))
    apart = abs(referred - compared)
    text = (
        f"Over the same dates {about(referred)} of {who[0]} and {about(compared)} of {who[1]} also received"
        f" {name.replace('_', ' ')}"
    )
    passed, end = _alike(apart)
    return [Check("Nothing else at the same time", passed, text + end)]


def _alike(apart: float) -> tuple[bool | None, str]:
    if apart < ALIKE:
        return True, ", about as many of both."
    if apart < MANY:
        return None, ": not alike, though too little to stop a verdict."
    return False, ": the difference cannot be told apart from that."


def _shares_reached(frame: pd.DataFrame, rows: pd.DataFrame) -> tuple[float, float]:
    """The share of the referred and of the compared whom another intervention reached, by name or as a group."""
    reached = marked(frame[["pupil", "school", "year_group"]], rows)["engaged"].to_numpy() == 1
    referred = (frame["treated"] == 1).to_numpy()
    return float(reached[referred].mean()), float(reached[~referred].mean())


def about(share: float) -> str:
    """A share in words of tenths, so that no small count can be read from it."""
    tenths = round(10 * share)
    return {0: "almost none", 10: "almost all"}.get(tenths, f"about {tenths} in 10")


def _households(found: Compared) -> Check:
    known = "Brothers and sisters of the referred are not among the compared."
    unknown = "No household is recorded: brothers and sisters of the referred may be among the compared."
    return Check("Support that reaches a whole home", None, known if found.households_known else unknown)


def _rule(asked: Asked) -> Check:
    if asked.rule:
        text = "The compared met the same rule over the same dates."
        return Check("Chosen by the same rule", None, text)
    text = "The study gives no rule by which pupils were chosen, so the compared are of the same year groups only."
    return Check("Chosen by the same rule", None, text)
