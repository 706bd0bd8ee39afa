"""Pacing: when each chunk is due, how late it left, and what that proves.

Pure computation: times come in as seconds, so no clock, socket or process belongs here. May import
`errors` and `log` only.
"""
