"""Scripted sessions: a script of known words, delays and faults in place of a recogniser.

``docs/scripts.md`` documents the file format. This package implements `backend.Backend` and
replaces the client socket. It imports no engine and no connection handling.
"""
