"""Finding recordings on disk: listing, search, path input, and the state of the picker.

The dialog that shows them is in `tui.screens`. May import `tui.text`, but no package that draws.
"""
