"""Exports: what a job's fold knows, as files that other programs read.

Everything here starts from a `JobHistory`, so a live job and a replayed one export alike. How each
format is laid out is documented in the module that writes it: `text`, `subtitles`, `document`
(JSON) and `table` (CSV).
"""

from workers.exports.files import (
    FORMATS,
    TOGETHER,
    AlreadyThere,
    Existing,
    export,
    export_together,
)
from workers.exports.names import name_of, names

__all__ = [
    "FORMATS",
    "TOGETHER",
    "AlreadyThere",
    "Existing",
    "export",
    "export_together",
    "name_of",
    "names",
]
