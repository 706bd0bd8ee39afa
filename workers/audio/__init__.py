"""Audio files: which files to stream, what they are, and their samples as PCM.

When samples are sent does not belong here (`pacing`), nor does what becomes of a job. May import
`processes`, `errors` and `log`.
"""
