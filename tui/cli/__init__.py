"""The command line: one module per command, and what the commands share.

Commands only parse options, call lower-level packages and print. Decisions, storage and drawing
belong there. This package may import any other package, but no other package imports it.
"""
