"""Words a reader may not know, each with the pattern that says it is on the page and its meaning in plain English."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A word, what to look for in the text, and what it means."""

    word: str
    pattern: str
    meaning: str


def _whole(word: str, ends: str = r"\b") -> str:
    """A pattern of a word that begins where it says. That comes last: one that begins with letters is found in a
    twentieth of the time of one that begins with the start of any word."""
    return rf"{word}(?<!\w{word}){ends}"


# Meanings follow DfE, Pupil absence statistics: methodology, and the EEF's statistical guidance, in shorter words.
TERMS = (
    Term("95% interval", r"95% interval", "The range of true figures that fits what was seen. It is made so that"
         " 95 of 100 such ranges hold the true figure."),
    Term("Session", _whole("session", r"s?\b"), "Half a school day: a morning or an afternoon. A day is two sessions."),
    Term("Persistently absent", r"persistent|missed 10% or more|missing 10% or more",
         "Missing 10% or more of the sessions one could have attended: 19 days of 190."),
    Term("Severely absent", r"severe", "Missing half or more of the sessions one could have attended."),
    Term("Half-term", r"half-term", "One of six parts of the school year, between holidays."),
    Term("Percentage point", r"percentage points?", "The difference between two percentages: from 5% to 7% is two"
         " percentage points."),
    Term("Standard deviation", r"standard deviations?", "How far pupils typically are from the average. A tenth of one"
         " is small, a whole one is large."),
    Term("Adjusted", _whole("adjust", ""), "Found as if the pupils compared were alike in the things named."),
    Term("Free school meals in the last six years", r"free school meals|fsm6", "Pupils recorded as eligible for free"
         " school meals in any of the last six years."),
    Term("SEN", _whole("sen") + "|special educational need",
         "Special educational needs: support in school (K) or an education, health and care plan (E)."),
    Term("Attainment 8", r"Attainment 8", "A pupil's points across eight GCSE-level subjects, English and maths counted"
         " twice."),
    Term("Key Stage 2", r"Key Stage 2", "The tests at the end of Year 6."),
    Term("c (withheld)", r">c<|withheld", "A figure left blank because few pupils are behind it, or because it would"
         " let such a figure be found by subtraction."),
    Term("If the groups were otherwise alike", r"groups were otherwise alike", "Nobody drew lots to choose the"
         " pupils, so the groups may differ in ways the records do not show."),
)  # fmt: skip


def glossary(text: str) -> tuple[Term, ...]:
    """The terms that stand in a page's text, in the order above."""
    low = text.lower()  # a search without regard to case takes ten times as long
    return tuple(term for term in TERMS if re.search(term.pattern.lower(), low))
