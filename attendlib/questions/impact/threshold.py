"""Who is on which side of a line kept to in choosing pupils, and whether it was kept: for the design `cutoff`."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from attendlib.disclosure import limit
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import indicators, keep, settled_schools, start
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.checks import about
from attendlib.questions.impact.chosen import (
    Refused,
    dates_can_be_had,
    enough,
    given_away,
    steps_of,
    windows_of,
    with_rates,
)
from attendlib.questions.impact.referred import by_group, marked, referred, referred_homes
from attendlib.questions.impact.sessions import sessions_of
from attendlib.questions.windows import Windows, words
from attendlib.records.answer import Scope, Step
from attendlib.records.rounding import ROUNDED_TO
from attendlib.stats.cutoff import Floats, Way, kernel_weights

# Sessions on each side. The reach that errs least by rdrobust's rule holds two or three sessions here: lines through so
# few values follow chance (Kolesár and Rothe 2018), with twice the standard error (docs/methods.md).
REACH_SESSIONS = 7


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Pupils one row each, on both sides of the line, and the steps that led there.

    `frame` has what `sessions_of` gives, rates (0 to 1) of window, baseline (NaN where not held) and outcome, `treated`
    (referred, 0 or 1), `above` (at or above the line, 0 or 1), `running` (points from the line, never below 0 for those
    above it), `steps` (whole sessions from the first count at or above their line) and, where households are held,
    `sibling` (another pupil of the household was referred, 0 or 1; NaN where the household is not known).
    """

    frame: pd.DataFrame
    steps: tuple[Step, ...]
    scope: Scope
    windows: Windows
    pct: float
    audience: str

    @property
    def running(self) -> Floats:
        """Points from the line (n,)."""
        return self.frame["running"].to_numpy(float)

    @property
    def way(self) -> Way:
        """The way of fitting fixed beforehand; the bias is judged over half as much again."""
        reach = REACH_SESSIONS * self.session
        return Way(reach=reach, bias_reach=1.5 * reach)

    @property
    def session(self) -> float:
        """What one session is in points, to the middle pupil."""
        return _session(self.frame)

    @property
    def kept(self) -> bool:
        """Whether everyone at or above the line was referred and nobody below it."""
        return bool((self.frame["treated"] == self.frame["above"]).all())

    def alike(self) -> pd.DataFrame | None:
        """What is held alike: the school, on a page of several; a column each but the first.

        Less their means near the line, so that the lines stand for the schools as they are mixed there.
        """
        found = indicators(self.frame, ["school"])
        if self.scope == "school" or found.empty:
            return None
        near = kernel_weights(self.running, REACH_SESSIONS * self.session)
        return found - near @ found.to_numpy() / near.sum() if near.any() else found

    def where(self, rows: np.ndarray | pd.Series) -> "Sides":
        """Only the pupils where `rows` is true."""
        return replace(self, frame=self.frame[np.asarray(rows, bool)].reset_index(drop=True))


def sides(pupils: Pupils, asked: Asked, scope: Scope) -> Sides:
    """The pupils of the page's schools and year groups where anyone was referred. Raises Refused, saying why."""
    line = asked.cutoff
    assert line is not None
    asked = replace(asked, rule=line)
    everywhere = frames.interventions(pupils, asked.intervention)
    listed = everywhere if scope == "all" else everywhere[everywhere["school"] == pupils.school]
    rows = referred(listed)
    if rows.empty:
        raise Refused("not_applicable", f"no pupil was referred to {asked.with_article} here")
    if by_group(rows):
        raise Refused("not_applicable", f"{asked.name} went to whole groups: no pupil was chosen by a line")
    windows = windows_of(pupils, rows, asked)
    dates_can_be_had(pupils, windows, asked)
    _counted_before(rows, windows, asked)
    audience = pupils.study_file.study.audience
    kept = start(_pool(pupils, listed, asked), "pupils in the year groups of those referred")
    kept = replace(kept, frame=sessions_of(pupils, kept.frame, windows, False, 0))
    kept = enough(kept, "window", "when pupils were chosen")
    kept = enough(kept, "outcome", "after the start")
    kept = replace(kept, frame=placed(with_rates(kept.frame), line.absence_pct_at_least))
    kept = replace(kept, frame=_with_siblings(kept.frame, referred_homes(pupils, everywhere, asked.year)))
    if scope == "all":
        kept = keep(kept, settled_schools(kept.frame, audience), "schools with very few pupils")
        kept = keep(kept, _safe(kept.frame, limit(audience)), "schools whose few pupils subtraction would give away")
    steps = steps_of(kept, scope, limit(audience))
    found = Sides(kept.frame, steps, scope, windows, line.absence_pct_at_least, audience)
    both_sides(found)
    return found


def _safe(frame: pd.DataFrame, fewest: int) -> pd.Series:
    """Which rows are of schools that no page's count of a side, of all or near the line, gives away beside theirs."""
    by_side = frame.assign(treated=frame["above"])
    near = by_side[by_side["running"].abs() < REACH_SESSIONS * _session(frame)]
    unsafe = [school for part in (by_side, near) if not part.empty for school in given_away(part, fewest)]
    return ~frame["school"].isin(unsafe)


def _session(frame: pd.DataFrame) -> float:
    return float(100 / frame["possible_window"].median())


def _pool(pupils: Pupils, listed: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    enrolled = frames.enrolments(pupils, asked.year)
    pool = marked(enrolled[enrolled["in_study"]], listed)
    cells = pool.loc[pool["treated"] == 1, ["school", "year_group"]].drop_duplicates()
    return pool.merge(cells, on=["school", "year_group"])


def _with_siblings(frame: pd.DataFrame, homes: pd.Series) -> pd.DataFrame:
    """Whether another pupil of each pupil's household was referred; `homes` is the household of each referred."""
    if "household" not in frame or frame["household"].isna().all():
        return frame
    others = frame["household"].map(homes.value_counts()).fillna(0) - frame["treated"]
    return frame.assign(sibling=(others > 0).astype(float).where(frame["household"].notna()))


def _counted_before(rows: pd.DataFrame, windows: Windows, asked: Asked) -> None:
    """Refuses a window that reaches past the start: then the support may have moved pupils across the line."""
    first = pd.to_datetime(rows["start_date"].fillna(rows["referred_date"])).min()
    if pd.notna(first) and pd.Timestamp(windows.window.to_date) >= first:
        day = f"{first.day} {first:%B %Y}"
        raise Refused(
            "not_applicable",
            f"the dates over which absence was counted for the line ({words(windows.window)}) reach past the day"
            f" {asked.name} began ({day})",
        )


def placed(frame: pd.DataFrame, pct: float) -> pd.DataFrame:
    """Where each pupil stands, by whole sessions: no percentage is ever rounded across the line."""
    absent, possible = frame["absent_window"].astype(float), frame["possible_window"].astype(float)
    over = 100 * absent - pct * possible
    first = np.ceil(pct * possible / 100 - 1e-9)  # the fewest sessions at or above the line
    return frame.assign(
        above=(over >= 0).astype(float), running=over / possible, steps=(absent - first).astype(int)
    )  # fmt: skip


def both_sides(found: Sides) -> None:
    fewest = limit(found.audience)
    above = int(found.frame["above"].sum())
    for count, where in ((above, "at or above"), (len(found.frame) - above, "below")):
        if count < fewest:
            raise Refused(
                "too_few",
                f"fewer than {fewest} pupils were {where} {found.pct:g}% absence over {words(found.windows.window)}:"
                " the cut-off lies outside the data, or nearly",
                found.steps,
            )


def counted(found: Sides) -> str:
    """How many stand on each side and how many of them were referred, in tenths: no small count can be read."""
    said = []
    for side, where in ((1, f"at or above {found.pct:g}%"), (0, "below it")):
        own = found.frame.loc[found.frame["above"] == side, "treated"]
        said.append(f"{about(float(own.mean()))} of the {_count(len(own), found.audience):,} pupils {where}")
    return " and ".join(said)


def _count(n: int, audience: str) -> int:
    return n if audience == "internal" else ROUNDED_TO * round(n / ROUNDED_TO)
