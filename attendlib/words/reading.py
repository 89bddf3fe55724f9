"""How old a reader must be to follow a text at first reading, roughly: Flesch-Kincaid grade plus five years."""

import re

STARTS_SCHOOL_AT = 5  # a US grade is years of school since then


def reading_age(text: str) -> float:
    """Years of age. What stands in brackets is left out: a reader may pass over it.

    Source: Kincaid and others, 1975: 0.39 words a sentence + 11.8 syllables a word - 15.59. Syllables are counted by
    groups of vowels, so a single text may be a year out. Raises ValueError for a text without a word.
    """
    text = re.sub(r"\([^)]*\)", "", text)
    words = re.findall(r"[A-Za-z’']+", text)
    if not words:
        raise ValueError("a text without a word has no reading age")
    sentences = [part for part in re.split(r"[.:;!?]+(?:\s|$)", text) if re.search(r"[A-Za-z]", part)]
    syllables = sum(_syllables(word) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59 + STARTS_SCHOOL_AT


def _syllables(word: str) -> int:
    letters = re.sub(r"[^a-z]", "", word.lower())
    groups = len(re.findall(r"[aeiouy]+", letters))
    silent = groups > 1 and re.search(r"([^l]e|[^td]ed)$", letters) is not None
    return max(groups - silent, 1)
