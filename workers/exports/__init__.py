"""Transcripts as files that other programs read.

Everything here starts from a `JobState`, so that live and finished jobs export alike; no module
reads a run folder. May import `workers.jobs`, `workers.protocol` and `workers.errors`. The module
that writes a format documents it: `text`, `subtitles`, `document` and `table`.
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
