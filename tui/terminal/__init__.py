"""The process and its terminal: guard, hang-ups, standard descriptors, garbage collection.

Nothing here depends on how Paceline uses them: this package imports no other Paceline package.
"""
