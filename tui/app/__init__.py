"""The Textual app: the desk, what the verbs do, and how reports reach the state. Lines are
built in `tui.render`, decisions without Textual are in `tui.model`. May import every room but
`tui.cli`.
"""
