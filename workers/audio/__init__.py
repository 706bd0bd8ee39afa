"""Audio files: which files to stream, what they are, and their samples as PCM.

This package decides neither when samples are sent (`pacing`) nor how a job ends. May import
`processes`, `errors` and `log`.
"""
