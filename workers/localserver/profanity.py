"""Masks profanity for `filter_profanity`; a masked word keeps its first letter and punctuation.

The list is our own. Maintained packages are made for comment sections: they decode disguised
spellings, which no recogniser writes, and also mask "god", "sex" or "thrust", which harms a
transcript more than a missed word. Ours has the words that broadcasters bleep out, with their
endings, but none that is also a name or an everyday word.
"""

import re

_STEMS = (
    "arsehole|asshole|bastard|bitch|bollocks|bullshit|cocksuck|cunt|dickhead|dipshit|dumbass|"
    "faggot|fuck|goddamn|horseshit|jackass|motherfuck|nigga|nigger|pissed|pissing|shit|slut|"
    "twat|wank|whore"
)
_SUFFIXES = "(?:s|es|y|ed|er|ers|in|in'|ing|ty|tier|tiest|ting|ter|ters|face|head|heads|up)?"

_PROFANE = re.compile(rf"(?<![^\W_])({_STEMS}){_SUFFIXES}(?:['’]s)?(?![^\W_])", re.IGNORECASE)


def mask_profanity(word: str) -> str:
    """Replaces every letter of a profane word, except the first, with an asterisk."""

    def mask(match: re.Match[str]) -> str:
        letters = match[0]
        return letters[0] + "".join("*" if letter.isalnum() else letter for letter in letters[1:])

    return _PROFANE.sub(mask, word)
