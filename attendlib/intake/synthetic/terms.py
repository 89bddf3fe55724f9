"""The two academic years of the synthetic trust: 195 school days, five of them training days."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

YEARS = ("2023/24", "2024/25")
CALLS_START = date(2025, 1, 6)

_TERMS = {
    "2023/24": (
        (date(2023, 9, 4), date(2023, 10, 20)),
        (date(2023, 10, 30), date(2023, 12, 22)),
        (date(2024, 1, 8), date(2024, 2, 9)),
        (date(2024, 2, 19), date(2024, 3, 28)),
        (date(2024, 4, 15), date(2024, 5, 24)),
        (date(2024, 6, 3), date(2024, 7, 23)),
    ),
    "2024/25": (
        (date(2024, 9, 2), date(2024, 10, 25)),
        (date(2024, 11, 4), date(2024, 12, 20)),
        (date(2025, 1, 6), date(2025, 2, 14)),
        (date(2025, 2, 24), date(2025, 4, 11)),
        (date(2025, 4, 28), date(2025, 5, 23)),
        (date(2025, 6, 2), date(2025, 7, 21)),
    ),
}
_BANK_HOLIDAYS = (date(2024, 5, 6), date(2025, 5, 5))
_TRAINING = {
    "2023/24": (date(2023, 9, 4), date(2023, 9, 5), date(2023, 10, 30), date(2024, 2, 19), date(2024, 7, 23)),
    "2024/25": (date(2024, 9, 2), date(2024, 9, 3), date(2024, 11, 4), date(2025, 2, 24), date(2025, 7, 21)),
}
_SCHOOL_LEAVING = {"2023/24": date(2024, 6, 28), "2024/25": date(2025, 6, 27)}  # the last Friday in June
_SATS = {"2023/24": (date(2024, 5, 13), date(2024, 5, 16)), "2024/25": (date(2025, 5, 12), date(2025, 5, 15))}


@dataclass(frozen=True, slots=True)
class Days:
    """The days of one academic year that have marks: 190 open to pupils and one training day, marked #."""

    academic_year: str
    dates: NDArray[np.datetime64]
    half_term: NDArray[np.int64]  # 1 to 6
    week: NDArray[np.float64]  # how far through the half-term, 0 to 1
    weekday: NDArray[np.int64]  # 0 is Monday
    closed: NDArray[np.bool_]  # the training day
    compulsory: NDArray[np.bool_]  # up to the school leaving date, for Year 11
    sats: NDArray[np.bool_]


def days_of(academic_year: str) -> Days:
    """The days with marks of an academic year in YEARS."""
    kept = [(d, h) for h in range(1, 7) for d in _weekdays(academic_year, h) if _has_marks(academic_year, d)]
    dates = np.array([d for d, _ in kept], dtype="datetime64[D]")
    half_term = np.array([h for _, h in kept])
    first, last = (np.array(edge, dtype="datetime64[D]") for edge in zip(*_TERMS[academic_year], strict=True))
    week = (dates - first[half_term - 1]).astype(int) // 7 / ((last - first).astype(int) // 7)[half_term - 1]
    low, high = _SATS[academic_year]
    return Days(
        academic_year=academic_year,
        dates=dates,
        half_term=half_term,
        week=week,
        weekday=(dates.astype("datetime64[D]").astype(int) + 3) % 7,
        closed=np.array([d in _TRAINING[academic_year] for d, _ in kept]),
        compulsory=dates <= np.datetime64(_SCHOOL_LEAVING[academic_year]),
        sats=(dates >= np.datetime64(low)) & (dates <= np.datetime64(high)),
    )


def calendar_rows() -> list[dict[str, object]]:
    """Rows of `calendar`: the half-terms of both years, training days included."""
    return [
        {"academic_year": y, "half_term": h, "start_date": first.isoformat(), "end_date": last.isoformat()}
        for y in YEARS
        for h, (first, last) in enumerate(_TERMS[y], start=1)
    ]


def training_days() -> list[date]:
    """The ten training days and two bank holidays that fall inside a half-term are not open to pupils."""
    return sorted(d for y in YEARS for d in _TRAINING[y])


def bank_holidays() -> tuple[date, ...]:
    """Bank holidays inside a half-term."""
    return _BANK_HOLIDAYS


def _weekdays(academic_year: str, half_term: int) -> list[date]:
    first, last = _TERMS[academic_year][half_term - 1]
    every = (date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1))
    return [d for d in every if d.weekday() < 5 and d not in _BANK_HOLIDAYS]


def _has_marks(academic_year: str, day: date) -> bool:
    training = _TRAINING[academic_year]
    return day not in training or day == training[2]  # one training day is marked #, as many registers show it
