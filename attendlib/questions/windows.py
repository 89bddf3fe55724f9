"""The spans of dates an intervention is judged over: when pupils were chosen, before that, after the start."""

from dataclasses import dataclass
from datetime import date, timedelta

from attendlib.records.study import Span

CHOSEN_OVER = timedelta(weeks=16)  # about a term: how far before the start the selection window reaches unless told
A_YEAR = timedelta(days=364)  # the same weekdays a year earlier


@dataclass(frozen=True, slots=True)
class Windows:
    """Selection window, earlier baseline and outcome; both ends of each are in it."""

    window: Span
    baseline: Span
    outcome: Span

    def baseline_is_far_enough(self) -> bool:
        """Whether the baseline's middle is at least as far from the window's as the outcome's is.

        A baseline closer to the window than the outcome shares more of the bad spell that got pupils chosen.
        """
        return abs(middle(self.window) - middle(self.baseline)) >= abs(middle(self.outcome) - middle(self.window))


def span(first: date, last: date) -> Span:
    """Dates from `first` to `last`."""
    return Span(from_date=first, to_date=last)


def middle(dates: Span) -> date:
    """The day half-way through."""
    return dates.from_date + (dates.to_date - dates.from_date) // 2


def ends(dates: Span) -> tuple[date, date]:
    """First and last day."""
    return dates.from_date, dates.to_date


def words(dates: Span) -> str:
    """'2 September 2024 to 20 December 2024'."""
    return " to ".join(f"{day.day} {day:%B %Y}" for day in (dates.from_date, dates.to_date))


def choose_windows(
    first_start: date,
    academic_year: str,
    window: Span | None,
    baseline: Span | None,
    outcome: Span | None,
    *,
    yearly: bool,
) -> Windows:
    """The study's own spans; where it gives none, those that follow from the first start date.

    Outcome: from the first start to the end of the academic year. Window: the 16 weeks before the start. Baseline:
    the outcome's dates a year earlier, ending before the window. `yearly` data only know whole academic years: the
    year itself, the one before, and the one before that.
    """
    opens = int(academic_year[:4])
    if yearly:
        whole = [span(date(opens - back, 9, 1), date(opens - back + 1, 8, 31)) for back in range(3)]
        return Windows(window or whole[1], baseline or whole[2], outcome or whole[0])
    outcome = outcome or span(first_start, date(opens + 1, 8, 31))
    window = window or span(first_start - CHOSEN_OVER, first_start - timedelta(days=1))
    ends = min(outcome.to_date - A_YEAR, window.from_date - timedelta(days=1))
    return Windows(window, baseline or span(outcome.from_date - A_YEAR, ends), outcome)


def year_earlier(windows: Windows) -> Windows:
    """The same weeks a year before: what an earlier cohort is looked at over."""
    spans = (windows.window, windows.baseline, windows.outcome)
    return Windows(*(span(each.from_date - A_YEAR, each.to_date - A_YEAR) for each in spans))
