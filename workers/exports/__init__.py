"""Writes transcripts as files for other programs.

Every export is made from a `JobState`, so live and finished jobs are exported alike; no module
reads a run folder. May import `workers.jobs` and what is below it. The module
that writes a format documents it: `text`, `subtitles`, `document`, `scoring` and `table`.
"""
