"""What the desk knows and what the user made of it, in plain Python: state, table, filter, totals.

Time and reports come in as arguments. Nothing here draws, knows a widget, or imports Textual
widgets; it may import files, config, theme, keys and text.
"""
