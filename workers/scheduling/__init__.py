"""Decides which job starts when, and follows each of its sessions to the end.

Belongs here: the queue, the limit on starts, retries, the scheduler that applies them, and the
supervisor, which gives it a lock and a thread. How a session streams belongs to `workers.session`;
what is known about a job to `workers.jobs`. May import every other package of `workers`
but `evaluation`.
"""
