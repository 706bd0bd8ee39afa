"""What the desk knows, in plain Python: state, table, filter, totals.

The caller passes reports and the time. Nothing here draws or imports widgets; it may import files,
config, theme, keys and text.
"""
