"""What any design hands over: figures, checks, and the estimates that the verdict rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from attendlib.records.answer import Check, Row, Scope, Step


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything worked out for one page, before verdict and gate.

    `rows` are all figures (an empty `outcome` or `period` is filled with absence and the outcome's dates). `main` and
    `check` are the two rows in days a year, better positive, that decide together; None where the outcome is too short
    for a year. With `alone` main decides by itself (a kept cut-off). A check with `passed` False ends in "Cannot tell".
    `steps` and `n` count the pupils analysed; `context` holds texts for the words: `outcome`, `window_days` (school
    days in the outcome) and whatever else the design's own words need. `unit` is what chance is
    counted over, in the plural. With `vetoes` checks of each of several units can stop the verdict, so the estimates
    alone do not tell how often the rule reads anything.
    """

    rows: list[Row]
    checks: list[Check]
    main: Row | None
    check: Row | None
    steps: tuple[Step, ...]
    scope: Scope
    n: int
    context: Mapping[str, str] = field(default_factory=dict)
    has_baseline: bool = True
    alone: bool = False
    unit: str = "pupils"
    vetoes: bool = False
