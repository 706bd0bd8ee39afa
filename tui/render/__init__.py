"""Pure drawing: values in, styled lines out.

This room knows neither `DeskState` nor disk, clock or widget. It may import values of the model,
entries of files, theme, keys and text.
"""
