"""Pacing: when each chunk is due, how late it left, and what that proves.

This package only computes: times are passed in as seconds, and it uses no clock, socket or process.
May import `errors` and `log` only.
"""
