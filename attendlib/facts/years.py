"""Academic years and year groups."""

import re
from datetime import date

YEAR_GROUPS = tuple(range(14))  # 0 is Reception, 11 is the last of compulsory schooling
_ACADEMIC_YEAR = re.compile(r"(\d{4})/(\d{2})")


def is_academic_year(text: str) -> bool:
    """Whether `text` is written as 2024/25, the second year following the first."""
    found = _ACADEMIC_YEAR.fullmatch(text)
    return found is not None and (int(found[1]) + 1) % 100 == int(found[2])


def academic_year_before(academic_year: str) -> str:
    """2023/24 for 2024/25."""
    return academic_year_from(int(academic_year[:4]) - 1)


def academic_year_from(start: int) -> str:
    """2024/25 for 2024."""
    return f"{start}/{(start + 1) % 100:02d}"


def academic_year_of(day: date) -> str:
    """The academic year a date falls in: 1 August begins a new one (DfE census: autumn is 1 August on)."""
    return academic_year_from(day.year if day.month >= 8 else day.year - 1)


def year_group_name(year_group: int) -> str:
    """Reception for 0, Year 6 for 6."""
    return "Reception" if year_group == 0 else f"Year {year_group}"
