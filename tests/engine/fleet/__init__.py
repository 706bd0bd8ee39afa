"""Fleets without Ray: agents are processes of this machine. `tests.fleet` has those with Ray."""
