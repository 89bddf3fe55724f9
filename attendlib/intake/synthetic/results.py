"""Invented results: each follows the pupil's prior, characteristics and absence, by a planted link."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from attendlib.intake.synthetic.national import Floats
from attendlib.intake.synthetic.people import Pupils, Roll
from attendlib.intake.synthetic.shape import Shape
from attendlib.intake.synthetic.terms import YEARS

CONTRAST = (10.0, 2.0)  # percent absence, worse and better
_MISSING = 0.02
_TESTS = {"maths": (6, 20), "ks2": (5, 14), "attainment8": (8, 21)}  # month and day; A8 in August


@dataclass(frozen=True, slots=True)
class Scale:
    """A measure given prior: level, what a point of prior is worth, spread left over, and what FSM6, SEN,
    girls and EAL differ by."""

    level: float
    prior_level: float
    prior_slope: float
    spread: float
    groups: tuple[float, float, float, float, float]  # fsm6, K, E, female, eal
    lowest: float
    highest: float
    decimals: int


MATHS = Scale(100, 100, 0.75, 8.5, (-1.5, -3.0, -6.0, -0.4, 0.8), 40, 160, 0)
KS2 = Scale(104, 100, 0.32, 4.2, (-0.8, -2.0, -4.0, 0.2, 0.3), 80, 120, 0)
KS2_EARLIER = Scale(104, 100, 0.32, 4.8, (-1.5, -3.5, -6.0, 0.2, 0.3), 80, 120, 0)
ATTAINMENT8 = Scale(53, 104, 1.35, 9.0, (-3.5, -3.0, -6.0, 2.5, 2.5), 0, 90, 2)


def make_results(
    shape: Shape,
    pupils: Pupils,
    rolls: tuple[Roll, Roll],
    rates: tuple[Floats, Floats],
    exam_rates: tuple[Floats, Floats],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Rows: pupil (number), academic_year, measure, value, date, school (number or -1), reason.

    `rates` are recorded absence, percent, by enrolment (NaN without a possible session); `exam_rates` the same
    over the half-terms that Attainment 8 is set against.
    """
    n = len(pupils.cell)
    hidden = 100 + 13 * pupils.ability + 4 * rng.standard_normal(n)
    ks2 = _earlier_ks2(pupils, rolls, hidden, rng)
    tables, prior = [_earlier_rows(ks2, rolls)], hidden
    for academic_year, roll, rate, exam_rate in zip(YEARS, rolls, rates, exam_rates, strict=True):
        sat = _one_year(shape, pupils, roll, rate, exam_rate, prior, ks2, academic_year, rng)
        tables.append(sat)
        maths = sat[(sat.measure == "maths") & sat.value.notna()]
        prior = hidden.copy()
        prior[maths.pupil] = maths.value
        average = sat[(sat.measure == "ks2_average") & sat.value.notna()]
        ks2.loc[average.pupil, "ks2_average"] = average.value.to_numpy()
    return pd.concat(tables, ignore_index=True)


def _one_year(
    shape: Shape,
    pupils: Pupils,
    roll: Roll,
    rate: Floats,
    exam_rate: Floats,
    prior: Floats,
    ks2: pd.DataFrame,
    year: str,
    rng: np.random.Generator,
) -> pd.DataFrame:
    staying = (roll.leaving > 300) & np.isfinite(rate) & np.isfinite(exam_rate)
    six, eleven = (staying & (roll.year_group == g) for g in (6, 11))
    maths = _sat("maths", MATHS, shape.maths_link, pupils, roll, staying, rate, prior, year, rng)
    pair = [_sat(f"ks2_{s}", KS2, shape.ks2_link, pupils, roll, six, rate, prior, year, rng) for s in ("read", "maths")]
    average = ks2["ks2_average"].fillna(ATTAINMENT8.prior_level).to_numpy()
    a8 = _sat("attainment8", ATTAINMENT8, shape.attainment8_link, pupils, roll, eleven, exam_rate, average, year, rng)
    return pd.concat([maths, *pair, _average(*pair), a8], ignore_index=True)


def _sat(
    measure: str,
    scale: Scale,
    link: float,
    pupils: Pupils,
    roll: Roll,
    who: np.ndarray,
    rate: Floats,
    prior: Floats,
    academic_year: str,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One measure for the enrolments `who`; the more absent are likelier to have no result."""
    pupil, percent = roll.pupil[who], rate[who]
    centre = expected(scale, pupils, pupil, prior[pupil]) + link / (CONTRAST[0] - CONTRAST[1]) * percent
    value = _scored(centre, scale, rng)
    u = rng.random(len(pupil))
    missing = u < _MISSING + 0.002 * np.minimum(percent, 50)
    reason = np.where(missing, np.where(u < _MISSING / 2, "not entered", "absent"), "")
    frame = pd.DataFrame({"pupil": pupil, "academic_year": academic_year, "measure": measure})
    frame["value"] = np.where(missing, np.nan, value)
    frame["date"] = _date(academic_year, measure)
    frame["school"], frame["reason"] = roll.school[who], reason
    return frame


def expected(scale: Scale, pupils: Pupils, pupil: np.ndarray, prior: Floats) -> Floats:
    """What prior and characteristics alone would give."""
    fsm6, support, plan, female, eal = scale.groups
    sen = pupils.sen[pupil]
    groups = fsm6 * pupils.fsm6[pupil] + np.array([0.0, support, plan])[sen]
    groups = groups + female * pupils.female[pupil] + eal * pupils.eal[pupil]
    return scale.level + scale.prior_slope * (prior - scale.prior_level) + groups


def _scored(centre: Floats, scale: Scale, rng: np.random.Generator) -> Floats:
    """Results about `centre`, inside the scale. Chance is cut alike on both sides, so that the ends of the
    scale do not bend the planted link."""
    room = np.maximum(np.minimum(centre - scale.lowest, scale.highest - centre), 0)
    chance = np.clip(scale.spread * rng.standard_normal(len(centre)), -room, room)
    scored: Floats = np.clip(centre + chance, scale.lowest, scale.highest)
    return scored.round(scale.decimals)


def _average(read: pd.DataFrame, maths: pd.DataFrame) -> pd.DataFrame:
    """The mean of both tests; missing where either is."""
    out = read.assign(measure="ks2_average", value=(read.value + maths.value) / 2)
    return out.assign(reason=np.where(out.value.isna(), "reading or maths missing", ""))


def _earlier_ks2(pupils: Pupils, rolls: tuple[Roll, Roll], hidden: Floats, rng: np.random.Generator) -> pd.DataFrame:
    """Key Stage 2 of pupils first seen in Year 7 or later, one row a pupil (NaN for the others).

    The tests of 2020 and 2021 were not held in England; here they were, so that each Year 11 has a prior.
    """
    n = len(pupils.cell)
    out = pd.DataFrame(np.nan, index=range(n), columns=["ks2_read", "ks2_maths", "ks2_average", "first_seen"])
    for number, roll in enumerate(rolls):
        new = roll.pupil[out["first_seen"].isna().to_numpy()[roll.pupil]]
        group = roll.year_group[np.isin(roll.pupil, new)]
        out.loc[new, "first_seen"] = np.where(group >= 7, int(YEARS[number][:4]) - (group - 6), 0)
    told = (out["first_seen"] > 0).to_numpy() & (rng.random(n) >= _MISSING)
    level = expected(KS2_EARLIER, pupils, np.arange(n), hidden)
    for column in ("ks2_read", "ks2_maths"):
        value = _scored(level, KS2_EARLIER, rng)
        out[column] = np.where(told, value, np.nan)
    out["ks2_average"] = (out.ks2_read + out.ks2_maths) / 2
    return out


def _earlier_rows(ks2: pd.DataFrame, rolls: tuple[Roll, Roll]) -> pd.DataFrame:
    """Earlier results as rows dated in the pupil's own Year 6, before any school of the trust was theirs."""
    seen = ks2[ks2.first_seen > 0]
    wide = seen.drop(columns="first_seen").rename_axis("pupil").reset_index()
    frame = wide.melt(id_vars="pupil", var_name="measure", value_name="value")
    start = seen.first_seen.astype(int).loc[frame.pupil].to_numpy()
    frame["academic_year"] = [f"{y}/{(y + 1) % 100:02d}" for y in start]
    frame["date"] = [_date(y, "ks2") for y in frame.academic_year]
    frame["school"] = -1
    frame["reason"] = np.where(frame.value.isna(), "not sent by the earlier school", "")
    return frame


def _date(academic_year: str, measure: str) -> str:
    month, day = _TESTS[measure if measure in _TESTS else "ks2"]
    return date(int(academic_year[:4]) + 1, month, day).isoformat()
