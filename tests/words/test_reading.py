"""The reading age against sums done by hand, and of what every page says by itself."""

import pytest

from attendlib.export.glossary import TERMS
from attendlib.words.reading import reading_age

# words, sentences, syllables by hand: 0.39 w/s + 11.8 y/w - 15.59 + 5
BY_HAND = [
    ("The cat sat on the mat.", 0.39 * 6 + 11.8 * 6 / 6 - 10.59),
    ("Pupils missed more days. They came back.", 0.39 * 7 / 2 + 11.8 * 8 / 7 - 10.59),
    ("The cat (95% interval 3 to 4) sat on the mat.", 0.39 * 6 + 11.8 * 6 / 6 - 10.59),
]


@pytest.mark.parametrize(("text", "age"), BY_HAND)
def test_by_hand(text: str, age: float) -> None:
    assert reading_age(text) == pytest.approx(age)


def test_hard_words_and_long_sentences_ask_for_more_years() -> None:
    plain = "Pupils who missed more did worse. We do not know why."
    hard = "Pupils experiencing comparatively elevated absenteeism demonstrated correspondingly diminished attainment."
    assert reading_age(plain) < 9
    assert reading_age(hard) > 18
    with pytest.raises(ValueError, match="without a word"):
        reading_age("12.5 (3)")


def test_the_glossary_is_plain() -> None:
    assert reading_age(" ".join(term.meaning for term in TERMS)) < 12
