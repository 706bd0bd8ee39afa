"""Many sessions at once, servers that fail in every way, and processes killed from outside.

``python -m tests.chaos`` goes on for minutes; at the end of each round, an oracle looks for any
word that was lost or doubled.
"""
