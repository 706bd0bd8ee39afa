"""All keys: the table of actions, the names of keys, and the user's changes. Actions are
implemented in `tui.screens`, `tui.widgets` and `tui.app`. Imports no other Paceline package."""
