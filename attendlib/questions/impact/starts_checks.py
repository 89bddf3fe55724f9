"""The tests of staggered starts that a verdict needs, and what else a reader should know, each in plain words."""

from dataclasses import replace
from datetime import date

import numpy as np

from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import row_of
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.checks import NOT_ANNUALISED, others_check
from attendlib.questions.impact.groups import NEVER, dates_words
from attendlib.questions.impact.placebo import placebo_check, placebo_words
from attendlib.questions.impact.starts import Starts, moved_earlier, panel_of
from attendlib.questions.impact.starts_rows import annual
from attendlib.records.answer import NOT_AVAILABLE, Check, Row
from attendlib.stats.fit import Estimate
from attendlib.stats.staggered import estimate
from attendlib.stats.staggered_shuffle import Shuffled


def checks(pupils: Pupils, asked: Asked, found: Starts, shuffled: Shuffled, placebos: list[Row]) -> list[Check]:
    """Every check but the plan's."""
    return [
        _long_enough(found),
        _arrangements(found, shuffled),
        *(_placebo_check(row) for row in placebos if row.group.startswith("start=")),
        _possible_check(placebos),
        *_others(pupils, asked, found),
        *_stops(found),
        *_one_start(found),
        *_same_pupils(found),
    ]


def _long_enough(found: Starts) -> Check:
    text = "From the start on, groups had at least 60 possible sessions on average."
    return Check("Enough possible sessions", annual(found), text if annual(found) else NOT_ANNUALISED)


def _arrangements(found: Starts, shuffled: Shuffled) -> Check:
    """The least p that dealing the starts out anew could show."""
    many = len(panel_of(found, found.groups.rate).y)
    enough = shuffled.smallest_p <= 0.05
    passed = f"{many} courses: dealing the starts out anew could show a difference beyond chance."
    failed = f"With {many} courses no dealing out of the starts could show a difference beyond chance."
    return Check("Enough groups and starts", enough, passed if enough else failed)


def placebo_rows(found: Starts, dates: tuple[date, ...]) -> list[Row]:
    """The same starts moved to before anyone began, the first to each of `dates` (without any, the middle): points.

    Nothing could differ then. A date without a period on both sides has a row without figures.
    """
    named = dates or (found.groups.starts[(found.before + 1) // 2],)
    rows = []
    for day in named:
        panel = moved_earlier(found, day)
        label = {"group": f"start={day.isoformat()}", "unit": "percentage points", "method": "the main way"}
        if panel is None:
            rows.append(Row("placebo", found.scope, group=label["group"], withheld=NOT_AVAILABLE))
        else:
            rows.append(_row(found, estimate(panel, -100 * found.weigher(panel)), label))
    return rows


def _row(found: Starts, made: Estimate, label: dict[str, str]) -> Row:
    return replace(row_of(made, "placebo", found.scope, **label), n=found.n)


def _placebo_check(row: Row) -> Check:
    day = date.fromisoformat(row.group.partition("=")[2])
    name = f"Placebo start on {dates_words([day])}"
    if row.value is None:
        return Check(name, None, "No period from before the first start lies on both sides of this day.")
    if row.p is None or row.low is None or row.high is None:
        return Check(name, None, "Too few groups to say.")
    said = placebo_words(row.value, row.low, row.high, "points fewer absent")
    return placebo_check(
        name, row.p, "The groups were drawing apart before anything began", "No sign of a change where none could be",
        said,
    )  # fmt: skip


def possible_row(found: Starts) -> list[Row]:
    """The same comparison of sessions that could be attended, in percent fewer: a change of what counts would show."""
    possible = found.groups.possible
    panel = panel_of(found, possible / possible.mean())
    made = estimate(panel, -100 * found.weigher(panel))
    if not made.se > 0:
        return []
    label = {"group": "outcome=possible_sessions", "unit": "percent of the mean", "method": "the main way"}
    return [_row(found, made, label)]


def _possible_check(placebos: list[Row]) -> Check:
    name = "Placebo outcome: sessions that could be attended"
    rows = [row for row in placebos if row.group == "outcome=possible_sessions"]
    if not rows or rows[0].p is None or rows[0].value is None:
        return Check(name, None, "The groups had the same sessions, or are too few to say.")
    value = f"{abs(rows[0].value):.1f} percent {'fewer' if rows[0].value >= 0 else 'more'} of them"
    return placebo_check(
        name, rows[0].p, "A difference where none could be", "No clear difference, as it should be", value
    )


def _others(pupils: Pupils, asked: Asked, found: Starts) -> list[Check]:
    """Whether other support reached more of the groups that began than of those that did not."""
    labels = found.groups.labels.assign(treated=found.treated.astype(float))
    enrolled = frames.enrolments(pupils, asked.year)[["pupil", "school", "year_group"]]
    keys = ["school", "year_group"] if labels["year_group"].notna().any() else ["school"]
    frame = enrolled.merge(labels[[*keys, "treated"]], on=keys)
    every = frames.interventions(pupils)
    if frame["treated"].nunique() < 2:
        return []
    who = ("pupils in groups that began", "pupils in groups that did not")
    return others_check(frame, found.outcome, every[every["intervention"] != asked.intervention], who)


def _stops(found: Starts) -> list[Check]:
    names = found.groups.names
    if found.until == len(names) - 1:
        return []
    day = dates_words(found.groups.starts[found.until + 1 : found.until + 2])
    text = f"From {day} on every group had begun: nobody was left to compare with, so the figures stop before that."
    return [Check("How far the comparison reaches", None, text)]


def _one_start(found: Starts) -> list[Check]:
    if len(np.unique(found.groups.first[found.treated])) > 1:
        return []
    return [Check("How many starts", None, "One start date: this is a plain difference in differences.")]


def _same_pupils(found: Starts) -> list[Check]:
    """Year groups are other pupils each September."""
    years = {name.partition("-")[0] for name in found.groups.names}
    if found.groups.labels["year_group"].isna().all() or len(years) < 2 or not np.any(found.groups.first != NEVER):
        return []
    text = "A year group holds other pupils each September: its course joins up over years only as a year group's does."
    return [Check("The same groups, other pupils", None, text)]
