"""The impact verdict: from two estimates, their chances and the design's checks to one of five sentences (DESIGN 6)."""

from collections.abc import Sequence
from dataclasses import dataclass

from attendlib.records.answer import Check, Row, Scope
from attendlib.stats.chances import Chances, chances
from attendlib.stats.fit import LEAST_DF

CANNOT_TELL = "Cannot tell"
HELPED = "Probably helped"
NO_DIFFERENCE = "Probably no useful difference"
HARM = "May have done harm"
CLEAR, CLEAR_BENEFIT = 0.95, "Clear benefit"
BEFORE_DATA = Chances(worse=0.25, none=0.50, better=0.25)


@dataclass(frozen=True, slots=True)
class Design:
    """What was checked about the comparison, whether an earlier baseline is held, and what chance is counted over."""

    checks: Sequence[Check]
    has_baseline: bool
    unit: str = "groups"


@dataclass(frozen=True, slots=True)
class Judged:
    """The main and the check estimate (days a year, better positive) with the chances each leaves."""

    main: Row | None
    main_chances: Chances | None
    check_chances: Chances | None

    @classmethod
    def of(cls, main: Row | None, check: Row | None, delta: float) -> "Judged":
        """Chances after the data for a smallest worthwhile difference of `delta` days a year."""
        return cls(main, _chances(main, delta), _chances(check, delta))

    def rows(self, scope: Scope, n: int) -> list[Row]:
        """The three chances before and after the data, in percent: rows of results like any other."""
        named = {"before": BEFORE_DATA, "adjusted": self.main_chances, "check": self.check_chances}
        return [
            Row(f"chance_{name}", scope, model=model, value=100 * getattr(found, name), unit="percent chance", n=n,
                method="normal prior, t likelihood")
            for model, found in named.items()
            if found is not None
            for name in ("worse", "none", "better")
        ]  # fmt: skip


def decide(judged: Judged, design: Design, certainty: float) -> tuple[str, list[str]]:
    """The verdict and, where it is 'Cannot tell', why. `certainty` is from 0.70 to 0.90; both estimates must agree."""
    failed = [check.text for check in design.checks if check.passed is False]
    if failed:
        return CANNOT_TELL, failed
    if judged.main is None or judged.main_chances is None or judged.check_chances is None:
        return CANNOT_TELL, ["the difference has no usable interval"]
    assert judged.main.df is not None
    if judged.main.df < LEAST_DF:
        return CANNOT_TELL, [f"the comparison rests on too few {design.unit}"]
    both = (judged.main_chances, judged.check_chances)
    return _by_chances(judged.main, both, certainty)


def df_checks(main: Row | None, unit: str) -> list[Check]:
    """For the table of checks, where the interval's degrees of freedom are too few for a verdict."""
    if main is None or main.df is None or main.df >= LEAST_DF:
        return []
    text = f"With so few {unit} the interval has {main.df:.1f} degrees of freedom; a verdict needs {LEAST_DF:g}."
    return [Check(f"Enough {unit} for a verdict", False, text)]


def _by_chances(main: Row, both: tuple[Chances, Chances], certainty: float) -> tuple[str, list[str]]:
    assert main.low is not None
    assert main.high is not None
    if min(found.better for found in both) >= certainty and main.low > 0:
        return HELPED, []
    if min(found.none for found in both) >= certainty:
        return NO_DIFFERENCE, []
    if min(found.worse for found in both) >= certainty and main.high < 0:
        return HARM, []
    ways = "" if both[0] == both[1] else " by both ways of comparing"
    return CANNOT_TELL, [f"no outcome reaches {100 * certainty:.0f} chances in 100{ways}"]


def clearly(judged: Judged, verdict: str) -> bool:
    """Whether "Probably helped" is a clear benefit: only lots or a kept cut-off may say so (DESIGN 6)."""
    return verdict == HELPED and judged.main_chances is not None and judged.main_chances.better >= CLEAR


def _chances(row: Row | None, delta: float) -> Chances | None:
    if row is None or row.value is None or not row.se or not row.df:
        return None
    return chances(row.value, row.se, row.df, delta)
