"""Measurements that anyone can repeat. They are no tests: nothing here passes or fails.

Each compares within one run, because absolute times mean little on another machine or beside other
work: ``python -m tests.benchmarks.pacing`` with two simpler senders, ``python -m
tests.benchmarks.accuracy`` with reference texts. Both are run from the root of the checkout.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout, from which ``tests`` and the program can be imported."""
