"""Transcripts as files that other programs read.

Everything here starts from a `JobState`, so that live and finished jobs export alike; no module
reads a run folder. May import `workers.jobs`, `workers.protocol` and `workers.errors`. The module
that writes a format documents it: `text`, `subtitles`, `document` and `table`.
"""
