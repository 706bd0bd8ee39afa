"""Text for terminals: widths, wrapping, and numbers in words.

This package uses no colours and no Textual. Of Paceline it imports only `workers.visible_text`.
"""
