"""Finding recordings on disk: listing, search, path input, and the state of the picker.

The dialog around them belongs to screens. This room may import text, but nothing that draws.
"""
