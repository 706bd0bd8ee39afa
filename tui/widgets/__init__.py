"""Widgets that draw lines and post messages about what the user did. They decide nothing and open
no screens. This package may import `tui.render` and the packages below it."""
