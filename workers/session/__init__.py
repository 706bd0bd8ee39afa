"""A session: one attempt at one job, in a process of its own."""
