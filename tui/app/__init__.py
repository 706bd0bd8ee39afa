"""The Textual app: the desk, the verbs behind its keys, and how reports reach the state. Lines are
built in `tui.render`; decisions that do not need Textual are in `tui.model`. This package may
import every package of `tui` except `tui.cli`.
"""
