"""Machines, folders, servers and clients at their worst, with real processes.

Here is what takes too long for ``make test``, which has a small version of each kind: every write
that may fail, processes killed at any point, machines without memory, files or processes,
third-party clients. ``make hostile`` runs all of it in at most eight minutes on two cores, so a
test that needs more than half a minute gets a reason. What is drawn by chance comes from the
variable ``SEED`` (1 unless set). Tests that need root, FUSE or another program are skipped where
it is missing, and say so.
"""
