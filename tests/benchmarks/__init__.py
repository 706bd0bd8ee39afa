"""Measurements that anyone can repeat. They are no tests: nothing here passes or fails.

Each compares within one run, because absolute times mean little on another machine or beside other
work: ``python -m tests.benchmarks.pacing`` with two simpler senders, and of the embedded engine
``accuracy`` with reference texts, ``capacity`` several numbers of sessions, ``word_times``
with a forced alignment, ``engine_soak`` the end of a long session with its beginning; ``soak`` the
end of a run of a million turns with its beginning. All are run from the
root of the checkout.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout, from which ``tests`` and the program can be imported."""
