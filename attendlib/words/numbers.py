"""Figures as people read them: days before percent, no more digits than the interval allows, a true minus sign."""

from decimal import ROUND_HALF_UP, Decimal

from attendlib.facts.definitions import LESSONS_A_DAY
from attendlib.records.answer import Row

WITHHELD_WORDS = "c"


def rounded(value: float, places: int = 0) -> str:
    """'0.4' for 0.35 to one place: halves go away from zero, as people and spreadsheets round. NaN and inf stay so."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    return str(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def signed(value: float, places: int = 1) -> str:
    """'+1.2' or '−1.2'; a figure that rounds to nothing carries no sign."""
    text = rounded(abs(value), places)
    return text if float(text) == 0 else ("+" if value > 0 else "−") + text


def plain(value: float, places: int = 1) -> str:
    """'1.2' or '−1.2'."""
    return signed(value, places).removeprefix("+")


def places_for(row: Row) -> int:
    """Two decimals for an interval under 1 wide, none for one 20 or wider or of whole numbers, else one."""
    if row.low is None or row.high is None:
        return 1
    if all(each is not None and each == round(each) for each in (row.value, row.low, row.high)):
        return 0
    width = row.high - row.low
    return 2 if width < 1 else 0 if width >= 20 else 1


def count(n: int | None) -> str:
    """'1,234', or c where the count is withheld."""
    return WITHHELD_WORDS if n is None else f"{n:,}"


def pupils(n: int | None) -> str:
    """'1 pupil', '1,234 pupils'."""
    return f"{count(n)} pupil{'' if n == 1 else 's'}"


def interval(row: Row, places: int | None = None) -> str:
    """'−3.1 to −0.4', or 'no interval'."""
    if row.low is None or row.high is None:
        return "no interval"
    places = places_for(row) if places is None else places
    return f"{plain(row.low, places)} to {plain(row.high, places)}"


def interval_words(row: Row, below: str, above: str) -> str:
    """'3.1 to 0.4 lower', '1.2 fewer to 0.6 more': each limit with its own direction."""
    if row.low is None or row.high is None:
        return "no interval"
    places = places_for(row)
    low, high = plain(abs(row.low), places), plain(abs(row.high), places)
    if row.high <= 0:
        return f"{high} to {low} {below}"
    return f"{low} to {high} {above}" if row.low >= 0 else f"{low} {below} to {high} {above}"


def no_size(row: Row) -> bool:
    """Whether the figure reads 0 in the digits its interval allows: then it is neither more nor less."""
    return row.value is not None and float(rounded(abs(row.value), places_for(row))) == 0


def than(row: Row) -> str:
    """'than' after '2.0 days fewer', 'as' after 'about as many days'."""
    return "as" if no_size(row) else "than"


def rise(row: Row, unit: str) -> str:
    """'fell by 0.4 points (95% interval 1.3 lower to 0.5 higher)', or c where it is withheld."""
    if row.value is None:
        return f"changed by {figure(row)}"
    moved = f"{'rose' if row.value >= 0 else 'fell'} by {plain(abs(row.value), places_for(row))} {unit}"
    what = "hardly changed" if no_size(row) else moved
    return f"{what} ({row.confidence_pct:g}% interval {interval_words(row, 'lower', 'higher')})"


def chances(percent: float) -> str:
    """'1 chance in 100', '76 chances in 100', 'under 1 chance in 100'."""
    if 0 < percent < 0.5:
        return "under 1 chance in 100"
    whole = int(rounded(percent))
    return f"{whole} chance{'' if whole == 1 else 's'} in 100"


def figure(row: Row, places: int | None = None) -> str:
    """'−1.7 (95% interval −3.1 to −0.4)', or c where it is withheld."""
    if row.value is None:
        return row.withheld or "not available"
    places = places_for(row) if places is None else places
    return f"{plain(row.value, places)} ({row.confidence_pct:g}% interval {interval(row, places)})"


def share(row: Row) -> str:
    """'39 of 159 (25%)', or c where it is withheld."""
    if row.value is None:
        return row.withheld or "not available"
    if row.n is None:
        return f"{rounded(row.value)}% (of {WITHHELD_WORDS})"
    return f"{count(row.numerator)} of {count(row.n)} ({rounded(row.value)}%)"


def days_of(percent: float, days: int) -> str:
    """'19 days of 190' for 10 and 190, 'about 4 days of 190' for 2."""
    missed = percent * days / 100
    about = "" if abs(missed - round(missed)) < 1e-9 else "about "
    return f"{about}{rounded(missed)} days of {days}"


def lessons(days: float) -> str:
    """'about 10 lessons' for two days."""
    whole = int(rounded(abs(days) * LESSONS_A_DAY))
    return f"about {whole} lesson{'' if whole == 1 else 's'}"


def days_and_lessons(row: Row, each: str = "") -> str:
    """'2.0 days fewer a pupil (about 10 lessons)', lessons of the days as printed; 'about as many days' for none."""
    assert row.value is not None
    if no_size(row):
        return f"about as many days{each}"
    days = rounded(abs(row.value), places_for(row))
    return f"{days} days {'fewer' if row.value >= 0 else 'more'}{each} ({lessons(float(days))})"


def listed(words: list[str]) -> str:
    """'sex, first language and prior attainment'."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
