"""Symbols, roles of text, and the colours that a theme gives them.

What is drawn with them belongs to render. This room may import keys, text and the job states of the
engine.
"""
