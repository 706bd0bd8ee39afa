"""Widgets that draw lines and post messages about what the user did. They decide nothing and open
no screens. May import `tui.render` and the rooms below."""
