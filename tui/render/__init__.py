"""Pure functions that turn values into styled lines.

This package uses no `DeskState`, files, clocks or widgets. It may import value types of `tui.model`
and `tui.files`, and `tui.theme`, `tui.keys` and `tui.text`.
"""
