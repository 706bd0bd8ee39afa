"""Text for terminals: cleaning, widths, wrapping, and numbers in words.

It knows nothing about Paceline, colours or Textual, and imports no other room of ours.
"""
