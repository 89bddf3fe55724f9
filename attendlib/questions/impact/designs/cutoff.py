"""Pupils just above and just below a line that decided who was referred (regression discontinuity)."""

from dataclasses import dataclass, replace

from attendlib.disclosure import limit, withheld
from attendlib.facts.definitions import FEWEST_SESSIONS_ANNUALISED, SESSIONS_A_DAY
from attendlib.intake import frames
from attendlib.intake.load import Pupils
from attendlib.questions.common import row_of
from attendlib.questions.impact.asked import Asked
from attendlib.questions.impact.checks import NOT_ANNUALISED, others_check
from attendlib.questions.impact.chosen import Refused
from attendlib.questions.impact.evidence import Evidence
from attendlib.questions.impact.figures import BY_CODE, days_rows, share_row
from attendlib.questions.impact.threshold import Sides, counted, sides
from attendlib.questions.impact.threshold_counts import untold
from attendlib.questions.impact.threshold_doubts import (
    choice_rows,
    density_check,
    density_rows,
    homes_check,
    placebo_checks,
    placebos,
)
from attendlib.questions.impact.threshold_figures import (
    before_after_row,
    bin_rows,
    fewer,
    line_rows,
    reach_count_rows,
    within_reach,
)
from attendlib.questions.windows import words
from attendlib.records.answer import Check, Row, Scope
from attendlib.stats.cutoff import Jump, jump, same_reach
from attendlib.stats.fit import Estimate

LEAST_F, LEAST_JUMP = 10.0, 0.5  # Staiger and Stock's rule for a first stage; and at least half must follow the line
CUTOFF = "cutoff"
METHOD = "local line, bias-corrected, robust"


@dataclass(frozen=True, slots=True)
class Fitted:
    """`rule`: absence where the line is crossed, in points (above less below). Where the line was not kept to exactly,
    `referral` is the jump in the share referred (0 to 1) and `wald` the first divided by it; else both are None."""

    rule: Jump
    referral: Jump | None
    wald: Jump | None

    @property
    def main(self) -> Jump:
        """What decides first."""
        return self.wald or self.rule


def cutoff(pupils: Pupils, asked: Asked, scope: Scope) -> Evidence:
    """Absence of pupils just at or above the line beside those just below it. Raises Refused, saying why not."""
    found = sides(pupils, asked, scope)
    made = fitted(found)
    if min(made.rule.below, made.rule.above) < limit(found.audience):
        raise Refused("too_few", f"fewer than {limit(found.audience)} pupils are near the line on one side of it",
                      found.steps)  # fmt: skip
    near = within_reach(found, made.rule.reach)
    days = float(near.frame["possible_outcome"].mean()) / SESSIONS_A_DAY
    rows = _differences(found, made, days)
    none_asked = placebos(found, made.rule)
    dense = density_rows(found)
    yearly = {row.model: row for row in rows if row.estimate == "days_fewer" and not row.outcome}
    others = frames.interventions(pupils)
    checks = [
        _kept_check(found, made), *density_check(dense), *placebo_checks([each.row for each in none_asked], found.pct),
        _long_enough(days),
        *others_check(near.frame.assign(treated=near.frame["above"]), found.windows.outcome,
                      others[others["intervention"] != asked.intervention]),
        _values_check(near), homes_check(found),
    ]  # fmt: skip
    counts = reach_count_rows(found, made.rule.reach)
    rows += [
        *_referral_rows(near, made, counts), *counts, *bin_rows(found), *line_rows(found, made.rule),
        *choice_rows(found, made.rule, days), *untold(found, none_asked, made.rule), *dense,
    ]  # fmt: skip
    return Evidence(
        rows, checks, yearly.get(CUTOFF), yearly.get("rule"), found.steps, scope, len(found.frame),
        _context(found, made, days), alone=made.wald is None,
    )  # fmt: skip


def fitted(found: Sides) -> Fitted:
    """The local fits. Raises Refused with the counts in words where the line was not kept to, or too few are near."""
    outcome, running = 100 * found.frame["outcome"].to_numpy(float), found.running
    try:
        rule = jump(outcome, running, also=found.alike(), way=found.way)
        if found.kept:
            return Fitted(rule, None, None)
        way = same_reach(rule)  # all three over the same pupils
        treated = found.frame["treated"].to_numpy(float)
        referral = jump(treated, running, also=found.alike(), way=way)
        _clear_jump(found, referral)
        return Fitted(rule, referral, jump(outcome, running, takeup=treated, also=found.alike(), way=way))
    except ValueError as error:
        if not found.kept and found.frame["treated"].nunique() < 2:
            raise _not_kept(found, "") from error
        raise Refused("too_few", "too few pupils near the line for a line on each side of it", found.steps) from error


def _clear_jump(found: Sides, referral: Jump) -> None:
    at_line = referral.plain
    if at_line.value < LEAST_JUMP or (at_line.se > 0 and strength(at_line) < LEAST_F):
        points = f"{100 * at_line.value:.0f}".replace("-", "−")
        raise _not_kept(found, f"; at the line itself the share referred moves by {points} points of 100")


def _not_kept(found: Sides, end: str) -> Refused:
    return Refused(
        "not_applicable",
        f"the rule was not kept, so pupils on both sides of the line cannot be compared: referred were"
        f" {counted(found)}{end}",
        found.steps,
    )


def strength(first: Estimate) -> float:
    """The first-stage F of one instrument: its squared t."""
    return (first.value / first.se) ** 2 if first.se > 0 else float("inf")


def _differences(found: Sides, made: Fitted, days: float) -> list[Row]:
    """Fewer days, lessons and points by each model; authorised and unauthorised apart; the referred's own change."""
    named = [(CUTOFF, made.main.robust, METHOD), ("plain", made.main.plain, "local line, not corrected for its bias")]
    if made.wald:
        named.insert(1, ("rule", made.rule.robust, METHOD))
    rows = []
    for model, estimate, method in named:
        points = row_of(fewer(estimate), "points_fewer", found.scope, model=model, unit="percentage points",
                        method=method)  # fmt: skip
        rows += days_rows(points, days, lessons=model == CUTOFF)
    return [*rows, *days_rows(before_after_row(found), days, lessons=False), *_by_code(found, made, days)]


def _by_code(found: Sides, made: Fitted, days: float) -> list[Row]:
    """Authorised and unauthorised absence apart, over the same pupils: a change of code shows as one up, one down."""
    way = same_reach(made.rule)
    rows = []
    for what in BY_CODE:
        missed = found.frame[f"{what}_outcome"].astype(float)
        if missed.isna().any():
            continue
        share = (100 * missed / found.frame["possible_outcome"]).to_numpy(float)
        takeup = found.frame["treated"].to_numpy(float) if made.wald else None
        try:
            each = jump(share, found.running, takeup=takeup, also=found.alike(), way=way)
        except ValueError:
            continue
        points = row_of(fewer(each.robust), "points_fewer", found.scope, model=CUTOFF, unit="percentage points",
                        method=METHOD)  # fmt: skip
        rows += [replace(row, outcome=f"{what} absence") for row in days_rows(points, days, lessons=False)[:2]]
    return rows


def _referral_rows(near: Sides, made: Fitted, counts: list[Row]) -> list[Row]:
    """Where the line was not kept to exactly: shares referred near it on each side, the jump and its strength.

    The shares are withheld where `counts` of the same pupils are.
    """
    if made.referral is None:
        return []
    rows = [
        share_row("referred_share", near.scope, f"side={name}", near.frame.loc[near.frame["above"] == side, "treated"])
        for side, name in ((1, "above"), (0, "below"))
    ]
    if any(row.withheld for row in counts):
        rows = [withheld(row) for row in rows]
    found = made.referral.plain
    first = row_of(found, "referral_jump", near.scope, unit="share", method="local line")
    if found.se > 0:
        rows.append(replace(first, estimate="first_stage_f", value=strength(found), low=None, high=None, se=None,
                            df=None, p=None, unit="F"))  # fmt: skip
    return [*rows, first]


def _kept_check(found: Sides, made: Fitted) -> Check:
    name = "The rule was kept"
    if made.referral is None:
        return Check(name, True, "Everyone analysed at or above the line was referred, and nobody below it.")
    text = f"Not exactly: referred were {counted(found)}. The difference is set against the jump in who was referred."
    return Check(name, None, text)


def _long_enough(days: float) -> Check:
    enough = days * SESSIONS_A_DAY >= FEWEST_SESSIONS_ANNUALISED
    text = f"The outcome covers at least {FEWEST_SESSIONS_ANNUALISED} possible sessions."
    return Check("Enough possible sessions", enough, text if enough else NOT_ANNUALISED)


def _values_check(near: Sides) -> Check:
    values = int(near.frame["running"].nunique())
    text = (
        f"Within reach of the line absence took {values} different values: sessions come in whole numbers, so lines are"
        " drawn through few places, and what lies between them is taken to be straight."
    )
    return Check("Values of absence near the line", None, text)


def _context(found: Sides, made: Fitted, days: float) -> dict[str, str]:
    spans = {name: words(getattr(found.windows, name)) for name in ("window", "baseline", "outcome")}
    return spans | {
        "window_days": f"{days:.0f}",
        "rule": f"absence of {found.pct:g}% or more",
        "line": f"{found.pct:g}%",
        "reach": f"{made.rule.reach:.1f}",
        "kept": "exactly" if made.wald is None else "mostly",
    }
