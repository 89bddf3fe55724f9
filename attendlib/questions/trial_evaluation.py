"""What a randomised trial found: everyone in the arm they were drawn into, by the model its design asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from attendlib.disclosure import limit
from attendlib.errors import QuestionError
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import answered, unanswered, word_row
from attendlib.questions.kept import protocol_check
from attendlib.questions.trial import around, effects, extras, missing, rating
from attendlib.questions.trial.sample import ABSENCE, Plan, Sample, counts_by_arm, read_sample
from attendlib.questions.trial.secondary import secondary_rows
from attendlib.questions.verdict import CLEAR_BENEFIT, Design, Judged, clearly, decide
from attendlib.records.answer import Answer, Check, Row, Scope, Step
from attendlib.records.study import ALL, Assumed

QUESTION = "trial_evaluation"
SCOPE: Scope = "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the study fixed before outcomes were read, and how the page is made."""

    smallest_worthwhile_days: float | None
    certainty_pct: int
    assumed: Assumed | None
    cost_per_pupil: float | None
    secondary: tuple[str, ...]
    draws: int
    seed: int
    audience: str


def trial_evaluation(
    pupils: Pupils,
    *,
    trial: str,
    design: str,
    control: str,
    outcome: str,
    baseline: str | None = None,
    strata: Sequence[str] = (),
    subgroups: Sequence[str] = (),
    secondary: Sequence[str] = (),
    compliance: str | None = None,
    academic_years: Sequence[str] = (),
    baseline_year: str | None = None,
    smallest_worthwhile_days: float | None = None,
    certainty_pct: int = 75,
    assumed: object = None,
    cost_per_pupil: float | None = None,
    draws: int = 1000,
) -> Answer:
    """Intention to treat, arm by arm against control: `itt` in the outcome's unit and `hedges_g`, and all around them.

    Each arm's rows have group `arm=NAME`. Attendance outcomes give days, points, the rate ratio and the share
    persistently absent, never months of progress. docs/results.md lists every estimate. A trial that cannot be
    analysed as its design says is "not applicable", with the reason.
    """
    study = pupils.study_file.study
    plan = Plan(
        trial, design, control, outcome, tuple(academic_years) or (study.academic_year,), baseline, baseline_year,
        tuple(strata), tuple(subgroups), compliance,
    )  # fmt: skip
    asked = Asked(
        smallest_worthwhile_days, certainty_pct, None if assumed is None else Assumed.model_validate(assumed),
        cost_per_pupil, tuple(secondary), draws, study.seed, study.audience,
    )  # fmt: skip
    context = _context(pupils, plan, asked)
    if pupils.school != ALL:
        reason = "a trial is about all its schools together"
        return unanswered(QUESTION, SCOPE, "not_applicable", study.audience, [reason], context=context)
    try:
        sample = read_sample(pupils, plan)
    except QuestionError as error:
        return unanswered(QUESTION, SCOPE, "not_applicable", study.audience, [str(error)], context=context)
    context |= {"arms": ",".join(sample.arms), "days_a_year": f"{sample.days_a_year:.0f}"}
    refused = _refused(sample, study.audience)
    if refused:
        return unanswered(QUESTION, SCOPE, "too_few", study.audience, refused, steps=_steps(sample), context=context)
    return _answer(pupils, sample, asked, context)


def _context(pupils: Pupils, plan: Plan, asked: Asked) -> dict[str, str]:
    days = asked.smallest_worthwhile_days
    return {
        "school_name": pupils.school_name,
        "trial": plan.trial,
        "design": plan.design,
        "control": plan.control,
        "outcome": plan.outcome,
        "baseline": plan.baseline or "",
        "period": " to ".join(dict.fromkeys((plan.years[0], plan.years[-1]))),
        "delta_days": "" if days is None else f"{days:g}",
        "certainty_pct": f"{asked.certainty_pct}",
    }


def _steps(sample: Sample) -> tuple[Step, ...]:
    """Everyone randomised, all arms together, and how many were lost at each step."""
    flows = [around.steps_of(sample, arm) for arm in (*sample.arms, sample.control)]
    return tuple(
        Step(same[0].reason, sum(s.lost or 0 for s in same), sum(s.left or 0 for s in same))
        for same in zip(*flows, strict=True)
    )


def _refused(sample: Sample, audience: str) -> list[str]:
    """Why this trial cannot be estimated at all; empty when it can."""
    analysed, fewest = sample.analysed(), limit(audience)
    counts = counts_by_arm(analysed, (*sample.arms, sample.control))
    few = [arm for arm, n in counts.items() if n < fewest]
    if few:
        return [
            f"fewer than {fewest} pupils of {' and '.join(few)} have an outcome"
            + " and a baseline" * bool(sample.plan.baseline)
        ]
    if analysed["y"].nunique() < 2:
        return ["the outcome is the same for every pupil"]
    if sample.plan.design != "cluster":
        return []
    drawn = analysed.groupby("arm")["cluster"].nunique()
    single = [arm for arm in (*sample.arms, sample.control) if drawn[arm] < 2]
    return [f"{' and '.join(single)} is one cluster: its own ways cannot be told from the arm's"] if single else []


def _answer(pupils: Pupils, sample: Sample, asked: Asked, context: dict[str, str]) -> Answer:
    shown = around.losses_may_be_shown(sample, asked.audience)
    rows = [*effects.level_rows(sample), *effects.icc_rows(sample), *around.balance_rows(sample, shown, asked.audience)]
    rows += around.attrition_rows(sample, asked.audience) if shown else []
    rows += around.flow_rows(sample, asked.audience)
    rows += missing.missing_rows(sample, shown, limit(asked.audience))
    verdicts: list[str] = []
    reasons: list[str] = []
    checks = [*around.allocation_checks(sample, _authorities(pupils), asked.seed), _kept(pupils)]
    for arm in sample.arms:
        try:
            found = _arm_rows(pupils, sample, arm, asked, rows)
        except ValueError as error:
            reasons.append(f"{arm} cannot be estimated: {error}")
            continue
        rows += found
        if asked.smallest_worthwhile_days is not None and sample.plan.is_absence:
            verdict, why, more = _verdict(found, arm, asked, checks)
            verdicts, reasons, rows = [*verdicts, verdict], [*reasons, *why], [*rows, *more]
    rows += secondary_rows(pupils, sample, asked.secondary, asked.audience)
    rows += rating.cost_rows(asked.cost_per_pupil, sample.analysed()["pupil"].nunique())
    rows = [
        replace(row, outcome=row.outcome or sample.plan.outcome, period=row.period or context["period"]) for row in rows
    ]
    return answered(
        QUESTION, SCOPE, asked.audience, rows, _steps(sample),
        lambda row: row.estimate.startswith("flow"), verdict=verdicts[0] if len(verdicts) == 1 else "",
        reasons=tuple(dict.fromkeys(reasons)), checks=tuple(checks), context=context,
    )  # fmt: skip


def _authorities(pupils: Pupils) -> dict[str, str]:
    """Each school's local authority, where the schools table has one."""
    schools = frames.schools(pupils)
    known = schools[schools["local_authority"].notna()] if "local_authority" in schools else schools.head(0)
    return dict(zip(known["school"], known.get("local_authority", ()), strict=True))


def _kept(pupils: Pupils) -> Check:
    """Whether the plan, and how the trial is drawn, are as frozen."""

    def outcome_from(keys: Mapping[str, object]) -> str | None:
        years = keys.get("academic_years") or [pupils.study_file.study.academic_year]
        began = str(years[0])[:4] if isinstance(years, Sequence) else ""
        return f"{began}-08-01" if keys.get("outcome") == ABSENCE else None

    return protocol_check(pupils, QUESTION, outcome_from)


def _arm_rows(pupils: Pupils, sample: Sample, arm: str, asked: Asked, before: Sequence[Row]) -> list[Row]:
    """Every row of one arm. ValueError, with the reason, where its model cannot be fitted."""
    primary, rows = effects.itt_rows(sample, arm)
    sizes = effects.effect_rows(sample, arm, primary)
    eef = next(row for row in sizes if row.model == effects.eef_sd(sample.plan) or len(sizes) == 1)
    frame = sample.of_arm(arm, sample.analysed())
    sd = effects.standard_deviations(frame, sample.plan)[eef.model][0]
    shown = around.losses_may_be_shown(sample, asked.audience)
    found = rating.mdes_rows(sample, arm, primary, sd, asked.assumed)
    reach = [row for row in found if shown or row.model != "randomisation"]
    rows += [*sizes, *rating.months_row(eef, sample.plan), *reach]
    rows += extras.subgroup_rows(sample, arm, limit(asked.audience))
    rows += extras.compliance_rows(pupils, sample, arm)
    rows += extras.resampled_rows(sample, arm, asked.seed, asked.draws)
    rows += missing.imputed_rows(sample, arm, asked.seed, shown)
    return [*rows, *rating.padlock_rows([*before, *rows], arm)]


def _verdict(rows: Sequence[Row], arm: str, asked: Asked, checks: Sequence[Check]) -> tuple[str, list[str], list[Row]]:
    """The rule of the impact verdict for a randomised trial: one estimator, its own chances."""
    assert asked.smallest_worthwhile_days is not None
    main = next(r for r in rows if (r.estimate, r.model, r.group) == ("days_fewer", "adjusted", f"arm={arm}"))
    judged = Judged.of(main, main, asked.smallest_worthwhile_days)
    failed = [check for check in checks if check.passed is False]
    verdict, why = decide(judged, Design(failed, True), asked.certainty_pct / 100)
    if clearly(judged, verdict):
        verdict = CLEAR_BENEFIT
    n = main.n or 0
    more = [replace(row, group=f"arm={arm}") for row in judged.rows(SCOPE, n) if row.model != "check"]
    return verdict, why, [*more, word_row("verdict", SCOPE, verdict, n, group=f"arm={arm}")]
