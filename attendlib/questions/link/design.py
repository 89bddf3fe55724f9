"""The design of the link: a natural spline of absence beside what is held alike, and any contrast along it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from attendlib.questions.common import independent, indicators
from attendlib.questions.link.asked import Asked
from attendlib.stats.spline import Spline, basis, natural_spline

SPARE_PUPILS = 10  # fewer pupils than coefficients and this many more: no model is fitted


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Columns of a fit, a row a pupil: a constant, the spline's columns, what is held alike."""

    X: pd.DataFrame
    spline: Spline

    @property
    def fits(self) -> bool:
        """Whether pupils are enough for its columns."""
        return len(self.X) >= self.X.shape[1] + SPARE_PUPILS

    @property
    def absence(self) -> list[str]:
        """The spline's columns that are in X."""
        names = basis(self.spline, np.array([0.0])).columns
        return [name for name in names if name in self.X]

    def at(self, percent: float) -> pd.Series:
        """What the spline's columns are at `percent` absence, 0 in every other column."""
        return basis(self.spline, np.array([percent])).iloc[0].reindex(self.X.columns, fill_value=0.0)

    def between(self, high_pct: float, low_pct: float) -> pd.Series:
        """The weights of the coefficients that make the difference of `high_pct` against `low_pct`."""
        return self.at(high_pct) - self.at(low_pct)

    def with_absence(self, percent: float) -> pd.DataFrame:
        """X as it would be with every pupil at `percent` absence and all else as it is."""
        changed = self.X.copy()
        changed[self.absence] = self.at(percent)[self.absence].to_numpy()
        return changed


def design_of(frame: pd.DataFrame, extra: pd.DataFrame, absence: str = "absence_pct") -> Design:
    """The design for pupils of `frame` with the columns of `extra` held alike; columns that add nothing left out."""
    spline = natural_spline(frame[absence], name="absence")
    constant = pd.Series(1.0, frame.index, name="constant")
    return Design(independent(pd.concat([constant, basis(spline, frame[absence]), extra], axis=1)), spline)


def held_alike(frame: pd.DataFrame, asked: Asked, *, prior: bool = True) -> pd.DataFrame:
    """The columns of what the study holds alike: the prior result and the characteristics, unknown as a group."""
    extra = indicators(frame.assign(**_age(frame, asked.adjust_for)), asked.adjust_for)
    if prior and asked.prior:
        extra = pd.concat([frame[["prior"]].astype(float), extra], axis=1)
    return extra


def columns_of(design: Design, characteristic: str) -> list[str]:
    """The design's columns that stand for one characteristic."""
    return [name for name in design.X.columns if name == characteristic or name.startswith(f"{characteristic}=")]


def _age(frame: pd.DataFrame, adjust_for: Sequence[str]) -> dict[str, pd.Series]:
    """Month of birth as months after September, so that a straight line runs from oldest to youngest."""
    if "birth_month" not in adjust_for:
        return {}
    return {"birth_month": (frame["birth_month"].astype(float) - 9) % 12}
