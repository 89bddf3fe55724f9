"""Whether both groups were alike before: standardised differences, overlap, and how many pupils weights leave."""

from dataclasses import replace

import numpy as np
import pandas as pd

from attendlib.questions.impact.chosen import Compared
from attendlib.records.answer import Check, Row

NOTED, LARGE = 0.05, 0.25  # What Works Clearinghouse 5.0: adjust above the first, not comparable above the second
CHARACTERISTICS = {"fsm6": ("1",), "sen": ("K", "E"), "sex": ("F",), "eal": ("1",)}


def covariates(found: Compared) -> pd.DataFrame:
    """What is known of each pupil before the start, as numbers: both earlier rates and 0/1 characteristics.

    A characteristic nobody has recorded, or that does not vary, is left out; not recorded counts as 0.
    """
    frame = found.frame
    columns = {name: 100 * frame[name] for name in (("window", "baseline") if found.has_baseline else ("window",))}
    for name, levels in CHARACTERISTICS.items():
        if name in frame and frame[name].notna().any():
            text = frame[name].map(_text)
            columns |= {f"{name}={level}": (text == level).astype(float) for level in levels}
    made = pd.DataFrame(columns, index=frame.index)
    return made.loc[:, made.nunique() > 1]


def _text(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:g}"
    return "" if value is None else str(value)


def balance_rows(found: Compared, weights: np.ndarray | None) -> list[Row]:
    """Standardised mean differences, referred less compared, in standard deviations of the referred.

    `model` is raw, and weighted where `weights` (one a pupil) are given.
    """
    rows = []
    treated = (found.frame["treated"] == 1).to_numpy()
    for name, values in covariates(found).items():
        base = Row("balance", found.scope, group=f"measure={str(name).replace('=', '-')}", n=len(treated),
                   unit="standard deviations", method="difference over the referred's SD")  # fmt: skip
        rows.append(replace(base, model="raw", value=standardised(values.to_numpy(), treated, None)))
        if weights is not None:
            rows.append(replace(base, model="weighted", value=standardised(values.to_numpy(), treated, weights)))
    return rows


def standardised(values: np.ndarray, treated: np.ndarray, weights: np.ndarray | None) -> float:
    """(mean of the treated - mean of the others) / SD of the treated; weights count for both means."""
    w = np.ones(len(values)) if weights is None else weights
    spread = float(values[treated].std(ddof=1))
    gap = np.average(values[treated], weights=w[treated]) - np.average(values[~treated], weights=w[~treated])
    return float(gap) / spread if spread > 0 else 0.0


def effective_n(weights: np.ndarray) -> float:
    """Kish's effective number: the square of the sum over the sum of squares."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def effective_rows(found: Compared, weights: np.ndarray | None) -> list[Row]:
    """How many compared pupils the weighted ones are worth."""
    if weights is None:
        return []
    own = weights[(found.frame["treated"] == 0).to_numpy()]
    return [Row("effective_n", found.scope, group="referred=0", model="weighted", value=effective_n(own), n=len(own),
                unit="pupils", method="Kish")]  # fmt: skip


def balance_check(rows: list[Row]) -> list[Check]:
    """Whether anything known differs by more than a quarter of a standard deviation, once held alike or weighted.

    For information: the main comparison holds earlier absence alike by a curve whatever the table shows.
    """
    last = {row.group: row for row in rows}  # the weighted row follows the raw one
    large = [row.group.partition("=")[2] for row in last.values() if row.value is not None and abs(row.value) > LARGE]
    words = {"window": "absence when chosen", "baseline": "absence in the earlier baseline"}
    if not large:
        return [Check("Alike before", None, "Nothing known differs by more than a quarter of a standard deviation.")]
    names = ", ".join(words.get(name, name) for name in large)
    return [Check("Alike before", None, f"Differ by more than a quarter of a standard deviation: {names}.")]
