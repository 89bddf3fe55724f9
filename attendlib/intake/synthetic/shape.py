"""What a synthetic trust is asked to be: sizes, seed and what is planted in it."""

from dataclasses import dataclass

from attendlib.errors import Problem, StudyError

NATIONAL_DIP = {0: 0.7, 1: 2.7}
"""The step from Year 6 to 7 less the step from 5 to 6 in the mean absence that the 2022/23 bands imply,
percentage points, by fsm6 (facts/national_absence.csv; FSM stands in for fsm6). The Year 7 that matches
the national figures holds this much, so another planted dip moves Year 7 away from them."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The settings of a synthetic trust.

    `pupils` are on roll on the first day of the first year. `effect_days` is fewer days absent a year for
    pupils of tutor_calls (negative: more). `dip_points` and `dip_points_fsm6` are absence points a pupil
    without and with fsm6 gains on entering Year 7, beyond another year of age. `attainment8_link`,
    `ks2_link` and `maths_link` are points at 10% against 2% absence, given prior and characteristics.
    """

    schools: int = 6
    pupils: int = 2640
    seed: int = 20250912
    effect_days: float = 6.0
    dip_points: float = NATIONAL_DIP[0]
    dip_points_fsm6: float = NATIONAL_DIP[1]
    attainment8_link: float = -3.0
    ks2_link: float = -1.5
    maths_link: float = -1.5

    @property
    def secondaries(self) -> int:
        """One school in three, at least one."""
        return max(1, round(self.schools / 3))

    @property
    def primaries(self) -> int:
        """The other schools."""
        return self.schools - self.secondaries


def check(shape: Shape) -> None:
    """Refuses a trust that cannot be made. Errors: StudyError naming every setting that is wrong."""
    fewest = 11 * max(shape.primaries, shape.secondaries)
    rules = (
        ("schools", 2 <= shape.schools <= 900, "is outside 2 to 900", "Ask for 2 schools or more."),
        ("pupils", shape.pupils >= fewest, "leaves a year group empty", f"Ask for {fewest} pupils or more."),
        ("seed", shape.seed >= 0, "is negative", "Give a whole number from 0."),
        ("effect_days", -60 <= shape.effect_days <= 60, "is outside -60 to 60", "Give days a year."),
        ("dip_points", 0 <= shape.dip_points <= 20, "is outside 0 to 20", "Give percentage points."),
        ("dip_points_fsm6", 0 <= shape.dip_points_fsm6 <= 20, "is outside 0 to 20", "Give percentage points."),
    )
    wrong = [Problem(where="synthetic trust", column=c, what=w, remedy=r) for c, right, w, r in rules if not right]
    if wrong:
        raise StudyError(wrong)
