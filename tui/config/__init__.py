"""The user's settings and remembered choices.

Names defined by other packages, such as columns, are passed as arguments. May import `tui.keys`.
"""
