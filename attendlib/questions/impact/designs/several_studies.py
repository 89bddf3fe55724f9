"""Several studies of the same: each one's published difference, put together whatever it found (random effects)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from attendlib.disclosure import limit
from attendlib.errors import Problem, StudyError
from attendlib.intake.earlier import Earlier, earlier_studies
from attendlib.intake.load import Pupils
from attendlib.intake.protocol import plan_of, read_protocol, studies_of
from attendlib.questions.common import word_row
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.evidence import Evidence
from attendlib.questions.impact.pooled import (
    FEWEST,
    Unit,
    agreement,
    choice_rows,
    kept,
    mean_row,
    pooled,
    sound_row,
    spread_rows,
)
from attendlib.records.answer import WITHHELD, Check, Row, Scope
from attendlib.stats.fit import LEAST_DF, Estimate

MAIN, CHECK = "pooled_main", "pooled_check"
STUDIES = Unit("study", "days a year")


def several_studies(pupils: Pupils, asked: Asked, scope: Scope) -> Evidence:
    """The mean of earlier studies' main differences, and of their checks; each as it was published.

    Nothing is read of this study's own pupils. Raises Refused for a school's page and where fewer than two studies have
    a figure that may be shown; StudyError for files that cannot be used or are of another intervention.
    """
    if scope != "all":
        raise Refused("not_applicable", "several studies are put together on the page of all schools")
    published = earlier_studies(pupils.study_file)
    _of_one_intervention(published, asked)
    every = [_large_enough(each, pupils.study_file.study.audience) for each in published]
    counted = {each.study: each for each in every if each.main is not None}
    if len(counted) < FEWEST:
        some = f"{len(counted)} of {len(every)} studies published a figure that may stand here"
        raise Refused("too_few", f"{some}, and several are two or more")
    main, check = _differences(counted, "main"), _differences(counted, "check")
    n = sum(each.main.n or 0 for each in counted.values() if each.main)
    failed = [name for name, each in counted.items() if each.failed]
    means = [mean_row(pooled(own), "days_fewer", name, n, STUDIES.unit) for name, own in ((MAIN, main), (CHECK, check))]
    rows = [
        *means, *_own_rows(every), *spread_rows(main, n, STUDIES, MAIN), *choice_rows(main, n, STUDIES),
        *sound_row(main, failed, n, STUDIES),
    ]  # fmt: skip
    checks = [
        kept(failed, len(counted), STUDIES), _own_errors(counted), _counted(every, counted),
        _worthwhile(counted, asked), agreement(main, STUDIES),
    ]  # fmt: skip
    context = _context(every, counted) | _named_otherwise(pupils)
    return Evidence(rows, checks, means[0], means[1], (), scope, n, context, unit="studies", vetoes=True)


def _large_enough(each: Earlier, audience: str) -> Earlier:
    """The study, without its figures where it has too few pupils: a mean they are in would give them away.

    A file does not say for whom it was made. One for anyone has twice the limit, as each side has its own; one for
    staff may have fewer, and is not passed on to others.
    """
    fewest = 2 * limit(audience) if audience == "shareable" else limit(audience)
    if all((row.n or 0) >= fewest for row in (each.main, each.check) if row):
        return each
    return replace(each, main=None, check=None, withheld=WITHHELD)


def _of_one_intervention(every: Sequence[Earlier], asked: Asked) -> None:
    """Refuses studies of something else."""
    others = [each for each in every if each.intervention not in ("", asked.name)]
    if others:
        remedy = f"Take it out, or have the study name it `{asked.intervention}` if it is the same."
        raise StudyError(
            [Problem(each.study, f"it is about {each.intervention}, not {asked.name}", remedy) for each in others]
        )


def _differences(counted: Mapping[str, Earlier], which: str) -> dict[str, Estimate]:
    """Each study's own difference (days a year); its main one where a study decides by that alone."""
    rows = {name: (each.check if which == "check" else None) or each.main for name, each in counted.items()}
    return {
        name: Estimate(row.value, row.se, float("inf"), float("nan"), row.low, row.high, row.n or 0, row.n_groups)
        for name, row in rows.items()
        if row is not None and row.value is not None and row.se and row.low is not None and row.high is not None
    }


def _own_rows(every: Sequence[Earlier]) -> list[Row]:
    """Each study's main difference and verdict; without a figure where it published none."""
    rows = []
    for each in every:
        blank = Row("study_difference", "all", model="main", unit=STUDIES.unit, withheld=each.withheld)
        rows.append(replace(each.main or blank, estimate="study_difference", model="main", group=f"study={each.study}"))
        if each.main is not None:
            n = each.main.n or 0
            rows.append(word_row("study_verdict", "all", each.verdict, n, group=f"study={each.study}"))
    return rows


def _own_errors(counted: Mapping[str, Earlier]) -> Check:
    """Whether each study's standard error, taken as known here, rests on enough groups to be known at all."""
    name = "Every study's own standard error"
    few = [study for study, each in counted.items() if _least_df(each) < LEAST_DF]
    if not few:
        return Check(name, True, f"Each rests on {LEAST_DF:g} degrees of freedom or more.")
    rest = f"{len(few)} of {len(counted)} studies {'rests' if len(few) == 1 else 'rest'} on fewer than {LEAST_DF:g}"
    some = f"{rest} degrees of freedom ({', '.join(few)})"
    return Check(name, False, f"{some}: how sure such a figure is nobody knows, and so not how much it should count.")


def _least_df(study: Earlier) -> float:
    """The fewer degrees of freedom of its main and check difference; one published without them has none."""
    return min(row.df or 0.0 for row in (study.main, study.check) if row is not None)


def _counted(every: Sequence[Earlier], counted: Mapping[str, Earlier]) -> Check:
    """Which studies are in the mean, for information."""
    missing = [each.study for each in every if each.study not in counted]
    if not missing:
        return Check("Studies without a figure", None, f"All {len(every)} studies named have one.")
    text = f"{len(missing)} of {len(every)} have none for all schools that may stand here and are not in the mean"
    return Check("Studies without a figure", None, f"{text}: {', '.join(missing)}.")


def _worthwhile(counted: Mapping[str, Earlier], asked: Asked) -> Check:
    """Whether the studies asked for the same days, for information: the verdict here is by this study's own."""
    known = sorted({each.delta for each in counted.values() if each.delta is not None})
    said = " or ".join(f"{delta:g}" for delta in known)
    text = f"The studies named {said} days a year as worth having, this page {asked.delta:g}."
    return Check("Smallest worthwhile difference", None, text)


def _context(every: Sequence[Earlier], counted: Mapping[str, Earlier]) -> dict[str, str]:
    return {
        "outcome": "each study's own dates",
        "studies": str(len(counted)),
        "studies_without": str(len(every) - len(counted)),
        **{f"verdict_{each.study}": each.verdict for each in counted.values()},
    }


def _named_otherwise(pupils: Pupils) -> dict[str, str]:
    """How many studies a frozen plan named, where those are not the studies put together now."""
    frozen = read_protocol(pupils.study_file)
    if frozen is None:
        return {}
    named, now = studies_of(frozen.plan), studies_of(plan_of(pupils.study_file))
    return {} if named.keys() == now.keys() else {"studies_frozen": str(len(named))}
