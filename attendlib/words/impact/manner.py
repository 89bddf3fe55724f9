"""How each design's answer is told: what differs between designs, as data; the rest is told alike for all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from attendlib.records.answer import Answer, Story


@dataclass(frozen=True, slots=True)
class Manner:
    """One design's words.

    `main` is the model (a row's `model`) whose estimate decides first; `models` names every model of the table of
    differences, in its order. `first` is the sentence that answers the question, with n and interval; `more` gives the
    sentences only this design has. `method` says in plain words how it was compared and what it assumes. `details`
    tells what lies behind: only its sentences, charts and tables are used.
    """

    main: str
    models: Mapping[str, str]
    first: Callable[[Answer], str]
    more: Callable[[Answer], tuple[str, ...]]
    caveats: tuple[str, ...]
    method: tuple[str, ...]
    details: Callable[[Answer], Story]
