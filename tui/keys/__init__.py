"""All keys: the table of actions, the names of keys, and the user's changes. What an action does is
in screens, widgets and `tui.app`. May import no other room."""
