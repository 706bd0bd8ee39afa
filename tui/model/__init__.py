"""What the desk knows, in plain Python: state, table, filter, totals.

Callers pass in reports and the time. This package does not draw or import widgets. It may import
`tui.files`, `tui.config`, `tui.theme`, `tui.keys` and `tui.text`.
"""
