"""File names for exports: after the recording, and safe on every system.

The rules are the strictest of them: Windows' reserved characters and device names (Microsoft,
"Naming Files, Paths, and Namespaces"), no leading dot (hidden on Unix), no end in a dot or a space
(Windows drops them), and names that differ only in case are the same (macOS, Windows).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import PurePath

from workers.exports.foreign import one_line
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory

LONGEST = 150
"""Bytes of UTF-8 in a name before its ending; file systems allow 255 for all of it."""

NAMELESS = "recording"
"""For a recording whose own name leaves nothing."""

_RESERVED_CHARACTERS = re.compile(r'[<>:"/\\|?*\ufffd]')
_DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE
)


def name_of(history: JobHistory) -> str:
    """The recording's name without its ending, made safe."""
    return safe(PurePath(history.file).stem)


def names(histories: Iterable[JobHistory]) -> dict[JobId, str]:
    """A name for every job, no two the same: x, x-2, x-3 in the order of the jobs.

    A recording that is really called ``x-2`` keeps its name; then the second x becomes ``x-3``.
    """
    own = {each.job: name_of(each) for each in sorted(histories, key=lambda each: each.job)}
    taken = {_key(name) for name in own.values()}
    numbers: dict[str, Iterator[int]] = {}
    distinct: dict[JobId, str] = {}
    for job, name in own.items():
        key = _key(name)
        if key in numbers:
            name = _free(name, numbers[key], taken)
            taken.add(_key(name))
        else:  # the first of its name keeps it
            numbers[key] = count(2)
        distinct[job] = name
    return distinct


def safe(text: str) -> str:
    """A text as a file name without an ending. Safe twice is the same as safe once."""
    plain = unicodedata.normalize("NFC", one_line(text)[: 4 * LONGEST])  # slow for a long one
    tame = re.sub(r"\.{2,}", ".", _RESERVED_CHARACTERS.sub("_", plain)).lstrip(" .")
    name = _bounded(f"_{tame}" if _DEVICES.match(tame) else tame, LONGEST)
    return name or NAMELESS


def _bounded(name: str, length: int) -> str:
    cut = name.encode()[:length].decode(errors="ignore")  # a character cut in two goes as a whole
    return cut.rstrip(" .")


def _free(name: str, numbers: Iterator[int], taken: set[str]) -> str:
    endings = (f"-{number}" for number in numbers)
    numbered = (_bounded(name, LONGEST - len(ending)) + ending for ending in endings)
    return next(each for each in numbered if _key(each) not in taken)


def _key(name: str) -> str:
    """Equal for two names that some file system takes for the same."""
    return unicodedata.normalize("NFC", name.casefold())
