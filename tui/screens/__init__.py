"""Full screens and dialogs: which widgets they hold, and what their keys do. Verbs that act on
jobs are in `tui.app`, which screens must not import. May import `tui.widgets` and the rooms below.
"""
