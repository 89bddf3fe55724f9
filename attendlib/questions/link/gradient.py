"""The gradient: results by band of absence, nothing adjusted, small neighbours merged before anything is withheld."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from attendlib.disclosure import common_sets, merged, withheld
from attendlib.facts.definitions import BAND_EDGES_PCT, band
from attendlib.questions.beside_schools import share_is_safe
from attendlib.questions.common import row_of
from attendlib.questions.link.asked import Asked
from attendlib.records.answer import Row, Scope
from attendlib.stats.shares import mean_interval, wilson


def outcome_of(frame: pd.DataFrame, asked: Asked) -> pd.Series:
    """The result in points, or 100 where it reaches the threshold and 0 where it does not."""
    return frame["result"].astype(float) if asked.at_least is None else 100.0 * (frame["result"] >= asked.at_least)


def band_rows(frame: pd.DataFrame, scope: Scope, asked: Asked) -> tuple[Row, ...]:
    """`result_by_band`: the mean, or the share that reached the threshold, in each band and of all pupils."""
    y, bands = outcome_of(frame, asked), band_numbers(frame)
    sets = joined_bands(y, bands, asked) if scope == "school" else _alike(y, bands, frame["school"], asked)
    parts = [(band_label(joined), np.isin(bands, joined)) for joined in sets]
    return tuple(
        figure_row(y[inside], "result_by_band", scope, label, asked)
        if scope == "school"
        else _clustered_row(y[inside], frame["school"][inside], label, asked)
        for label, inside in (*parts, ("", np.ones(len(y), dtype=bool)))
    )


def never_absent_rows(frame: pd.DataFrame, scope: Scope, asked: Asked) -> tuple[Row, ...]:
    """`result_never_absent`: pupils with no missed session, a small group, and all others.

    Withheld where taking them from the first band would leave fewer pupils, or fewer counted, than may be shown.
    """
    y, never, bands = outcome_of(frame, asked), frame["absent"] == 0, band_numbers(frame)
    if not never.any() or never.all():
        return ()
    first = np.isin(bands, joined_bands(y, bands, asked)[0])
    rows = (
        figure_row(y[never], "result_never_absent", scope, "missed=none", asked),
        figure_row(y[~never], "result_never_absent", scope, "missed=some", asked),
    )
    hidden = any(gives_away(y[inside], asked) for inside in (never, ~never, first & ~never))
    return tuple(withheld(row) for row in rows) if hidden else rows


def joined_bands(y: pd.Series, bands: np.ndarray, asked: Asked) -> tuple[tuple[int, ...], ...]:
    """Neighbouring bands joined until each holds enough pupils; for a threshold, enough on either side of it."""
    if not asked.is_share:
        return merged(band_counts(bands), asked.fewest)
    reached, not_reached = band_counts(bands[(y > 0).to_numpy()]), band_counts(bands[(y == 0).to_numpy()])
    sets: list[tuple[int, ...]] = []
    open_set: tuple[int, ...] = ()
    for position in range(len(reached)):
        open_set = (*open_set, position)
        if min(sum(side[p] for p in open_set) for side in (reached, not_reached)) >= asked.fewest:
            sets, open_set = [*sets, open_set], ()
    return (*sets[:-1], (*(sets[-1] if sets else ()), *open_set))


def _alike(y: pd.Series, bands: np.ndarray, schools: pd.Series, asked: Asked) -> tuple[tuple[int, ...], ...]:
    """Bands of all schools that no school's own page could be taken from to leave another's few pupils."""
    inside = [(schools == school).to_numpy() for school in sorted(schools.unique())]
    return common_sets(joined_bands(y[here], bands[here], asked) for here in inside)


def gives_away(rest: pd.Series, asked: Asked) -> bool:
    """Whether figures of `rest`, told or left over from others that are, are of too few pupils, or too few counted."""
    return 0 < len(rest) < asked.fewest or (asked.is_share and len(rest) > 0 and _rarer(rest) < asked.fewest)


def band_numbers(frame: pd.DataFrame) -> np.ndarray:
    """Which band of BAND_EDGES_PCT each pupil's absence falls in."""
    return np.array([band(int(a), int(p)) for a, p in zip(frame["absent"], frame["possible"], strict=True)], dtype=int)


def band_counts(bands: np.ndarray) -> list[int]:
    """Pupils in each band, empty ones too."""
    return [int(n) for n in np.bincount(bands, minlength=len(BAND_EDGES_PCT) - 1)]


def band_label(positions: Sequence[int]) -> str:
    """The group of neighbouring bands, as `absence_band=20-100`."""
    return f"absence_band={BAND_EDGES_PCT[positions[0]]}-{BAND_EDGES_PCT[positions[-1] + 1]}"


def figure_row(y: pd.Series, estimate: str, scope: Scope, group: str, asked: Asked, model: str = "") -> Row:
    """A mean with its t interval, or a share with its Wilson interval; under two pupils, only how many."""
    if len(y) < 2:
        return Row(estimate, scope, group=group, model=model, n=len(y), unit="percent" if asked.is_share else "points")
    if not asked.is_share:
        return row_of(
            mean_interval(y.reset_index(drop=True)), estimate, scope, group=group, model=model, unit="points",
            method="mean, t interval",
        )  # fmt: skip
    return share_row(int((y > 0).sum()), len(y), estimate, scope, group, model)


def _clustered_row(y: pd.Series, schools: pd.Series, group: str, asked: Asked) -> Row:
    """A band of all schools' pupils, its interval clustered by school."""
    if schools.nunique() < 2:
        return figure_row(y, "result_by_band", "all", group, asked)
    found = mean_interval(y.to_numpy(), cluster=schools.to_numpy())
    unit, reached = ("percent", int((y > 0).sum())) if asked.is_share else ("points", None)
    row = row_of(found, "result_by_band", "all", group=group, unit=unit, method="mean, clustered by school, CR2")
    safe = not asked.is_share or share_is_safe(y > 0, schools, asked.fewest)
    return replace(row, numerator=reached) if safe else withheld(row)


def share_row(numerator: int, n: int, estimate: str, scope: Scope, group: str = "", model: str = "") -> Row:
    """A share in percent with its Wilson interval."""
    found = wilson(numerator, n)
    return Row(
        estimate, scope, group=group, model=model, value=100 * found.share, low=100 * found.low, high=100 * found.high,
        confidence_pct=95.0, unit="percent", n=n, numerator=numerator, method="share, Wilson interval",
    )  # fmt: skip


def _rarer(y: pd.Series) -> int:
    reached = int((y > 0).sum())
    return min(reached, len(y) - reached)
