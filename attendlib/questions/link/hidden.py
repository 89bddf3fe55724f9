"""How strong something not recorded would have to be to take the contrast away, beside things that are recorded."""

from collections.abc import Sequence

import pandas as pd

from attendlib.questions.link.asked import Asked
from attendlib.questions.link.contrast import can_be_read, fitted, unit_of
from attendlib.questions.link.design import Design, columns_of, design_of, held_alike
from attendlib.questions.link.gradient import outcome_of
from attendlib.records.answer import Row
from attendlib.stats.fit import Fit, contrast
from attendlib.stats.ols import ols
from attendlib.stats.sensitivity import Benchmark, benchmarks, e_value_difference, robustness_value

MEASURED = ("prior", "fsm6", "fsm")  # what a hidden cause is set beside, where it is held alike
TIMES = (1, 2)
NOTHING_LEFT = 1e-9  # of the result's variance: less is left by a model that fits exactly, and nothing can be asked
METHOD = "Cinelli and Hazlett 2020, classical variance"


def hidden_rows(frame: pd.DataFrame, asked: Asked) -> tuple[Row, ...]:
    """`robustness_value` (for the estimate and for its interval), `benchmark_*` and `link_if_hidden` beside what is
    measured, and for thresholds `e_value`: all of this school's adjusted contrast."""
    extra = held_alike(frame, asked)
    design = design_of(frame, extra)
    if not can_be_read(frame, asked) or not design.fits or not extra.shape[1]:
        return ()
    y, weights = outcome_of(frame, asked), design.between(asked.high_pct, asked.low_pct)
    fit = ols(y, design.X, vcov="classical")
    found, left = contrast(fit, weights), float((y - design.X @ fit.coef).var())
    if left < NOTHING_LEFT * float(y.var()):
        return ()
    robust = robustness_value(found.value / found.se, found.df)
    n, method = len(frame), METHOD
    rows = [
        Row("robustness_value", "school", model="adjusted", value=100 * value, unit="percent", n=n, method=method,
            group=f"brings={what}")
        for what, value in (("estimate", robust.value), ("interval", robust.value_at_limit))
    ]  # fmt: skip
    beside = {name: columns for name in MEASURED if (columns := columns_of(design, name))}
    if beside:
        used = {str(name): float(weights[name]) for name in weights.index[weights != 0]}
        for one in benchmarks(y, design.X, used, beside, TIMES):
            rows += _benchmark_rows(one, n, asked)
    return (*rows, *_e_value_rows(frame, y, design, asked))


def _benchmark_rows(one: Benchmark, n: int, asked: Asked) -> Sequence[Row]:
    group = f"times={one.times:g};within={one.name}"
    r2 = {"unit": "percent", "n": n, "method": METHOD, "model": "adjusted", "group": group}
    rows = [Row("benchmark_with_absence", "school", value=100 * one.r2_exposure, **r2)] if one.possible else []  # type: ignore[arg-type]
    if not one.possible:
        return rows
    rows.append(Row("benchmark_with_result", "school", value=100 * one.r2_outcome, **r2))  # type: ignore[arg-type]
    left = Row(
        "link_if_hidden", "school", group=group, model="adjusted", value=one.value, low=one.low, high=one.high,
        se=one.se, confidence_pct=float(one.confidence_pct), unit=unit_of(asked), n=n, method=METHOD,
    )  # fmt: skip
    return (*rows, left)


def _e_value_rows(frame: pd.DataFrame, y: pd.Series, design: Design, asked: Asked) -> Sequence[Row]:
    """From the shares that pupils alike would reach at either end of the contrast."""
    if not asked.is_share:
        return ()
    fit, _ = fitted(frame, y, design, "school")
    average = design.X.mean().where(~design.X.columns.isin(design.absence), 0.0)
    ends = [average + design.at(percent) for percent in (asked.high_pct, asked.low_pct)]
    risks = [contrast(fit, end).value / 100 for end in ends]
    if not all(0 < risk < 1 for risk in risks):
        return ()
    high, low, both = (_covariance(fit, a, b) / 1e4 for a, b in ((ends[0], ends[0]), (ends[1], ends[1]), ends))
    found = e_value_difference(risks[0], risks[1], high**0.5, low**0.5, both)
    label = {"model": "adjusted", "unit": "risk ratio", "method": "VanderWeele and Ding 2017", "n": len(frame)}
    return tuple(
        Row("e_value", "school", group=f"brings={what}", value=value, **label)  # type: ignore[arg-type]
        for what, value in (("estimate", found.point), ("interval", found.limit))
    )


def _covariance(fit: Fit, one: pd.Series, other: pd.Series) -> float:
    return float(one @ fit.vcov.to_numpy() @ other)
