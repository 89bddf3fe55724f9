"""What was planted and what came out, defined as the questions define it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from attendlib.intake.synthetic.calls import DAYS_A_YEAR, Choice
from attendlib.intake.synthetic.national import Floats, Ints, persistent
from attendlib.intake.synthetic.people import Pupils, Roll, Schools
from attendlib.intake.synthetic.results import CONTRAST
from attendlib.intake.synthetic.shape import NATIONAL_DIP, Shape
from attendlib.intake.synthetic.terms import YEARS
from attendlib.intake.synthetic.year import Counts

FEWEST_SESSIONS = 20
Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Year:
    """One year of the whole trust: its roll, the counts by half-term, and who the calls were for."""

    roll: Roll
    counts: Counts
    choice: Choice
    mark_rows: int


def percent(absent: Ints, possible: Ints) -> Floats:
    """Absence in percent of possible sessions, NaN where none was possible."""
    return np.divide(100.0 * absent, possible, out=np.full(len(absent), np.nan), where=possible > 0)


def year_rate(year: Year) -> Floats:
    """Recorded absence, percent, by enrolment."""
    return percent(year.counts.absent.sum(axis=1), year.counts.possible.sum(axis=1))


def exam_rate(year: Year) -> Floats:
    """As `year_rate`, but for Year 11 over half-terms 1 to 5, as national figures and `attainment_link` count them."""
    exam = percent(year.counts.absent[:, :5].sum(axis=1), year.counts.possible[:, :5].sum(axis=1))
    return np.where(year.roll.year_group == 11, exam, year_rate(year))


def persistent_table(year: Year, pupils: Pupils) -> list[Table]:
    """Persistent absence (10 x absent >= possible) beside the national figure: rows by margin and group."""
    absent, possible = year.counts.absent.sum(axis=1), year.counts.possible.sum(axis=1)
    frame = pd.DataFrame({"year_group": year.roll.year_group, "persistent": 10 * absent >= possible})
    frame["fsm"] = pupils.fsm[year.roll.pupil]
    frame["sen"] = np.array(["N", "K", "E"])[pupils.sen[year.roll.pupil]]
    frame["sex"] = np.array(["M", "F"])[pupils.female[year.roll.pupil]]
    frame = frame[possible > 0]
    margins = (["year_group"], ["fsm"], ["sen"], ["sex"], ["year_group", "fsm"])
    return [row for by in margins for row in _margin(frame, by)]


def _margin(frame: pd.DataFrame, by: list[str]) -> list[Table]:
    grouped = frame.groupby(by)["persistent"].agg(["size", "sum"]).reset_index()
    rows = []
    for record in grouped.to_dict("records"):
        group = {c: str(record[c]) for c in by}
        national = persistent(**{c: "none" if v == "N" else v for c, v in group.items()})
        pct = 100 * record["sum"] / record["size"]
        rows.append({**group, "n": int(record["size"]), "persistent_pct": pct, "national_pct": national})
    return rows


def school_icc(year: Year, schools: Schools) -> Table:
    """Share of the variance of absence rates between schools (analysis of variance): all, and within phase."""
    rate = year_rate(year)
    kept = np.isfinite(rate)
    school, rate = year.roll.school[kept], rate[kept]
    phase = schools.phase[school]
    centred = rate - np.array([rate[phase == p].mean() for p in (0, 1)])[phase]
    return {"all_schools": _icc(rate, school, 1), "within_phase": _icc(centred, school, 2)}


def _icc(value: Floats, group: Ints, fixed: int) -> float:
    _, where, size = np.unique(group, return_inverse=True, return_counts=True)
    if len(size) <= fixed:
        return float("nan")
    mean = np.bincount(where, value) / size
    within = float(((value - mean[where]) ** 2).sum()) / (len(value) - len(size))
    between = float((size * (mean - value.mean()) ** 2).sum()) / (len(size) - fixed)
    usual = (len(value) - (size**2).sum() / len(value)) / max(len(size) - 1, 1)
    return float((between - within) / (between + (usual - 1) * within))


def calls_truth(shape: Shape, year: Year) -> Table:
    """From the start to the end of the year, with and without the calls: pupils who started, and all referred."""
    return {
        "planted_days_a_year": shape.effect_days,
        "eligible": int(year.choice.eligible.sum()),
        "started": _fewer(year.counts, year.choice.started),
        "referred": _fewer(year.counts, year.choice.referred),
    }


def _fewer(counts: Counts, who: np.ndarray) -> Table:
    could = who & (counts.possible[:, 2:].sum(axis=1) > 0)
    possible = counts.possible[could, 2:].sum(axis=1)
    fewer = (counts.absent_without_calls - counts.absent)[could, 2:].sum(axis=1)
    some = bool(could.any())
    return {
        "n": int(who.sum()),
        "n_with_sessions": int(could.sum()),
        "realised_days_in_window": float(fewer.mean() / 2) if some else None,
        "realised_days_a_year": float((fewer / possible).mean() * DAYS_A_YEAR) if some else None,
        "mean_days_possible_in_window": float(possible.mean() / 2) if some else None,
    }


def dip_truth(shape: Shape, pupils: Pupils, years: tuple[Year, Year]) -> Table:
    """Mean change in absence over the same half-terms of two years, points: Year 6 to 7 and reference steps."""
    steps = [_step(pupils, years, g) for g in (3, 4, 5, 6, 7, 8)]
    return {
        "planted_points": {"fsm6=0": shape.dip_points, "fsm6=1": shape.dip_points_fsm6},
        "planted_in_the_national_figures": {"fsm6=0": NATIONAL_DIP[0], "fsm6=1": NATIONAL_DIP[1]},
        "realised_extra_points": _extra(pupils, years),
        "steps": steps,
        "correlation_year_6_to_7": _correlation(years, 6),
    }


def _pairs(years: tuple[Year, Year], year_group: int) -> tuple[Ints, Ints]:
    """Row numbers in both years of pupils who were in `year_group` and then in the next."""
    one, two = (y.roll for y in years)
    first = np.flatnonzero(one.year_group == year_group)
    second = np.flatnonzero(two.year_group == year_group + 1)
    _, i, j = np.intersect1d(one.pupil[first], two.pupil[second], return_indices=True)
    first, second = first[i], second[j]
    same = _same_half_terms(years, (first, second))
    enough = np.minimum(*((y.counts.possible[r] * same).sum(1) for y, r in zip(years, (first, second), strict=True)))
    return first[enough >= FEWEST_SESSIONS], second[enough >= FEWEST_SESSIONS]


def _same_half_terms(years: tuple[Year, Year], rows: tuple[Ints, Ints]) -> np.ndarray:
    """Which half-terms each pupil has sessions in in both years, (pupils, 6)."""
    return (years[0].counts.possible[rows[0]] > 0) & (years[1].counts.possible[rows[1]] > 0)


def _change(years: tuple[Year, Year], rows: tuple[Ints, Ints], after: np.ndarray) -> Floats:
    """Points of change for each pupil, over the half-terms the pupil has in both years."""
    before, now = years[0].counts, years[1].counts
    same = _same_half_terms(years, rows)
    early = percent((before.absent[rows[0]] * same).sum(axis=1), (before.possible[rows[0]] * same).sum(axis=1))
    return percent((after[rows[1]] * same).sum(axis=1), (now.possible[rows[1]] * same).sum(axis=1)) - early


def _step(pupils: Pupils, years: tuple[Year, Year], year_group: int) -> Table:
    rows = _pairs(years, year_group)
    change = _change(years, rows, years[1].counts.absent)
    fsm6 = pupils.fsm6[years[1].roll.pupil[rows[1]]]
    return {"from_year_group": year_group, "to_year_group": year_group + 1, **_by_fsm6(change, fsm6)}


def _extra(pupils: Pupils, years: tuple[Year, Year]) -> Table:
    rows = _pairs(years, 6)
    counts = years[1].counts
    planted = _change(years, rows, counts.absent_without_calls)
    change = planted - _change(years, rows, counts.absent_without_dip)
    return _by_fsm6(change, pupils.fsm6[years[1].roll.pupil[rows[1]]])


def _by_fsm6(change: Floats, fsm6: Ints) -> Table:
    groups = {"all": np.ones(len(change), dtype=bool), "fsm6=0": fsm6 == 0, "fsm6=1": fsm6 == 1}
    return {k: {"n": int(m.sum()), "points": float(change[m].mean()) if m.any() else None} for k, m in groups.items()}


def _correlation(years: tuple[Year, Year], year_group: int) -> Table:
    rows = _pairs(years, year_group)
    one, two = (year_rate(y)[r] for y, r in zip(years, rows, strict=True))
    r = float(np.corrcoef(one, two)[0, 1]) if len(one) > 2 else None
    return {"n": len(one), "r": r}


def link_truth(shape: Shape, pupils: Pupils, years: tuple[Year, Year], results: pd.DataFrame) -> list[Table]:
    """Points at 10% against 2% absence: planted, and least squares given prior, FSM6, SEN, sex and EAL.

    Pupils, years and half-terms as `attainment_link` takes them; a straight line, since that is what is planted.
    """
    asked = (
        ("attainment8", YEARS[0], "ks2_average", shape.attainment8_link),
        ("attainment8", YEARS[1], "ks2_average", shape.attainment8_link),
        ("ks2_average", YEARS[1], "maths", shape.ks2_link),
        ("maths", YEARS[1], "maths", shape.maths_link),
    )
    return [_link(pupils, years, results, *one) for one in asked]


def _link(
    pupils: Pupils,
    years: tuple[Year, Year],
    results: pd.DataFrame,
    measure: str,
    academic_year: str,
    prior: str,
    planted: float,
) -> Table:
    year = years[YEARS.index(academic_year)]
    now = (results.measure == measure) & (results.academic_year == academic_year) & results.value.notna()
    before = (results.measure == prior) & (results.academic_year < academic_year) & results.value.notna()
    enough = year.counts.possible.sum(axis=1) >= FEWEST_SESSIONS
    absence = exam_rate(year) if measure == "attainment8" else year_rate(year)
    rate = pd.DataFrame({"pupil": year.roll.pupil, "rate": absence})[enough].dropna()
    frame = results[now].merge(results.loc[before, ["pupil", "value"]], on="pupil", suffixes=("", "_prior"))
    frame = frame.merge(rate, on="pupil")
    who, step = frame.pupil.to_numpy(), CONTRAST[0] - CONTRAST[1]
    sen = pupils.sen[who]
    columns = [frame.rate, frame.value_prior, pupils.fsm6[who], sen == 1, sen == 2, pupils.female[who], pupils.eal[who]]
    return {
        "measure": measure,
        "academic_year": academic_year,
        "prior": prior,
        "contrast_pct": list(CONTRAST),
        "planted_points": planted,
        "n": len(frame),
        "least_squares_points": _slope(frame.value, columns, step),
        "least_squares_points_unadjusted": _slope(frame.value, columns[:1], step),
    }


def _slope(y: pd.Series, columns: list[Any], step: float) -> float | None:
    x = np.column_stack([np.ones(len(y)), *(np.asarray(c, dtype=float) for c in columns)])
    if len(y) <= x.shape[1]:
        return None
    return float(np.linalg.lstsq(x, y.to_numpy(), rcond=None)[0][1] * step)


def session_counts(years: tuple[Year, Year]) -> list[Table]:
    """Rows of `marks`, possible sessions and absences, by academic year."""
    return [
        {
            "academic_year": name,
            "enrolments": len(year.roll.pupil),
            "mark_rows": year.mark_rows,
            "possible": int(year.counts.possible.sum()),
            "absent": int(year.counts.absent.sum()),
        }
        for name, year in zip(YEARS, years, strict=True)
    ]
