"""Finds how many sessions an endpoint, or this machine, holds to a service level, and what gave in.

`LimitSearch` decides which number to try next, `TrialRunner` streams with so many sessions through
the real supervisor, `MachineWatch` notes what this machine did meanwhile, and `diagnose` says which
side gave in. May import every other room of `workers`. The main job never loads this package.
"""
