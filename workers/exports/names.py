"""Makes file names for exports from the names of recordings, safe on every system.

The strictest rules of all systems apply: Windows' reserved characters and device names (Microsoft,
"Naming Files, Paths, and Namespaces"), no leading dot (hidden on Unix), no dot or space at the end
(Windows drops them), and names that differ only in case are the same (macOS, Windows).
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import PurePath

from workers.audio.source import STDIN_NAME
from workers.exports.sanitise import single_line
from workers.jobs.job import JobId

MAX_NAME_BYTES = 150
"""Most bytes of UTF-8 in a name without its suffix; file systems allow 255 with it."""
_RESERVED_CHARACTERS = re.compile(r'[<>:"/\\|?*\ufffd]')
_DEVICE_NAMES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE
)


def export_name(file: str) -> str:
    """The safe name of a recording, without its suffix."""
    return "stdin" if file == STDIN_NAME else safe_file_name(PurePath(file).stem)


def export_names(files: Mapping[JobId, str]) -> dict[JobId, str]:
    """A different name for the recording of each job: x, x-2, x-3 in the order of the jobs. A
    recording that is called ``x-2`` keeps its name; then the second x becomes ``x-3``."""
    own = {job: export_name(files[job]) for job in sorted(files)}
    taken = {_collision_key(name) for name in own.values()}
    numbers: dict[str, Iterator[int]] = {}
    distinct: dict[JobId, str] = {}
    for job, name in own.items():
        key = distinct_key = _collision_key(name)
        distinct[job] = name  # the first job with a name keeps it
        while key in numbers and distinct_key in taken:
            ending = f"-{next(numbers[key])}"
            distinct[job] = _truncate(name, MAX_NAME_BYTES - len(ending)) + ending
            distinct_key = _collision_key(distinct[job])
        taken.add(distinct_key)
        numbers.setdefault(key, count(2))
    return distinct


def safe_file_name(text: str) -> str:
    """Turns a text into a file name without a suffix. A safe name stays unchanged."""
    start = single_line(text)[: 4 * MAX_NAME_BYTES]  # since normalising a long text is slow
    plain = unicodedata.normalize("NFC", start)
    tame = re.sub(r"\.{2,}", ".", _RESERVED_CHARACTERS.sub("_", plain)).lstrip(" .")
    name = _truncate(f"_{tame}" if _DEVICE_NAMES.match(tame) else tame, MAX_NAME_BYTES)
    return name or "recording"


def _truncate(name: str, max_bytes: int) -> str:
    whole_characters = name.encode()[:max_bytes].decode(errors="ignore")
    return whole_characters.rstrip(" .")


def _collision_key(name: str) -> str:
    """A key that is equal for names that are the same on some file system."""
    return unicodedata.normalize("NFC", name.casefold())
