"""A run as a folder: its index, its lock, its log of the environment, and runs read back from it.

What a trace's line means belongs to `workers.traces`, what reports make of a job to `workers.jobs`;
this room joins the two with the index. It may import those, and whatever they may.
"""
