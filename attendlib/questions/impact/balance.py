"""Whether both groups were alike before: standardised differences, overlap, and how many pupils weights leave."""

from typing import Any

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

    `model` is raw, and weighted where weights are given. Of a 0/1 characteristic it has two decimals and is withheld
    where fewer than `fewest` of either group have it, or have it not: with both groups' sizes the difference tells how
    many do. For all schools also where it would, beside the schools' own pages, tell it of one.
    """
    known = covariates(found)
    yes_or_no = [str(name) for name in known if "=" in str(name)]
    few = {name for name in yes_or_no if _told_of_few(found.frame, known[name], fewest)}
    even = pd.Series(1.0, found.frame.index)
    models = {"raw": even} | ({} if weighted is None else {"weighted": weighted.weights})
    tables = {
        model: balance(known, found.frame["treated"], weights)["difference_after"] for model, weights in models.items()
    }
    rows = [
        (name, Row("balance", found.scope, group=f"measure={str(name).replace('=', '-')}", model=model,
                   n=len(found.frame), value=round(value, 2) + 0.0 if name in yes_or_no else value,
                   unit="standard deviations", method="difference over the referred's SD"))
        for name in tables["raw"].index
        for model, table in tables.items()
        if np.isfinite(value := float(table[name]))
    ]  # fmt: skip
    return [withheld(row) if name in few else row for name, row in rows]


def _told_of_few(frame: pd.DataFrame, has: pd.Series, fewest: int) -> bool:
    """Whether few of a side have it or lack it, or all schools' difference leaves one number for the schools withheld.

    Taken as known: the counts of every school whose own page gives the difference. Then each pair of counts of the
    others, referred and compared, that makes the same difference to two decimals is possible.
    """
    treated = frame["treated"]
    counts = pd.DataFrame({"n1": treated, "n0": 1 - treated, "k1": treated * has, "k0": (1 - treated) * has})
    counts = counts.groupby(frame["school"]).sum()
    total, own = counts.sum(), _rarest(counts) >= fewest
    if _rarest(total) < fewest:
        return True
    if own.all():
        return False
    shown, others = counts[own].sum(), counts[~own].sum()
    k1, k0 = (shown[f"k{side}"] + np.arange(others[f"n{side}"] + 1) for side in (1, 0))
    same = np.round(_apart(k1[:, None], k0, total), 2) == round(float(_apart(total["k1"], total["k0"], total)), 2)
    return bool(same.any(axis=0).sum() < 2 or same.any(axis=1).sum() < 2)


def _rarest(counts: pd.DataFrame | pd.Series) -> Any:
    """The fewest who have it or lack it, on either side."""
    parts = [counts["k1"], counts["k0"], counts["n1"] - counts["k1"], counts["n0"] - counts["k0"]]
    return np.minimum.reduce(parts)


def _apart(k1: Any, k0: Any, total: pd.Series) -> Any:
    """The standardised difference of two shares, over the standard deviation of the referred's."""
    share = k1 / total["n1"]
    with np.errstate(divide="ignore", invalid="ignore"):
        return (share - k0 / total["n0"]) / np.sqrt(share * (1 - share) * total["n1"] / (total["n1"] - 1))


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
    once = " once weighted" if any(row.model == "weighted" for row in last.values()) else ""
    apart = f"by more than a quarter of a standard deviation{once}"
    if not large:
        return [Check("Alike before", None, f"Nothing known differs {apart}.")]
    names = ", ".join(words.get(name, name) for name in large)
    return [Check("Alike before", None, f"Differ {apart}: {names}.")]
