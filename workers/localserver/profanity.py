"""Words that `filter_profanity` hides: each keeps its first letter and its punctuation.

A list of our own. The maintained packages are made for comment sections: they undo disguised
spellings, which no recogniser writes, and hide "god", "sex" or "thrust" with the rest; in a
transcript that does more harm than a word they would have found. So these are the words that a
broadcaster bleeps, with their endings, and none that is also a name or an everyday word.
"""

import re

_STEMS = (
    "arsehole",
    "asshole",
    "bastard",
    "bitch",
    "bollocks",
    "bullshit",
    "cocksuck",
    "cunt",
    "dickhead",
    "dipshit",
    "dumbass",
    "faggot",
    "fuck",
    "goddamn",
    "horseshit",
    "jackass",
    "motherfuck",
    "nigga",
    "nigger",
    "pissed",
    "pissing",
    "shit",
    "slut",
    "twat",
    "wank",
    "whore",
)
_SUFFIXES = "(?:s|es|y|ed|er|ers|in|in'|ing|ty|tier|tiest|ting|ter|ters|face|head|heads|up)?"

_PROFANE = re.compile(
    rf"(?<![^\W_])({'|'.join(_STEMS)}){_SUFFIXES}(?:['’]s)?(?![^\W_])",
    re.IGNORECASE,
)


def mask_profanity(word: str) -> str:
    """The word as it is, or its first letter and an asterisk for each further one."""
    return _PROFANE.sub(lambda found: _mask(found[0]), word)


def _mask(word: str) -> str:
    return word[0] + "".join("*" if letter.isalnum() else letter for letter in word[1:])
