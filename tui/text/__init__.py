"""Text for terminals: cleaning, widths, wrapping, and numbers in words.

This package uses no colours and no Textual, and imports no other Paceline package.
"""
