"""Exports: what a job's fold knows, as files that other programs read.

Everything here starts from a `JobState`, so a live job and a replayed one export alike. How each
format is laid out is documented in the module that writes it: `text`, `subtitles`, `document`
(JSON) and `table` (CSV).
"""

from workers.exports.files import (
    COMBINED_FORMATS,
    FORMATS,
    FilesExist,
    OverwritePolicy,
    write_combined_exports,
    write_exports,
)
from workers.exports.names import export_name, export_names

__all__ = [
    "COMBINED_FORMATS",
    "FORMATS",
    "FilesExist",
    "OverwritePolicy",
    "export_name",
    "export_names",
    "write_combined_exports",
    "write_exports",
]
