"""The main difference drawn toward what published trials found: a row for the reader, never part of the verdict."""

from dataclasses import replace

from attendlib.facts.attendance_trials import usual_size
from attendlib.records.answer import Row
from attendlib.stats.fit import t_quantile


def shrunken_rows(main: Row | None) -> list[Row]:
    """The normal posterior of `days_fewer` under a prior of mean 0 and sd the usual size of published differences.

    Centre 0, because pilots that were published are those that did well. Normal likelihood: se is taken as known.
    """
    if main is None or main.value is None or not main.se or main.confidence_pct is None:
        return []
    prior = usual_size() ** 2
    share = prior / (prior + main.se**2)
    se = (share * main.se**2) ** 0.5
    value, reach = share * main.value, float(t_quantile(0.5 + main.confidence_pct / 200, float("inf"))) * se
    method = f"normal prior, mean 0, sd {prior**0.5:.2f} days (published trials)"
    return [replace(main, model="shrunken", value=value, low=value - reach, high=value + reach, se=se, df=None,
                    p=None, method=method)]  # fmt: skip
