"""The process and its terminal: guard, hang-ups, standard descriptors, garbage collection.

Nothing here knows what Paceline does with them. This room imports no other room of ours.
"""
