"""One attempt at one job, in a process of its own: dial, stream in real time, end.

This package contains what runs in a session process, and `local_launcher`, which starts one. What
happens before and after an attempt (queues, retries, limits) belongs to `scheduling`. May import
`traces`, `jobs`, `audio`, `pacing`, `protocol`, `processes`, `log` and `errors`.
"""
