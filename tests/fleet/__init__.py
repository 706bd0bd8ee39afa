"""Sessions on a real Ray cluster: several nodes on this machine, and what may happen to them.

``make fleet`` installs Ray and runs these. Without Ray they are skipped.
"""
