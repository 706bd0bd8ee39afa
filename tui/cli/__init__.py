"""The command line: one module per command, and what the commands share.

Commands only parse options, call lower-level packages and print. What a run decides, stores or
draws belongs there. This package may import every other one; no other package imports it.
"""
