"""Full screens and dialogs: which widgets they contain, and what their keys do. Verbs that act on
jobs are in `tui.app`. This package may import `tui.widgets` and lower packages, but not `tui.app`.
"""
