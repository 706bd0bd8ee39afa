"""Symbols, the roles of text, and the style of each role in a theme.

Code that draws with them is in `tui.render`. This package may import `tui.keys`, `tui.text` and the
job states in `workers.jobs`.
"""
