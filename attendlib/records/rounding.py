"""A row in no more digits than its standard error supports: what two figures a pupil apart differ by is then noise."""

from dataclasses import replace
from math import floor, log10

from attendlib.records.answer import Row, Step

ROUNDED_TO = 5  # counts anyone may see
FEW_DIGITS = 3  # of a figure that has no interval
NEGLIGIBLE = 1e-6  # of a figure: a smaller standard error is rounding, and says nothing of digits


def rounded(row: Row) -> Row:
    """The row as anyone may see it: from two runs a pupil apart neither the count nor the pupil's value follows.

    Counts and degrees of freedom to 5, a share (in percent) that of the rounded counts without its interval, which the
    true counts would follow from; the rest as `in_few_digits`.
    """
    n, df = _round_count(row.n), _to_five(row.df)
    if row.numerator is not None:
        numerator = _round_count(row.numerator)
        value = float(round(100 * numerator / n)) if numerator is not None and n and row.value is not None else None
        return replace(_bare(row), n=n, numerator=numerator, value=value, low=None, high=None)
    if row.unit == "pupils":
        value, low, high, se = map(_to_five, (row.value, row.low, row.high, row.se))
        return replace(row, value=value, low=low, high=high, se=se, n=n, df=df)
    return replace(in_few_digits(row), n=n, df=df)


def uncounted(row: Row) -> Row:
    """The row without n and what n follows from: a share's numerator, interval and digits, a mean's error beside its
    interval (their quotient is t at the degrees of freedom)."""
    if row.numerator is not None:
        return replace(_bare(row), n=None, numerator=None, value=_to_five(row.value), low=None, high=None)
    return replace(_bare(in_few_digits(row)), n=None)


def rounded_step(step: Step) -> Step:
    """The step with both counts to 5."""
    return replace(step, lost=_round_count(step.lost), left=_round_count(step.left))


def in_few_digits(row: Row, digits: int = 2) -> Row:
    """Standard error to so many digits, value and limits to its place (without an interval three digits); p to two.

    To one digit, a mean times its number of pupils is seldom known closer than to a few units.
    """
    spread = row.se if row.se is not None else _quarter(row.low, row.high)
    sized = spread is not None and spread > NEGLIGIBLE * abs(row.value or 0)
    place = _place(spread, digits) if sized and spread is not None else _place(row.value or 0, FEW_DIGITS)
    value, low, high = (None if each is None else round(each, place) for each in (row.value, row.low, row.high))
    se = None if row.se is None else round(row.se, _place(row.se, digits))
    p = None if row.p is None else round(row.p, _place(row.p, 2))
    return replace(row, value=value, low=low, high=high, se=se, p=p)


def _bare(row: Row) -> Row:
    return replace(row, se=None, df=None, p=None)


def _quarter(low: float | None, high: float | None) -> float | None:
    """About a standard error, from the limits."""
    return None if low is None or high is None else (high - low) / 4


def _place(number: float, digits: int) -> int:
    """The decimal place of the last of so many significant digits."""
    return digits - 1 - floor(log10(abs(number))) if number else 0


def _to_five(number: float | None) -> float | None:
    return None if number is None else float(ROUNDED_TO * round(number / ROUNDED_TO))


def _round_count(n: int | None) -> int | None:
    return None if n is None else ROUNDED_TO * round(n / ROUNDED_TO)
