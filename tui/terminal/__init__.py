"""The process and its terminal: guard, hang-ups, standard descriptors, garbage collection.

This package imports no other Paceline package.
"""
