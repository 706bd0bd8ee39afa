"""The lines of a record that a filter leaves."""

from array import array
from bisect import bisect_left
from time import monotonic

from tui.model.trace_tail import SLICE, Record
from tui.render.trace_events import told


class Sifted:
    """Those in which every word of a filter stands; behind ``!``, in which it does not.

    One thread reads, others may look at what it has found: numbers are only added.
    """

    def __init__(self, record: Record, text: str) -> None:
        terms = text.casefold().split()
        self._record = record
        self._wanted = [term for term in terms if not term.startswith("!")]
        self._unwanted = [term[1:] for term in terms if len(term) > 1 and term.startswith("!")]
        self.edition = record.edition
        self.text = text
        self.lines = array("L")
        """The numbers of the lines that it leaves."""
        self.looked_at = 0
        """So many lines of the record were."""

    @property
    def count(self) -> int:
        """How many of them the record has by the moment that is looked at."""
        return bisect_left(self.lines, len(self._record))

    def read(self) -> bool:
        """Looks at further lines for a moment; True while there are more."""
        if self.looked_at >= len(self._record):
            return False
        end = monotonic() + SLICE
        for entry in self._record.entries(self.looked_at):
            if self._leaves(told(entry).words):
                self.lines.append(self.looked_at)
            self.looked_at += 1
            if monotonic() > end:
                return True
        return False

    def _leaves(self, words: str) -> bool:
        return all(term in words for term in self._wanted) and not any(
            term in words for term in self._unwanted
        )
