"""How sure an answer is, in general words: what its intervals mean, and which of its checks hold."""

from attendlib.records.answer import Answer
from attendlib.words.numbers import listed


def how_sure(answer: Answer) -> tuple[str, ...]:
    """What may be said of any answer's sureness from its rows and checks alone."""
    return (*_intervals(answer), *_checks(answer))


def _intervals(answer: Answer) -> tuple[str, ...]:
    if not any(row.low is not None and row.high is not None for row in answer.rows):
        return ()
    return (
        "Each interval is the range of true figures that these pupils fit well. It is wide where pupils are few or"
        " differ much. It does not cover mistakes in the records.",
    )


def _checks(answer: Answer) -> tuple[str, ...]:
    tested = [check for check in answer.checks if check.passed is not None]
    if not tested:
        return ()
    failed = [check.name[:1].lower() + check.name[1:] for check in tested if not check.passed]
    if not failed:
        return (f"All {len(tested)} checks of the comparison hold.",)
    return (f"{len(tested) - len(failed)} of {len(tested)} checks of the comparison hold. Not: {listed(failed)}.",)
