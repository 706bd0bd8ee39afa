"""The trace of an attempt: its format, and everything that writes, reads, indexes or tails it.

Only this package knows the keys, file names and byte layout of traces; `workers.runs` decides what
a line means for a job. May import `workers.jobs`, `workers.audio`, `workers.pacing`,
`workers.protocol` and `workers.errors`. The session process imports only `format` and `writer`.
``docs/trace-format.md`` describes the format.
"""
