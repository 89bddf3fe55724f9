"""Sessions between two dates, pupil by pupil: summed from the store's own files, one school after another."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from attendlib.facts.years import academic_year_from, academic_year_of
from attendlib.intake.kept import kept_frame
from attendlib.intake.load import Pupils
from attendlib.intake.store import read_sql, school_of, table_files

Dates: TypeAlias = tuple[date, date]  # first and last, both in it

COUNTS = ("possible", "absent", "authorised", "unauthorised")
_TEXTS = ("pupil", "academic_year", "grain")
_FIRST, _LAST = ("first_date", "period_start"), ("last_date", "period_end")
MOST_HELD = 8  # schools whose periods a kernel holds on to, of two or three MB each
_RANK = {"week": 0, "half_term": 1, "year": 2}


@dataclass(frozen=True, slots=True, eq=False)
class _Periods:
    """One school's periods that count: of each whose it is (a place in `pupils`), its year (2024), days and counts."""

    pupils: list[str]
    pupil: np.ndarray
    year: np.ndarray
    first: np.ndarray
    last: np.ndarray
    counts: dict[str, np.ndarray]


def absence_in_spans(pupils: Pupils, spans: Sequence[Dates], only: pd.Series) -> list[pd.DataFrame]:
    """For each span one row per pupil and school: `pupil`, `school`, and the COUNTS in it, of the pupils `only`.

    They are summed in every school the pupils were in, over the periods whose recorded days lie wholly within the
    span, both ends included. A part week at either end counts where its own first and last day are known to be inside.
    Each pupil's year in a school uses its finest grain (weeks, Monday to Friday; else half-terms; else the year). A
    pupil none of whose periods fits has no row.
    """
    wanted, years = frozenset(only), sorted({year for span in spans for year in _years(span)})
    names, schools = (academic_year_from(year) for year in years), _schools_of(pupils, only)
    files = table_files(pupils.store, "attendance", *names, schools=schools)
    files = files[1:] or files  # the first has the columns alone
    read = _rows if len(schools) <= MOST_HELD else _rows.__wrapped__  # more would push each other out
    parts: list[list[dict[str, np.ndarray]]] = [[] for _ in spans]
    for school, own in groupby(sorted(files, key=school_of), school_of):  # all at once might not fit into memory
        periods = _finest(read(tuple(own)), wanted)
        for part, span in zip(parts, spans, strict=True):
            part.append(_sums(periods, span, school))
    return [_frame(part) for part in parts]


def _years(span: Dates) -> range:
    first, last = (int(academic_year_of(day)[:4]) for day in span)
    return range(first, last + 1)


def _schools_of(pupils: Pupils, only: pd.Series) -> set[str]:
    """Every school that these pupils have attendance in, in any year."""
    rows = read_sql(pupils.store, "attendance")
    held = kept_frame(pupils.store, f"SELECT DISTINCT pupil, school FROM {rows} ORDER BY school, pupil")
    return set(held.loc[held["pupil"].isin(only), "school"])


@lru_cache(maxsize=MOST_HELD)
def _rows(files: tuple[Path, ...]) -> pa.Table:
    """All periods of a school in these files: one notebook asks for the same up to three times."""
    columns = [*_TEXTS, *_FIRST, *_LAST, *COUNTS]
    read = [pq.ParquetFile(file, read_dictionary=_TEXTS).read(columns, use_threads=False) for file in files]
    return pa.concat_tables(read).unify_dictionaries()


def _finest(rows: pa.Table, wanted: frozenset[str]) -> _Periods:
    """The periods of the pupils `wanted`: of each pupil's year those of the finest grain it is known by."""
    (names, of_name), (years, year), (grains, grain) = (_coded(rows.column(name)) for name in _TEXTS)
    known = sorted(wanted.intersection(names))
    place = {name: place for place, name in enumerate(known)}
    pupil = np.array([place.get(name, -1) for name in names], dtype=int)[of_name]
    own = np.flatnonzero(pupil >= 0)
    pupil, year = pupil[own], year[own]
    rank = np.array([_RANK[name] for name in grains], dtype=int)[grain[own]]
    finest = np.full((len(known), len(years)), len(_RANK))
    np.minimum.at(finest, (pupil, year), rank)
    kept = rank == finest[pupil, year]
    own = own[kept]
    first, last = (pc.coalesce(*(rows.column(name) for name in either)).to_numpy()[own] for either in (_FIRST, _LAST))
    counts = {name: rows.column(name).to_numpy()[own] for name in COUNTS}
    starts = np.array([int(name[:4]) for name in years], dtype=int)
    return _Periods(known, pupil[kept], starts[year[kept]], first, last, counts)


def _coded(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """Each text of a column once, and of each row its place among them."""
    texts = column.combine_chunks()
    return texts.dictionary.to_pylist(), texts.indices.to_numpy()


def _sums(periods: _Periods, span: Dates, school: str) -> dict[str, np.ndarray]:
    first, last = map(np.datetime64, span)
    inside = (periods.first >= first) & (periods.last <= last) & np.isin(periods.year, _years(span))
    pupil, many = periods.pupil[inside], len(periods.pupils)
    there = np.bincount(pupil, minlength=many) > 0
    names = np.array(periods.pupils, dtype=object)[there]
    sums = {name: np.bincount(pupil, count[inside], many)[there] for name, count in periods.counts.items()}
    return {"pupil": names, "school": np.full(len(names), school, dtype=object), **sums}


def _frame(parts: Sequence[dict[str, np.ndarray]]) -> pd.DataFrame:
    found = pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return found.astype({"pupil": "str", "school": "str"})
