"""Pure drawing: values in, styled lines out.

This room knows no state object, disk, clock or widget. It may import values of the model, files'
entries, theme, keys and text.
"""
