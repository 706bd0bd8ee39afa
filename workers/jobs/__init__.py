"""What a job is, what happens to it, and what is known about it.

Belongs here: events, the only fold over them (`job_state`), transcripts, the meaning of outcomes,
and where another attempt resumes. Does not belong here: reading and writing traces or run folders,
and deciding what starts next. May import `workers.audio`, `workers.pacing`, `workers.protocol` and
`workers.errors`. Every session process imports this package, so it stays light.
"""
