"""Further outcomes named beforehand: the primary model on each, and p-values that allow for how many there are."""

from collections.abc import Sequence
from dataclasses import replace

from attendlib.disclosure import limit
from attendlib.errors import QuestionError
from attendlib.intake.load import Pupils
from attendlib.questions.common import rescaled, row_of
from attendlib.questions.trial.effects import SCOPE, eef_sd, standard_deviations, unit_of
from attendlib.questions.trial.primary import itt
from attendlib.questions.trial.rating import months_row
from attendlib.questions.trial.sample import Sample, read_sample
from attendlib.records.answer import NOT_AVAILABLE, WITHHELD, Row
from attendlib.stats.several import holm

Counted = dict[str, set[str]]  # the pupils analysed in each arm


def secondary_rows(pupils: Pupils, sample: Sample, outcomes: Sequence[str], audience: str) -> list[Row]:
    """`secondary` in each outcome's unit, `secondary_g` (the EEF's effect size), for attainment `secondary_months`, and
    over all of them `secondary_p`.

    Everything but the outcome is the primary model's, its baseline too. Withheld where the pupils with this outcome
    and those with another shown differ by a few: two counts would give them away.
    """
    fewest, rows = limit(audience), []
    shown = [{arm: _pupils(sample, arm) for arm in _arms(sample)}, _analysed(sample)]
    for outcome in outcomes:
        try:
            other = read_sample(pupils, replace(sample.plan, outcome=outcome))
        except QuestionError as error:
            rows += [_none(outcome, arm, NOT_AVAILABLE, str(error)) for arm in sample.arms]
            continue
        counted = _analysed(other)
        if not all(_apart(counted, before, fewest) for before in shown):
            why = "a few pupils more or fewer than have another outcome"
            rows += [_none(outcome, arm, WITHHELD, why) for arm in other.arms]
            continue
        shown.append(counted)
        rows += [row for arm in other.arms for row in _of_arm(other, arm, fewest)]
    return [*rows, *_allowing(rows)]


def _arms(sample: Sample) -> tuple[str, ...]:
    return (*sample.arms, sample.control)


def _pupils(sample: Sample, arm: str) -> set[str]:
    return set(sample.frame.loc[sample.frame["arm"] == arm, "pupil"])


def _analysed(sample: Sample) -> Counted:
    rows = sample.analysed()
    return {arm: set(rows.loc[rows["arm"] == arm, "pupil"]) for arm in _arms(sample)}


def _apart(one: Counted, two: Counted, fewest: int) -> bool:
    """Whether no arm's pupils of one and not the other are a few."""
    gaps = [len(first[arm] - second[arm]) for first, second in ((one, two), (two, one)) for arm in one]
    return not any(0 < gap < fewest for gap in gaps)


def _of_arm(sample: Sample, arm: str, fewest: int) -> list[Row]:
    outcome = sample.plan.outcome
    frame = sample.of_arm(arm, sample.analysed())
    if frame.groupby("treated")["pupil"].nunique().reindex([0.0, 1.0], fill_value=0).min() < fewest:
        return [_none(outcome, arm, WITHHELD, f"fewer than {fewest} pupils of an arm have it")]
    try:
        found = itt(frame, sample.plan)
        sd, j = standard_deviations(frame, sample.plan)[eef_sd(sample.plan)]
    except (ValueError, KeyError) as error:
        return [_none(outcome, arm, NOT_AVAILABLE, f"it cannot be estimated: {error}")]
    row = row_of(found.found, "secondary", SCOPE, outcome=outcome, group=f"arm={arm}", model="adjusted",
                 unit=unit_of(sample.plan), method=found.method)  # fmt: skip
    size = rescaled(row, j / sd, "secondary_g", "standard deviations")
    months = [replace(one, estimate="secondary_months") for one in months_row(size, sample.plan)]
    months = [replace(one, outcome=outcome, model="adjusted") for one in months]
    return [row, replace(size, model=eef_sd(sample.plan), method="the EEF effect size"), *months]


def _none(outcome: str, arm: str, mark: str, why: str) -> Row:
    return Row("secondary", SCOPE, outcome=outcome, group=f"arm={arm}", model="adjusted", withheld=mark, method=why)


def _allowing(rows: Sequence[Row]) -> list[Row]:
    tested = [row for row in rows if row.estimate == "secondary" and row.p is not None]
    return [
        Row("secondary_p", SCOPE, outcome=row.outcome, group=row.group, model="holm", value=float(p), unit="p", n=row.n,
            n_groups=row.n_groups, method=f"Holm, {len(tested)} tests")
        for row, p in zip(tested, holm([row.p or 0.0 for row in tested]), strict=True)
    ]  # fmt: skip
