"""What a job is, what happens to it, and what is known about it.

Belongs here: events, the one fold over them (`job_state`), transcripts, what outcomes mean, and
where another attempt resumes. Reading and writing traces or run folders does not, nor deciding what
starts next. May import `workers.audio`, `workers.pacing`, `workers.protocol` and `workers.errors`;
every session process imports it, so it stays light.
"""
