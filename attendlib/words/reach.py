"""What `attend power` prints: the smallest difference each question of a study could be expected to find."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from attendlib.errors import AttendError
from attendlib.intake.load import STUDY_VARIABLE, Pupils, load
from attendlib.intake.study import StudyFile, read_study
from attendlib.questions.intervention_impact import intervention_impact
from attendlib.questions.trial.planned import WORTHWHILE, Reach, reach_assumed, reach_of_data
from attendlib.questions.trial.sample import Plan, Sample, read_sample
from attendlib.records.study import ALL, InterventionImpact, TrialEvaluation
from attendlib.words.numbers import plain, rounded
from attendlib.words.trial_tables import arm_name

DONE, WRONG = 0, 2
NOTHING = "The study has neither `trial_evaluation` nor `intervention_impact`: there is no difference to detect."


def reach_lines(study_file: StudyFile) -> Iterator[str]:
    """A sentence for each thing that could be detected. What the protocol assumed comes before the data are read."""
    trial = study_file.notebooks.get("trial_evaluation")
    impact = study_file.notebooks.get("intervention_impact")
    if not isinstance(trial, TrialEvaluation) and not isinstance(impact, InterventionImpact):
        yield NOTHING
    if isinstance(trial, TrialEvaluation):
        yield from _trial(study_file, trial)
    if isinstance(impact, InterventionImpact):
        yield from _impact(load(ALL), impact)


def _trial(study_file: StudyFile, keys: TrialEvaluation) -> Iterator[str]:
    years = tuple(keys.academic_years) or (study_file.study.academic_year,)
    plan = Plan(keys.trial, keys.design, keys.control, keys.outcome, years, keys.baseline, keys.baseline_year,
                tuple(keys.strata), (), None)  # fmt: skip
    if keys.assumed is not None:
        yield said(reach_assumed(plan, keys.assumed))
    sample = read_sample(load(ALL), plan)
    for arm in sample.arms:
        yield said(reach_of_data(sample, arm), sample)


def said(reach: Reach, sample: Sample | None = None) -> str:
    """'calls, by those allocated …: 0.24 standard deviations can be detected …'"""
    clusters = "" if reach.clusters is None else f" in {reach.clusters:,} clusters or schools"
    unit = ""
    if reach.in_unit is not None and sample is not None and sample.plan.is_absence:
        unit = f", {plain(reach.in_unit * sample.days_a_year / 100)} days a year"
    elif reach.in_unit is not None:
        unit = f", {plain(reach.in_unit)} points"
    found = f"{rounded(reach.detectable, 2)} standard deviations{unit}"
    return (
        f"{arm_name(reach.arm)}, {reach.basis} ({reach.pupils:,} pupils{clusters}): {found} can be detected with 80%"
        f" power at 5% two-sided; power at {WORTHWHILE} is {rounded(100 * reach.power)}%."
    )


def _impact(pupils: Pupils, keys: InterventionImpact) -> Iterator[str]:
    """The days the study's own interval finds in four studies of five, all schools together; nothing of its finding."""
    answer = intervention_impact(pupils, **keys.model_dump(mode="json", by_alias=True))
    row = answer.row("detectable_days")
    if row is None or row.value is None:
        reasons = "; ".join(answer.reasons) or answer.status
        yield f"{keys.intervention}: what could be detected cannot be said ({reasons})."
    else:
        yield f"{keys.intervention}: {plain(row.value)} days a year can be detected ({row.method}; {row.n:,} pupils)."


def main(path: str) -> int:
    """Prints the lines; 2 and the reasons where study or data are wrong."""
    os.environ[STUDY_VARIABLE] = path
    try:
        for line in reach_lines(read_study(Path(path))):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    except AttendError as error:
        sys.stdout.flush()
        sys.stderr.write(f"{error}\n")
        return WRONG
    return DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
