"""What the desk knows, in plain Python: state, table, filter, totals.

The caller passes reports and the time. This package does not draw or import widgets; it may import
`tui.files`, `tui.config`, `tui.theme`, `tui.keys` and `tui.text`.
"""
