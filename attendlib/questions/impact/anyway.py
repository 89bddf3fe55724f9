"""What would have happened anyway: the referred pupils' absence as untreated pupils' own course foretells it."""

import pandas as pd

from attendlib.disclosure import limit
from attendlib.errors import QuestionError
from attendlib.facts.definitions import FEWEST_SESSIONS_BANDED
from attendlib.facts.years import academic_year_before
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.intake.spans import absence_in_spans
from attendlib.questions.beside_schools import sum_is_safe
from attendlib.questions.common import independent, row_of
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Compared
from attendlib.questions.impact.models import EARLIER
from attendlib.questions.windows import ends, year_earlier
from attendlib.records.answer import Row
from attendlib.stats.fit import Estimate, contrast
from attendlib.stats.ols import ols
from attendlib.stats.spline import basis, natural_spline

FEWEST = 20  # untreated pupils a forecast needs: a curve through fewer says little


def expected_rows(found: Compared, cohort: pd.DataFrame) -> list[Row]:
    """Mean absence (percent) expected of the referred: from untreated pupils now, and from the year before's.

    A regression on earlier absence, not the normal formula for regression to the mean: absence is skewed. `cohort`
    has `window` and `outcome` rates of pupils who met the same rule a year earlier.
    """
    treated = found.frame[found.frame["treated"] == 1]
    untreated = found.frame[found.frame["treated"] == 0]
    earlier = EARLIER if found.has_baseline else EARLIER[:1]
    sources = {"untreated": (untreated, earlier), "earlier_cohort": (cohort, EARLIER[:1])}
    return [
        row_of(forecast(source, treated, names), "expected_absence", found.scope, group="referred=1", model=model,
               unit="percent", method="OLS on earlier absence by splines, HC2; n counts the pupils it is learnt from")
        for model, (source, names) in sources.items()
        if len(source) >= FEWEST
    ]  # fmt: skip


def forecast(source: pd.DataFrame, treated: pd.DataFrame, earlier: tuple[str, ...]) -> Estimate:
    """The mean outcome (percent) that pupils of `source` like the `treated` in their earlier absence had."""
    both = pd.concat([source[[*earlier]], treated[[*earlier]]], ignore_index=True)
    curves = [basis(natural_spline(source[name], name=name), both[name]) for name in earlier]
    design = pd.concat([pd.Series(1.0, both.index, name="constant"), *curves], axis=1)
    kept = independent(design.iloc[: len(source)])
    fit = ols(100 * source["outcome"].to_numpy(), kept)
    return contrast(fit, design.loc[len(source) :, kept.columns].mean())


def earlier_cohort(pupils: Pupils, asked: Asked, found: Compared) -> pd.DataFrame:
    """Pupils of the same schools and year groups a year earlier who met the rule over the same weeks: two rates.

    Empty where that year is not held by week or half-term.
    """
    windows = year_earlier(found.windows)
    cells = found.referred_rows[["school"]].drop_duplicates()
    try:
        frame = frames.enrolments(pupils, academic_year_before(asked.year)).merge(cells, on="school")
    except QuestionError:
        return pd.DataFrame(columns=[*EARLIER, "outcome"])
    groups = found.frame[["school", "year_group"]].drop_duplicates()
    frame = frame[frame["in_study"]].merge(groups, on=["school", "year_group"])[["pupil", "school"]]
    sums = absence_in_spans(pupils, [ends(windows.window), ends(windows.outcome)], frame["pupil"])
    for name, each in zip(("window", "outcome"), sums, strict=True):
        frame = _with_rate(frame, name, each)
    frame = frame.dropna()
    if asked.rule:
        frame = frame[100 * frame["window"] >= asked.rule.absence_pct_at_least]
    low, high = (found.frame.loc[found.frame["treated"] == 1, "window"].agg(edge) for edge in ("min", "max"))
    frame = frame[frame["window"].between(low, high)]
    sizes, fewest = frame["school"].value_counts(), limit(pupils.study_file.study.audience)
    if found.scope == "all" and not sum_is_safe([*sizes], fewest):  # a few pupils of one school would follow
        frame = frame[frame["school"].isin(sizes.index[sizes >= fewest])]
    return frame.reset_index(drop=True)


def _with_rate(frame: pd.DataFrame, name: str, sums: pd.DataFrame) -> pd.DataFrame:
    sums = sums[sums["possible"] >= FEWEST_SESSIONS_BANDED]
    rates = sums.assign(**{name: sums["absent"] / sums["possible"]})[["pupil", "school", name]]
    return frame.merge(rates, on=["pupil", "school"], how="left")
