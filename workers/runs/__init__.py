"""The folder of a run: writes its index and lock while it runs, and reads or replays it later.

The meaning of a trace's lines belongs to `workers.traces`, the fold of reports to `workers.jobs`;
this package combines both with the index. May import those two, `workers.sources` and
what is below it.
"""
