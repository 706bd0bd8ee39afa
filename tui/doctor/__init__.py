"""What ``paceline doctor`` looks at: each module checks one side, and returns findings.

Nothing here prints, and nothing is changed. It knows the engine, settings and terminal, but neither
the desk nor other commands.
"""
