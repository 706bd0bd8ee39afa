"""What is drawn, as lines of pieces: plain functions from state to text with roles.

Nothing here knows Textual, a size it was not given, or a colour.
"""
