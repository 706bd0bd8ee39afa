"""The user's settings and remembered choices.

Names that other rooms define, such as columns, come in as arguments. This room may import keys.
"""
