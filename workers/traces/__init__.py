"""The trace of an attempt: its format, and everything that writes, reads, indexes or tails one.

Nothing outside this room knows a key, a file name or the byte layout of a trace; what a line means
for a job is decided above it, in `workers.runs` and `workers.evaluation`. It may import
`workers.jobs`, `workers.audio`, `workers.pacing`, `workers.protocol` and `workers.errors`. The
session process imports only `format` and `writer`. ``docs/trace-format.md`` describes the format.
"""
