"""A run as a folder: its index and lock, written while it runs, and runs read back or replayed.

What a line of a trace means belongs to `workers.traces`, what a report makes of a job to
`workers.jobs`; this room joins them with the index. It may import those two, `workers.protocol` and
`workers.errors`.
"""
