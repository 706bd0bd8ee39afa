"""The lines of a record that a filter leaves."""

from array import array
from bisect import bisect_left
from time import monotonic

from tui.model.trace_tail import READ_SLICE_S, TraceTail
from tui.render.trace_events import event_summary


class TraceFilter:
    """Those in which every word of a filter stands; behind ``!``, in which it does not.

    One thread reads, others may look at what it has found: numbers are only added.
    """

    def __init__(self, trace: TraceTail, text: str) -> None:
        terms = text.casefold().split()
        self._trace = trace
        self._wanted = [term for term in terms if not term.startswith("!")]
        self._unwanted = [term[1:] for term in terms if len(term) > 1 and term.startswith("!")]
        self.version = trace.version
        self.text = text
        self.line_numbers = array("L")
        """The numbers of the lines that it leaves."""
        self.lines_checked = 0
        """So many lines of the record were."""

    @property
    def count(self) -> int:
        """How many of them the record has by the moment that is looked at."""
        return bisect_left(self.line_numbers, len(self._trace))

    def read(self) -> bool:
        """Looks at further lines for a moment; True while there are more."""
        if self.lines_checked >= len(self._trace):
            return False
        end = monotonic() + READ_SLICE_S
        for entry in self._trace.entries(self.lines_checked):
            if self._matches(event_summary(entry).search_text):
                self.line_numbers.append(self.lines_checked)
            self.lines_checked += 1
            if monotonic() > end:
                return True
        return False

    def _matches(self, words: str) -> bool:
        return all(term in words for term in self._wanted) and not any(
            term in words for term in self._unwanted
        )
