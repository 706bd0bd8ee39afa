"""Sessions whose every answer is known: a script in place of a recogniser, with faults on request.

The format is documented in ``docs/scripts.md``.
"""
