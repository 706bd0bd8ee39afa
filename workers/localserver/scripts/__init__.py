"""Scripted sessions: a script of known words, delays and faults in place of a recogniser.

``docs/scripts.md`` documents the file format. It implements `backend.Backend` and replaces the
client socket, and imports what these need; it knows no engine and no connection handling.
"""
