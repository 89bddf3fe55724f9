"""Whether both groups were alike before: standardised differences, overlap, and how many pupils weights leave."""

import numpy as np
import pandas as pd

from attendlib.disclosure import withheld
from attendlib.questions.impact.chosen import Compared
from attendlib.records.answer import Check, Row
from attendlib.stats.weighting import Weighted, balance

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


def balance_rows(found: Compared, weighted: Weighted | None, fewest: int) -> list[Row]:
    """Standardised mean differences, referred less compared, in standard deviations of the referred.

    `model` is raw, and weighted where weights are given. Of a 0/1 characteristic it is withheld where fewer than
    `fewest` of either group have it, or have it not: with both groups' sizes the difference tells how many do.
    """
    known = covariates(found)
    few = {str(name) for name in known if "=" in str(name) and _few(known[name], found.frame["treated"], fewest)}
    even = pd.Series(1.0, found.frame.index)
    models = {"raw": even} | ({} if weighted is None else {"weighted": weighted.weights})
    tables = {
        model: balance(known, found.frame["treated"], weights)["difference_after"] for model, weights in models.items()
    }
    rows = [
        (name, Row("balance", found.scope, group=f"measure={str(name).replace('=', '-')}", model=model,
                   n=len(found.frame), value=float(table[name]), unit="standard deviations",
                   method="difference over the referred's SD"))
        for name in tables["raw"].index
        for model, table in tables.items()
        if np.isfinite(table[name])
    ]  # fmt: skip
    return [withheld(row) if name in few else row for name, row in rows]


def _few(has: pd.Series, treated: pd.Series, fewest: int) -> bool:
    counts = has.groupby(treated).agg(["sum", "size"])
    return bool(min(counts["sum"].min(), (counts["size"] - counts["sum"]).min()) < fewest)


def effective_rows(found: Compared, weighted: Weighted | None) -> list[Row]:
    """How many compared pupils the weighted ones are worth (Kish)."""
    if weighted is None:
        return []
    return [Row("effective_n", found.scope, group="referred=0", model="weighted", value=weighted.effective_n,
                n=weighted.n_comparison, unit="pupils", method=f"Kish, {weighted.method} weights")]  # fmt: skip


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
