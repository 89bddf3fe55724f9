"""Whether absence changed for pupils who were referred, beside pupils chosen by the same rule who were not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from attendlib.disclosure import limit, withheld
from attendlib.facts.definitions import DAYS_A_YEAR, FEWEST_SESSIONS_ANNUALISED, FEWEST_SESSIONS_BANDED, SESSIONS_A_DAY
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import (
    Kept,
    answered,
    independent,
    indicators,
    keep,
    rescaled,
    row_of,
    start,
    unanswered,
    word_row,
)
from attendlib.questions.verdict import Design, Judged, decide
from attendlib.questions.windows import Windows, choose_windows, words
from attendlib.records.answer import Answer, Check, Row, Scope
from attendlib.records.study import ALL, Eligible, Span
from attendlib.stats.chances import smallest_permutation_p
from attendlib.stats.fit import contrast
from attendlib.stats.ols import ols
from attendlib.stats.power import minimum_detectable
from attendlib.stats.rates import absence_rate_model
from attendlib.stats.shares import mean_interval, wilson
from attendlib.stats.spline import basis, natural_spline

QUESTION = "intervention_impact"
REFERRED = ("referred", "started", "finished", "left")  # whoever was referred counts, whatever they took up (ITT)
NOT_ANNUALISED = (
    f"the outcome covers fewer than {FEWEST_SESSIONS_ANNUALISED} possible sessions, too few to speak of a year"
)


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Pupils analysed, one row each: `treated` 0 or 1, absence rates (0 to 1) in the three windows, the steps."""

    frame: pd.DataFrame
    kept: Kept
    scope: Scope
    has_baseline: bool


def intervention_impact(
    pupils: Pupils,
    *,
    intervention: str,
    smallest_worthwhile_days: float,
    certainty_pct: int = 75,
    comparison: str = "same_school",
    eligible: Mapping[str, object] | None = None,
    baseline: Mapping[str, object] | None = None,
    outcome: Mapping[str, object] | None = None,
    academic_year: str | None = None,
) -> Answer:
    """The difference in absence after `intervention`, in days (fewer days absent is positive), and what may be said.

    Rows: `days_fewer` a year and `days_fewer_in_window` and `points_fewer`, each raw, adjusted (main) and check;
    `rate_ratio`; `chance` of worse, none and better before and after the data; `improved` for both groups; the
    smallest difference such a study finds (`detectable_days`); the verdict. Referred pupils count whether or not
    they took part. Without randomisation the verdict reads "if the groups were otherwise alike".
    """
    study = pupils.study_file.study
    year = academic_year or study.academic_year
    scope: Scope = "all" if pupils.school == ALL else "school"
    context = {"school_name": pupils.school_name, "intervention": intervention.replace("_", " "), "academic_year": year}
    context |= {"delta_days": f"{smallest_worthwhile_days:g}", "certainty_pct": f"{certainty_pct}"}
    listed = frames.interventions(pupils, intervention)
    listed = listed if scope == "all" else listed[listed["school"] == pupils.school]
    if _referred(listed).empty:
        reason = f"no pupil was referred to {context['intervention']} here"
        return unanswered(QUESTION, scope, "not_applicable", study.audience, [reason], context=context)
    rule = None if eligible is None else Eligible.model_validate(dict(eligible))
    windows = _windows(pupils, _referred(listed), year, rule, baseline, outcome)
    context |= {name: words(getattr(windows, name)) for name in ("window", "baseline", "outcome")}
    context["rule"] = f"absence of {rule.absence_pct_at_least:g}% or more" if rule else ""
    compared = _compared(pupils, listed, year, windows, rule, scope, comparison, limit(study.audience))
    sides = [int((compared.frame["treated"] == side).sum()) for side in (1, 0)]
    if min(sides) < limit(study.audience):
        who = "referred pupils" if sides[0] < sides[1] else "pupils to compare them with"
        reason = f"fewer than {limit(study.audience)} {who} could be analysed"
        return unanswered(
            QUESTION, scope, "too_few", study.audience, [reason], steps=compared.kept.steps, context=context
        )
    return _answer(compared, windows, sides, smallest_worthwhile_days, certainty_pct, study.audience, context)


def _referred(listed: pd.DataFrame) -> pd.DataFrame:
    return listed[listed["status"].isin(REFERRED) | listed["start_date"].notna()]


def _windows(
    pupils: Pupils,
    referred: pd.DataFrame,
    year: str,
    rule: Eligible | None,
    baseline: Mapping[str, object] | None,
    outcome: Mapping[str, object] | None,
) -> Windows:
    first = pd.to_datetime(referred["start_date"]).min()
    return choose_windows(
        first.date(),
        year,
        rule.window if rule else None,
        None if baseline is None else Span.model_validate(dict(baseline)),
        None if outcome is None else Span.model_validate(dict(outcome)),
        yearly=frames.grains(pupils, year) == {"year"},
    )


def _compared(
    pupils: Pupils,
    listed: pd.DataFrame,
    year: str,
    windows: Windows,
    rule: Eligible | None,
    scope: Scope,
    comparison: str,
    fewest: int,
) -> Compared:
    """Referred pupils and those of the same school and year group chosen by the same rule, losses counted."""
    pool = _pool(pupils, listed, year, comparison)
    kept = start(pool, "pupils in the year groups of those referred")
    kept = Kept(_with_sessions(pupils, kept.frame, windows), kept.steps)
    kept = _enough(kept, "window", "when pupils were chosen")
    if rule:
        chosen = 100 * kept.frame["absent_window"] >= rule.absence_pct_at_least * kept.frame["possible_window"]
        kept = keep(kept, chosen, f"absence under {rule.absence_pct_at_least:g}% when pupils were chosen")
    kept = _enough(kept, "outcome", "after the start")
    has_baseline = bool((kept.frame["possible_baseline"].fillna(0) >= FEWEST_SESSIONS_BANDED).sum() >= 2)
    if has_baseline:
        kept = _enough(kept, "baseline", "in the earlier baseline")
    kept = _overlapping(Kept(_with_rates(kept.frame), kept.steps))
    if scope == "all":
        kept = keep(kept, _both_sides(kept.frame), "schools where all or none were referred")
        kept = keep(kept, _safe_rest(kept.frame, fewest), "schools whose few pupils subtraction would give away")
    return Compared(kept.frame, kept, scope, has_baseline)


def _pool(pupils: Pupils, listed: pd.DataFrame, year: str, comparison: str) -> pd.DataFrame:
    """One row per enrolled pupil of the schools and year groups of those referred; `treated` 1 for the referred."""
    enrolled = frames.enrolments(pupils, year)
    enrolled = enrolled[enrolled["in_study"]]
    treated = _referred(listed)[["pupil", "school"]].drop_duplicates().assign(treated=1.0)
    enrolled = enrolled.merge(treated, on=["pupil", "school"], how="left").fillna({"treated": 0.0})
    cells = enrolled.loc[enrolled["treated"] == 1, ["school", "year_group"]].drop_duplicates()
    if comparison == "same_school":
        return enrolled.merge(cells, on=["school", "year_group"])
    elsewhere = ~enrolled["school"].isin(cells["school"]) & enrolled["year_group"].isin(cells["year_group"])
    return enrolled[(enrolled["treated"] == 1) | elsewhere]


def _with_sessions(pupils: Pupils, frame: pd.DataFrame, windows: Windows) -> pd.DataFrame:
    """Sessions possible and absent in each window; before the start they may have been at another school."""
    for name in ("window", "baseline", "outcome"):
        dates: Span = getattr(windows, name)
        sessions = frames.absence_in_span(pupils, dates.from_date, dates.to_date)
        keys = ["pupil", "school"] if name == "outcome" else ["pupil"]
        sums = sessions.groupby(keys, as_index=False)[["possible", "absent"]].sum()
        frame = frame.merge(
            sums.rename(columns={c: f"{c}_{name}" for c in ("possible", "absent")}), on=keys, how="left"
        )
    return frame


def _enough(kept: Kept, name: str, when: str) -> Kept:
    enough = kept.frame[f"possible_{name}"].fillna(0) >= FEWEST_SESSIONS_BANDED
    return keep(kept, enough, f"fewer than {FEWEST_SESSIONS_BANDED} possible sessions {when}")


def _with_rates(frame: pd.DataFrame) -> pd.DataFrame:
    rates = {name: frame[f"absent_{name}"] / frame[f"possible_{name}"] for name in ("window", "baseline", "outcome")}
    return frame.assign(**{name: rate.astype(float) for name, rate in rates.items()})


def _overlapping(kept: Kept) -> Kept:
    """Compared pupils outside the range of the referred pupils' absence when chosen tell nothing about them."""
    treated = kept.frame.loc[kept.frame["treated"] == 1, "window"]
    if treated.empty:
        return kept
    inside = kept.frame["window"].between(treated.min(), treated.max())
    return keep(kept, inside, "absence when chosen outside the range of those referred")


def _both_sides(frame: pd.DataFrame) -> pd.Series:
    return frame.groupby("school")["treated"].transform("nunique") == 2


def _safe_rest(frame: pd.DataFrame, fewest: int) -> pd.Series:
    """Every pupil, unless the schools too small for a page of figures are together too small as well: then not them."""
    sides = frame.groupby("school")["treated"].agg(["sum", "size"])
    small = sides.index[(sides["sum"] < fewest) | (sides["size"] - sides["sum"] < fewest)]
    rest = sides.loc[small]
    few = min(rest["sum"].sum(), (rest["size"] - rest["sum"]).sum()) < fewest
    return ~frame["school"].isin(small) if few else frame["school"].notna()


def _answer(
    compared: Compared,
    windows: Windows,
    sides: Sequence[int],
    delta: float,
    certainty_pct: int,
    audience: str,
    context: dict[str, str],
) -> Answer:
    frame, scope = compared.frame, compared.scope
    sessions = float(frame["possible_outcome"].mean())
    annual = sessions >= FEWEST_SESSIONS_ANNUALISED
    context["window_days"] = f"{sessions / SESSIONS_A_DAY:.0f}"
    points = _point_rows(compared)
    rows = [row for point in points for row in _in_days(point, sessions, annual)]
    by_model = {row.model: row for row in rows if row.estimate == "days_fewer"}
    checks = _checks(compared, windows, sides, annual)
    judged = Judged.of(by_model.get("adjusted"), by_model.get("check"), delta)
    verdict, reasons = decide(judged, Design(checks, compared.has_baseline), certainty_pct / 100)
    rows += [
        *_level_rows(frame, scope),
        *_improved_rows(frame, scope, limit(audience)),
        *judged.rows(scope, len(frame)),
    ]
    rows += [*_detectable(by_model.get("adjusted")), *_ratio_row(compared)]
    period = context["outcome"]
    rows = [replace(row, outcome="absence", period=row.period or period) for row in rows]
    rows.append(word_row("verdict", scope, verdict, len(frame), outcome="absence", period=period))
    return answered(
        QUESTION, scope, audience, rows, compared.kept.steps,
        verdict=verdict, reasons=tuple(reasons), checks=tuple(checks), context=context,
    )  # fmt: skip


def _design(compared: Compared, model: str) -> pd.DataFrame:
    """Columns of a model: `treated`, the school, and for the adjusted one splines of both earlier absence rates."""
    frame = compared.frame
    parts = [frame[["treated"]], pd.Series(1.0, frame.index, name="constant"), indicators(frame, ["school"])]
    if model == "adjusted":
        earlier = ("window", "baseline") if compared.has_baseline else ("window",)
        parts += [basis(natural_spline(frame[name], name=name), frame[name]) for name in earlier]
        parts.append(indicators(frame, ["year_group"]))
    return independent(pd.concat(parts, axis=1))


def _point_rows(compared: Compared) -> list[Row]:
    """Fewer percentage points absent among the referred: raw, adjusted (main), and the change check."""
    frame, scope = compared.frame, compared.scope
    cluster = frame["school"].to_numpy() if scope == "all" else None
    kind = "HC2" if cluster is None else "clustered by school, CR2"
    models = {"raw": frame["outcome"], "adjusted": frame["outcome"]}
    if compared.has_baseline:
        models["check"] = frame["outcome"] - frame["baseline"]
    rows = []
    for model, y in models.items():
        fit = ols(100 * y, _design(compared, model), cluster=cluster)
        found = contrast(fit, {"treated": -1.0})
        rows.append(row_of(found, "points_fewer", scope, model=model, unit="percentage points", method=f"OLS, {kind}"))
    return rows


def _in_days(points: Row, sessions: float, annual: bool) -> tuple[Row, ...]:
    """The same difference in days of the measured window, and of a year where the window is long enough."""
    window = rescaled(points, sessions / SESSIONS_A_DAY / 100, "days_fewer_in_window", "days in the window")
    year = rescaled(points, DAYS_A_YEAR / 100, "days_fewer", "days a year")
    return (window, year, points) if annual else (window, points)


def _checks(compared: Compared, windows: Windows, sides: Sequence[int], annual: bool) -> list[Check]:
    """The tests of the design that a verdict needs, each in plain words."""
    least_p = smallest_permutation_p(*sides)
    far = compared.has_baseline and windows.baseline_is_far_enough()
    return [
        Check(
            "An earlier baseline",
            compared.has_baseline,
            "Attendance from before pupils were chosen is held."
            if compared.has_baseline
            else "No attendance is held from before the time when pupils were chosen, so what would have happened"
            " anyway cannot be judged.",
        ),
        Check(
            "A baseline far enough back",
            far,
            "The baseline is at least as far from the time of choosing as the outcome is."
            if far
            else "The baseline is missing, or closer to the time of choosing than the outcome is: a passing bad spell"
            " would look like a change.",
        ),
        Check(
            "Enough possible sessions",
            annual,
            f"The outcome covers at least {FEWEST_SESSIONS_ANNUALISED} possible sessions."
            if annual
            else NOT_ANNUALISED,
        ),
        Check(
            "Enough pupils on both sides",
            least_p <= 0.05,
            f"{sides[0]} referred pupils and {sides[1]} compared: shuffling them could show a difference beyond chance."
            if least_p <= 0.05
            else "With so few pupils no shuffling of them could show a difference beyond chance.",
        ),
    ]


def _level_rows(frame: pd.DataFrame, scope: Scope) -> list[Row]:
    """Mean absence of both groups in each window: what the eye should see before any model."""
    rows = []
    for side, part in _sides(frame):
        for name in ("baseline", "window", "outcome"):
            values = 100 * part[name].dropna()
            if len(values) >= 2:
                found = mean_interval(values)
                rows.append(
                    row_of(found, f"absence_{name}", scope, group=side, unit="percent", method="mean, t interval")
                )
    return rows


def _improved_rows(frame: pd.DataFrame, scope: Scope, fewest: int) -> list[Row]:
    """How many missed less after the start than when chosen: shown for both groups or withheld for both."""
    rows = []
    for side, part in _sides(frame):
        found = wilson(int((part["outcome"] < part["window"]).sum()), len(part))
        figures = {"value": 100 * found.share, "low": 100 * found.low, "high": 100 * found.high}
        counts = {"n": found.n, "numerator": found.numerator, "confidence_pct": 95.0}
        rows.append(
            Row("improved", scope, group=side, unit="percent", method="share, Wilson interval", **figures, **counts)  # type: ignore[arg-type]
        )
    small = any(row.n is not None and min(row.numerator or 0, row.n - (row.numerator or 0)) < fewest for row in rows)
    return [withheld(row) for row in rows] if small else rows


def _sides(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(f"referred={side}", frame[frame["treated"] == side]) for side in (1, 0)]


def _detectable(main: Row | None) -> list[Row]:
    """The true difference a study like this one finds in four cases of five."""
    if main is None or not main.se or main.df is None:
        return []
    value = minimum_detectable(main.se, main.df)
    return [replace(main, estimate="detectable_days", model="", value=value, low=None, high=None, se=None, p=None,
                    method="80% power, two-sided 5%")]  # fmt: skip


def _ratio_row(compared: Compared) -> list[Row]:
    """The pooled sessions' rate ratio of the referred to the compared, by quasi-Poisson."""
    frame = compared.frame
    cluster = frame["school"].to_numpy() if compared.scope == "all" else None
    found = absence_rate_model(
        frame["absent_outcome"].astype(float),
        frame["possible_outcome"].astype(float),
        _design(compared, "adjusted"),
        cluster,
    ).rate_ratio
    value, low, high, df = (float(found[column].loc["treated"]) for column in ("ratio", "low", "high", "df"))
    if not np.isfinite([value, low, high, df]).all():
        return []
    row = Row("rate_ratio", compared.scope, model="adjusted", unit="ratio", method="quasi-Poisson", n=len(frame))
    return [replace(row, value=value, low=low, high=high, df=df, confidence_pct=95.0)]
