"""Compares the two places in which a Turn has its text: ``transcript`` and ``words``."""

from collections import Counter
from collections.abc import Iterable
from enum import Enum

_REDACTED = "#*"
"""What replaces letters that a server hides; words that still show them are not the same text."""

MIN_COMMON_SHARE = 0.5
"""Formatting changes less than half of the characters ("forty two" becomes "42.")."""


class TextAgreement(Enum):
    """How the words of a final turn agree with its transcript."""

    SAME = "same"  # apart from formatting
    WORDS_GO_ON = "words go on"  # the transcript stops before the words do
    DIFFERENT = "different"  # the words are others, or stop before the transcript does


def text_agreement(transcript: str, words: Iterable[str]) -> TextAgreement:
    """Compares the texts without spaces, punctuation and case."""
    written, listed = characters(transcript), characters("".join(words))
    if written == listed:
        return TextAgreement.SAME
    if listed.startswith(written):
        return TextAgreement.WORDS_GO_ON
    is_spelled_out = len(listed) >= len(written) and not any(map(str.isdigit, listed))
    if is_spelled_out and any(map(str.isdigit, written)):
        return TextAgreement.SAME
    common = (Counter(written) & Counter(listed)).total()
    if written.startswith(listed) or common < MIN_COMMON_SHARE * max(len(written), len(listed)):
        return TextAgreement.DIFFERENT
    return TextAgreement.SAME


def complete_transcript(transcript: str, words: Iterable[str]) -> str:
    """The transcript, or all words if it stops before they do."""
    words = list(words)
    if text_agreement(transcript, words) is TextAgreement.WORDS_GO_ON:
        return " ".join(words)
    return transcript


def characters(text: str) -> str:
    """What is left of a text without spaces, punctuation and case."""
    return "".join(char for char in text.casefold() if char.isalnum() or char in _REDACTED)
