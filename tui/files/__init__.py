"""Finding recordings: what names stand for, folder listing, search, path input, and the picker.

The dialog that shows them is in `tui.screens`. May import `tui.text`, but no package that draws.
"""
