"""Writes the synthetic trust: a tidy folder of invented schools, and truth.json."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from attendlib.intake.synthetic import tables, truth
from attendlib.intake.synthetic.absence import Plan, drift, plan_absence
from attendlib.intake.synthetic.calls import Choice
from attendlib.intake.synthetic.marks import School, closure_code
from attendlib.intake.synthetic.others import other_rows, others_truth
from attendlib.intake.synthetic.people import Pupils, Roll, Schools, make_people, make_schools
from attendlib.intake.synthetic.results import make_results
from attendlib.intake.synthetic.shape import NATIONAL_DIP, Shape, check
from attendlib.intake.synthetic.terms import YEARS, bank_holidays, calendar_rows, days_of, training_days
from attendlib.intake.synthetic.year import Counts, SchoolYear, make_year

_CLOSED_SHARE = 0.3  # of schools, in a year
_REASONS = {
    "Y": "site closed unexpectedly",
    "Y2": "travel disrupted",
    "Y3": "part of the site closed",
    "Y4": "site closed unexpectedly",
}


@dataclass(frozen=True, slots=True)
class Truth:
    """What truth.json holds: the settings, and planted beside realised values by question."""

    shape: Shape
    values: dict[str, Any]


def write_trust(
    folder: Path,
    *,
    schools: int = 6,
    pupils: int = 2640,
    seed: int = 20250912,
    effect_days: float = 6.0,
    dip_points: float = NATIONAL_DIP[0],
    dip_points_fsm6: float = NATIONAL_DIP[1],
    attainment8_link: float = -3.0,
) -> Truth:
    """Writes the tidy tables of an invented trust and truth.json into `folder`, made where missing.

    The same arguments give the same bytes of every file. Settings and units: Shape. Errors: StudyError.
    """
    shape = Shape(schools, pupils, seed, effect_days, dip_points, dip_points_fsm6, attainment8_link)
    check(shape)
    folder.mkdir(parents=True, exist_ok=True)
    made = make_schools(shape, _stream(shape, 1))
    people, rolls = make_people(shape, made, _stream(shape, 2))
    names = tables.pupil_names(len(people.cell), _stream(shape, 3))
    years, closures = _write_marks(folder / "marks.parquet", shape, made, people, rolls, names)
    rates, exam_rates = ((rate(years[0]), rate(years[1])) for rate in (truth.year_rate, truth.exam_rate))
    results = make_results(shape, people, rolls, rates, exam_rates, _stream(shape, 4))
    _csv(tables.school_rows(made), folder / "schools.csv")
    _csv(tables.pupil_rows(people, rolls, names, made), folder / "pupils.csv")
    _csv(tables.result_rows(results, names, made), folder / "attainment.csv")
    calls = tables.call_rows(years[1], names, made)
    _csv(tables.together(calls, other_rows(years[1], names, made)), folder / "interventions.csv")
    _csv(pd.DataFrame(calendar_rows()), folder / "calendar.csv")
    _csv(_closure_rows(closures), folder / "closures.csv")
    values = _values(shape, made, people, years, results)
    text = json.dumps(_rounded(values), indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    return Truth(shape, values)


def _stream(shape: Shape, *stage: int) -> np.random.Generator:
    return np.random.default_rng([shape.seed, *stage])


def _write_marks(
    path: Path, shape: Shape, schools: Schools, pupils: Pupils, rolls: tuple[Roll, Roll], names: NDArray[np.str_]
) -> tuple[tuple[truth.Year, truth.Year], list[tuple[str, str, str]]]:
    """One school's year at a time, so memory is that of the largest school; a row group for each."""
    years: list[truth.Year] = []
    closures: list[tuple[str, str, str]] = []
    with pq.ParquetWriter(path, tables.MARKS, compression="zstd", store_schema=False) as file:
        for number, roll in enumerate(rolls):
            parts, written = [], 0
            for school, made in _school_years(shape, schools, pupils, roll, number):
                urn = schools.urn(int(school.roll.school[0]))
                rows = tables.mark_rows(made, school.roll, school.days, names, urn)
                file.write_table(rows, row_group_size=max(len(rows), 1))
                written += len(rows)
                parts.append(made)
                if school.closed_day >= 0:
                    day = str(school.days.dates[school.closed_day])
                    closures.append((day, _REASONS[closure_code(school)], urn))
            years.append(_whole_year(roll, parts, written))
    return (years[0], years[1]), closures


def _school_years(
    shape: Shape, schools: Schools, pupils: Pupils, roll: Roll, number: int
) -> Iterator[tuple[School, SchoolYear]]:
    days = days_of(YEARS[number])
    going = drift(len(pupils.cell), _stream(shape, 5))[roll.pupil, 6 * number : 6 * number + 6]
    plan = plan_absence(shape, schools, pupils, roll, going)
    for s in range(len(schools.phase)):
        here = roll.school == s
        own = Roll(*(getattr(roll, f.name)[here] for f in fields(Roll)))
        chance = _stream(shape, 6, number, s)
        closed = int(chance.choice(np.flatnonzero(days.half_term == 3)[1:])) if chance.random() < _CLOSED_SHARE else -1
        school = School(own, bool(schools.phase[s] == 1), closed, days)
        streams = [_stream(shape, 7, number, s, stage) for stage in range(5)]
        yield (
            school,
            make_year(
                school, Plan(plan.rate[here], plan.rate_without_dip[here], plan.lean[here]), shape.effect_days, streams
            ),
        )


def _whole_year(roll: Roll, parts: list[SchoolYear], written: int) -> truth.Year:
    """Rolls are ordered by school, so the schools' counts in turn are the roll's."""
    counts = Counts(*(np.concatenate([getattr(p.counts, f.name) for p in parts]) for f in fields(Counts)))
    return truth.Year(roll, counts, _choices(parts, len(roll.pupil)), written)


def _choices(parts: list[SchoolYear], n: int) -> Choice:
    """The schools' choices for the calls in turn; nobody's in the first year."""
    chosen = [p.choice for p in parts if p.choice]
    if not chosen:
        nobody = np.zeros(n, dtype=bool)
        return Choice(nobody, nobody, nobody, np.zeros(n))
    return Choice(*(np.concatenate([getattr(c, f.name) for c in chosen]) for f in fields(Choice)))


def _closure_rows(closures: list[tuple[str, str, str]]) -> pd.DataFrame:
    """Training days and bank holidays of every school (`school` empty), and days one school could not open."""
    rows = [(d.isoformat(), "training day", "") for d in training_days()]
    rows += [(d.isoformat(), "bank holiday", "") for d in bank_holidays()]
    return pd.DataFrame(sorted(rows + closures), columns=["date", "reason", "school"])


def _values(
    shape: Shape, schools: Schools, pupils: Pupils, years: tuple[truth.Year, truth.Year], results: pd.DataFrame
) -> dict[str, Any]:
    return {
        "settings": asdict(shape),
        "sessions": truth.session_counts(years),
        "link": truth.link_truth(shape, pupils, years, results),
        "dip": truth.dip_truth(shape, pupils, years),
        "intervention": truth.calls_truth(shape, years[1]),
        "other_interventions": others_truth(),
        "icc": {n: truth.school_icc(y, schools) for n, y in zip(YEARS, years, strict=True)},
        "persistent_absence": {n: truth.persistent_table(y, pupils) for n, y in zip(YEARS, years, strict=True)},
    }


def _rounded(value: Any) -> Any:
    """Six decimals, and null for what could not be computed, all the way down."""
    if isinstance(value, dict):
        return {str(k): _rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, 6)
    return value


def _csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
