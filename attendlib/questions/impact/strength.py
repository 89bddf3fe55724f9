"""How strong a hidden difference between the groups would have to be to undo what was found."""

from collections.abc import Mapping
from math import isfinite

from attendlib.facts.definitions import DAYS_A_YEAR
from attendlib.questions.impact.chosen import Compared
from attendlib.questions.impact.figures import annual, days_followed, main_of
from attendlib.questions.impact.models import design_matrix
from attendlib.records.answer import Row
from attendlib.stats.fit import contrast
from attendlib.stats.ols import ols
from attendlib.stats.sensitivity import Benchmark, benchmarks, robustness_value

TIMES = (1.0, 2.0)


def strength_rows(found: Compared) -> list[Row]:
    """`robustness` and `robustness_at_limit` (percent), and `hidden_as_strong` as the earlier baseline (days).

    The percent is the share of leftover variance that something unseen must share both with who was referred and with
    absence, to bring the main difference (or its interval's nearer end) to 0. Classical variances, unweighted.
    """
    design = design_matrix(found.frame, main_of(found))
    y = 100 * found.frame["outcome"]
    fit = contrast(ols(y, design, vcov="classical"), {"treated": -1.0})
    t = fit.value / fit.se if fit.se > 0 else float("nan")
    if not isfinite(t) or fit.df <= 1:
        return []
    strength = robustness_value(t, fit.df)
    base = {"scope": found.scope, "model": "adjusted", "n": len(y), "method": "Cinelli and Hazlett (2020), classical"}
    rows = [
        Row("robustness", value=100 * strength.value, unit="percent", **base),  # type: ignore[arg-type]
        Row("robustness_at_limit", value=100 * strength.value_at_limit, unit="percent", **base),  # type: ignore[arg-type]
    ]
    earlier = [name for name in design.columns if name.startswith("baseline")]
    if earlier:
        made = benchmarks(y, design, {"treated": -1.0}, {"baseline": earlier}, times=TIMES)
        rows += [_row(found, each, base) for each in made if each.possible]
    return rows


def _row(found: Compared, each: Benchmark, base: Mapping[str, object]) -> Row:
    per_point = (DAYS_A_YEAR if annual(found) else days_followed(found)) / 100
    return Row(
        "hidden_as_strong", group=f"as=baseline;times={each.times:g}", value=each.value * per_point,
        low=each.low * per_point, high=each.high * per_point, confidence_pct=each.confidence_pct,
        unit="days a year" if annual(found) else "days in the window", **base,  # type: ignore[arg-type]
    )  # fmt: skip
