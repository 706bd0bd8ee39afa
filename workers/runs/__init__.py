"""A run as a folder: its index and lock, written while it runs, and runs read back or replayed.

The meaning of a trace's lines belongs to `workers.traces`, the fold of reports to `workers.jobs`;
this room combines both with the index. May import those two, `workers.protocol` and
`workers.errors`.
"""
