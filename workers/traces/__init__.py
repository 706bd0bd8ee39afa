"""The trace of an attempt: its format, and everything that writes, reads, indexes or tails one.

Only this room knows keys, file names and the byte layout of traces; `workers.runs` decides what a
line means for a job. May import `workers.jobs`, `workers.audio`, `workers.pacing`,
`workers.protocol` and `workers.errors`. The session process imports only `format` and `writer`.
``docs/trace-format.md`` describes the format.
"""
