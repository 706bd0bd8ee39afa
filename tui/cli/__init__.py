"""The command line: one module a command, and what the commands share.

Commands only parse options, call the rooms below and print. What a run decides, stores or draws
belongs there. This room may import every other room; no other room imports it.
"""
